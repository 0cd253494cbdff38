"""What is traded on an order book, as the API tells it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from leverd.api.models.amounts import Money, money, written
from leverd.api.models.spot import (
    SpotModel,
    SpotOrderModel,
    SpotReference,
    SpotStop,
    SpotThought,
)
from leverd.cli import picture
from leverd.cli.spot_now import priced, units
from leverd.domain.atto import of_atto
from leverd.domain.fixed_point import WAD, mul_div_down
from leverd.domain.reference import Heard
from leverd.domain.spot import SPOT, OpenOrder, Spot
from leverd.interfaces.watcher import SpotSight

if TYPE_CHECKING:
    from leverd.settings import Settings
    from leverd.settings.spot import SpotSection


def model(
    settings: Settings, story: picture.Story, sight: SpotSight | None, now: datetime
) -> SpotModel | None:
    """Return what there is to tell, None where nothing is traded and nothing ever was."""
    spot, section = story.book.spot, settings.spot
    if section is None and spot.marked is None and spot.order is None:
        return None
    base, quote = units(section, sight)
    bid, profit = priced(spot, sight)
    ago = None if sight is None else max((now - sight.at).total_seconds(), 0.0)
    worth = None if bid is None else mul_div_down(spot.base, bid, WAD)
    return SpotModel(
        position=SPOT,
        orders=None if section is None else section.orders,
        account=spot.account,
        since=spot.since or None,
        venue=None if section is None else section.venue.kind,
        market_id=None if section is None else section.limits.market_id,
        ticker=None if sight is None else sight.ticker,
        agent=None if section is None else section.agent,
        subject=None if section is None else section.subject,
        state=picture.state_of(story.book.page(SPOT)),
        stopped=None
        if spot.stopped is None
        else SpotStop(why=spot.stopped.why, reason=spot.stopped.reason),
        source="journal" if sight is None else "turn",
        seen_at=None if sight is None else sight.at,
        seen_s_ago=ago,
        chain_at=None if sight is None else sight.chain_at,
        block=None if sight is None else sight.block,
        bid=_of(bid, quote),
        ask=_of(sight.ask or None if sight else None, quote),
        held=money(of_atto(spot.base), base),
        entries=spot.entries,
        entered_at=spot.entered_at or None,
        cost=money(of_atto(spot.cost), quote),
        average=_of(spot.average or None, quote),
        worth=_of(worth, quote),
        realised=money(of_atto(spot.realised), quote),
        unrealised=_of(None if profit is None else profit - spot.realised, quote),
        profit=_of(profit, quote),
        fees=money(of_atto(spot.fees), quote),
        peak=_of(spot.peak, quote),
        free=_of(None if sight is None else sight.quote_free, quote),
        trades_today=spot.trades_today(int(now.timestamp())),
        trades_day_max=None if section is None else section.limits.trades_day_max,
        fruitless=spot.fruitless,
        order=None if spot.order is None else _order(spot.order, (base, quote), now),
        last_decision=_thought(spot, quote),
        limits={} if section is None else _limits(section),
    )


def _order(order: OpenOrder, called: tuple[str, str], now: datetime) -> SpotOrderModel:
    base, quote = called
    planned, placed = order.planned, order.placed
    standing: Literal["planned", "signed", "cancelling"] = "planned"
    if placed is not None:
        standing = "signed" if order.cancel is None else "cancelling"
    return SpotOrderModel(
        side="buy" if planned.side == "buy" else "sell",
        purpose="enter" if planned.purpose == "enter" else "exit",
        standing=standing,
        cid="" if placed is None else placed.cid,
        price=money(of_atto(planned.price), quote),
        quantity=money(of_atto(planned.quantity), base),
        reason=planned.reason,
        planned_at=order.planned_at,
        age_s=max(int(now.timestamp()) - order.planned_at, 0),
    )


def _thought(spot: Spot, quote: str) -> SpotThought | None:
    said = spot.decided
    if said is None:
        return None
    return SpotThought(
        agent=said.agent,
        decision=said.decision,
        code=said.code,
        reason=said.reason,
        fair=_of(said.fair or None, quote),
        fair_error=written(of_atto(said.fair_error)) if said.fair else None,
        references=[_reference(each, quote) for each in said.heard],
    )


def _reference(heard: Heard, quote: str) -> SpotReference:
    said = heard.quote
    return SpotReference(
        source=said.source,
        bid=money(of_atto(said.bid), quote),
        middle=money(of_atto(said.middle), quote),
        ask=money(of_atto(said.ask), quote),
        error=None if heard.against else written(of_atto(heard.error)),
        ignored=heard.against,
        at=said.at,
        block=said.block,
    )


def _limits(section: SpotSection) -> dict[str, Any]:
    return {
        name: written(value) if isinstance(value, Decimal) else value
        for name, value in section.limits.model_dump().items()
    }


def _of(raw: int | None, unit: str) -> Money | None:
    return None if raw is None else money(of_atto(raw), unit)
