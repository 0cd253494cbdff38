"""A position's picture as the API tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from leverd.api.models.amounts import Money, money, written
from leverd.api.models.money import Point
from leverd.api.models.position import LastDecision, Leg, OrderModel, Outlook, PositionModel
from leverd.api.models.state import PredictionModel
from leverd.api.outlook import outlook
from leverd.cli import order_rows, picture
from leverd.cli.picture import Meaning, OpenSlot, PositionPicture
from leverd.domain.money import USD
from leverd.domain.orders import Level
from leverd.domain.snapshot import Snapshot
from leverd.engine.book import Page
from leverd.interfaces.watcher import Seen
from leverd.settings.models import PositionSection

_GWEI: Final = 9
_ETHER: Final = 18
_NATIVE: Final = "ETH"
_NOTHING: Final = picture.Story()


@dataclass(frozen=True, slots=True)
class Looks:
    """What turns saw of a position."""

    seen: Seen | None  # the last turn, where nothing newer is known
    at: datetime | None  # wall time of it
    earlier: Sequence[Snapshot]


def meaning(section: PositionSection) -> Meaning:
    """Return what the settings say of a position."""
    return Meaning(section.collateral, section.debt, section.share_class)


def model(
    each: PositionPicture,
    section: PositionSection,
    looks: Looks,
    page: Page,
    levels: Sequence[Level],
) -> PositionModel:
    """Return the position as the API tells it."""
    seen = looks.seen
    return PositionModel(
        position=each.position_id,
        state=each.state,
        source="turn" if seen else "journal",
        block=each.block,
        chain_at=each.chain_at,
        seen_at=looks.at,
        collateral=section.collateral,
        debt=section.debt,
        side=each.side.value,
        health=_digits(each.health),
        leverage=_digits(each.leverage),
        bet=_digits(each.bet),
        price=_usd(each.price),
        liquidation_price=_usd(each.liquidation_price),
        outlook=_outlook(each, meaning(section), looks),
        equity=_equity(each),
        pnl={line: money(amount, each.share_class) for line, amount in each.pnl.items()},
        pnl_total=money(each.pnl_total, each.share_class),
        pnl_unmarked=money(_unmarked(page, seen), each.share_class),
        legs=[
            Leg(kind=leg.kind, balance=money(leg.amount, leg.symbol),
                value=money(leg.value_usd, USD.symbol)) for leg in each.holdings
        ],
        orders=[_order(row) for row in order_rows.data(levels)],
        last_decision=LastDecision(
            decision=each.decision, reason=each.reason, block=each.decided_block
        ) if each.decision else None,
        breakers=list(page.record.breakers),
        operator_gas=money(_scaled(seen.operator_balance, _ETHER), _NATIVE) if seen else None,
        gas_price=money(_scaled(seen.base_fee, _GWEI), "gwei") if seen else None,
    )  # fmt: skip


def point(position: str, section: PositionSection, snapshot: Snapshot) -> Point | None:
    """Return one look at a position, to draw."""
    each = picture.position(_NOTHING, position, meaning(section), snapshot)
    if each is None or each.equity is None:
        return None
    return Point(
        at=snapshot.at,
        price=_digits(each.price),
        equity=written(each.equity),
        leverage=_digits(each.leverage),
        health=_digits(each.health),
        liquidation_price=_digits(each.liquidation_price),
    )


def slot(each: OpenSlot) -> dict[str, Any]:
    """Return a nonce that is not final yet."""
    return {
        "slot": each.slot,
        "position": each.position_id,
        "state": each.state,
        "attempts": each.attempts,
        "tx_hash": each.tx_hash,
    }


def prediction(row: Mapping[str, Any]) -> PredictionModel:
    """Return what a predictor says, from a row for programs."""
    plain = {name: written(value) for name, value in row.items() if name != "scored_here"}
    ignored = str(row["ignored"]).removeprefix("no: ")
    return PredictionModel(**{**plain, "ignored": ignored, "heard": not ignored})


def _outlook(each: PositionPicture, meant: Meaning, looks: Looks) -> Outlook:
    return outlook(looks.earlier, meant.volatile, each.price, each.liquidation_price)


def _unmarked(page: Page, seen: Seen | None) -> Decimal:
    """Return by how much equity moved since P&L was last recorded."""
    if seen is None or page.marked is None:
        return Decimal(0)
    return _scaled(seen.snapshot.equity - page.marked.snapshot.equity, page.marked.share_decimals)


def _equity(each: PositionPicture) -> Money:
    return money(each.equity or Decimal(0), each.share_class)


def _order(row: dict[str, Any]) -> OrderModel:
    plain = {name: written(value) for name, value in row.items()}
    return OrderModel(**{**plain, "watches": str(row["watches"]), "share": f"{row['share']}"})


def _usd(amount: Decimal | None) -> Money | None:
    return None if amount is None else money(amount, USD.symbol)


def _digits(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _scaled(raw: int, decimals: int) -> Decimal:
    return Decimal(f"{raw}e-{decimals}")
