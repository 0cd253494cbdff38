"""A position, as of the last turn or of the last journaled balances."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from leverd.api.models.amounts import Answer, Digits, Money


class Leg(Answer):
    """One balance."""

    kind: Literal["idle", "supplied", "owed"]
    balance: Money
    value: Annotated[Money, Field(description="USD, negative for a debt")]


class OrderModel(Answer):
    """A standing order: where it is and when it fires."""

    order: str
    status: str
    watches: str
    now: Digits | None
    fires_at: Digits | None
    rising: bool
    distance: Digits | None
    closes: bool
    share: Digits


class LastDecision(Answer):
    """What was last decided about a position."""

    decision: Annotated[str, Field(examples=["leverage_loop: hold"])]
    reason: str
    block: int


class Outlook(Answer):
    """How far liquidation is away. An estimate: prices may also jump."""

    distance: Annotated[
        Digits | None,
        Field(description="fraction the price may move against it; null without debt"),
    ] = None
    drift_s: Annotated[
        float | None,
        Field(description="seconds until interest alone would liquidate it; null: never, unknown"),
    ] = None
    sigma_s: Annotated[
        float | None,
        Field(description="seconds in which one standard deviation of recent moves covers it"),
    ] = None


class PositionModel(Answer):
    """One position."""

    position: Annotated[str, Field(examples=["eth-loop"])]
    state: Annotated[str, Field(examples=["active"], description="trading state, in words")]
    source: Annotated[
        Literal["turn", "journal"], Field(description="who saw it: the last turn, or the journal")
    ]
    block: int
    chain_at: Annotated[int, Field(description="chain time of that block, unix seconds")]
    seen_at: Annotated[datetime | None, Field(description="wall time of the turn")]
    collateral: str
    debt: str
    side: Literal["long", "short"]
    health: Annotated[Digits | None, Field(description="liquidatable below 1; null without debt")]
    leverage: Annotated[Digits | None, Field(description="exposure / equity; null without equity")]
    bet: Annotated[Digits | None, Field(description="value bet on over equity")]
    price: Annotated[Money | None, Field(description="the venue's oracle, of what it bets on")]
    liquidation_price: Money | None
    outlook: Outlook
    equity: Money
    pnl: Annotated[dict[str, Money], Field(description="since opening, by line")]
    pnl_total: Money
    pnl_unmarked: Annotated[
        Money, Field(description="equity moved by so much since the last mark, not yet by cause")
    ]
    legs: list[Leg]
    orders: list[OrderModel]
    last_decision: LastDecision | None
    breakers: list[str]
    operator_gas: Annotated[Money | None, Field(description="native tokens of the signing key")]
    gas_price: Annotated[Money | None, Field(description="base fee of the next block, gwei")]
