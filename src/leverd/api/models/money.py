"""Money over time: P&L, days, rates, and lines to draw."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leverd.api.models.amounts import Answer, Digits, Money


class PnlModel(Answer):
    """What a position has made since it was opened, and why."""

    position: str
    share_class: str
    lines: Annotated[dict[str, Money], Field(description="by cause; they add up to the total")]
    total: Money
    equity: Money
    unit_price: Annotated[
        Digits | None,
        Field(description="what one unit is worth; deposits and withdrawals do not move it"),
    ]
    marked_at: Annotated[int | None, Field(description="chain time of the last mark")]


class DayModel(Answer):
    """One UTC day of chain time of one position."""

    day: Annotated[str, Field(examples=["2026-01-31"])]
    position: str
    lines: dict[str, Money]
    total: Money
    flow: Annotated[Money, Field(description="what came in (+) or went out (-)")]
    equity_open: Annotated[Money, Field(description="at the day's first mark")]
    equity: Annotated[Money, Field(description="at the day's last mark")]
    unit_price_open: Digits
    unit_price: Digits
    gain: Annotated[Digits | None, Field(description="of the unit price since the day before")]
    health_min: Annotated[Digits | None, Field(description="of the marks; null without a debt")]
    leverage_min: Annotated[Digits | None, Field(description="of the marks that have a debt")]
    leverage_max: Digits | None
    trades: Annotated[int, Field(description="plans completed")]


class Days(Answer):
    """Days, oldest first."""

    items: list[DayModel]
    next_before: Annotated[
        str | None, Field(description="the page of earlier days is before this day")
    ] = None
    pruned_until: Annotated[
        str | None, Field(description="up to this day only days are known, the rest was pruned")
    ] = None


class RatePoint(Answer):
    """What a token earned and cost between two looks; fractions a year, simple."""

    at: Annotated[int, Field(description="chain time, unix seconds")]
    token: str
    supply_apr: Digits
    borrow_apr: Digits


class Rates(Answer):
    """Rates a lending market really paid, by the growth of its indexes; oldest first."""

    position: str
    items: list[RatePoint]


class Point(Answer):
    """One look."""

    at: Annotated[int, Field(description="chain time, unix seconds")]
    price: Digits | None
    equity: Digits
    leverage: Digits | None
    health: Digits | None
    liquidation_price: Digits | None


class Series(Answer):
    """Lines to draw, oldest first: the journal's looks, and every turn since the API began."""

    position: str
    price_unit: str
    equity_unit: str
    items: list[Point]
