"""`leverd report -p spot`: what became of trading on an order book, from its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from leverd.cli.output import pairs, say, table
from leverd.cli.spot_now import priced, units
from leverd.domain.atto import of_atto
from leverd.domain.fixed_point import WAD, mul_div_up
from leverd.domain.spot import BUY, OpenOrder, Spot, fold_spot
from leverd.domain.spot_events import (
    SpotDecided,
    SpotEvent,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotWrittenOff,
)

if TYPE_CHECKING:
    from leverd.interfaces.journal import Entry
    from leverd.interfaces.watcher import SpotSight
    from leverd.settings import Settings

_SHOWN: Final = 20
"""Newest orders that a terminal shows; JSON has them all."""


@dataclass(slots=True)
class Story:
    """What the journal tells of spot where it is traded now, folded; money is quote, in 1e-18s."""

    spot: Spot = field(default_factory=Spot)
    first: int = 0  # chain time
    last: int = 0
    bought: int = 0
    sold: int = 0
    rounds: list[int] = field(default_factory=list)  # gain of each, from nothing held to nothing
    before: int = 0  # realised when the round that is under way began
    high: int = 0  # of marked profit
    fell: int = 0  # deepest from such a high
    ends: Counter[str] = field(default_factory=Counter)  # of orders, by standing
    thoughts: Counter[str] = field(default_factory=Counter)
    orders: list[dict[str, Any]] = field(default_factory=list)


def told(entries: Iterable[Entry]) -> Story:
    """Return the story of `entries`, oldest first, since it is of this account and market."""
    story = Story()
    for entry in entries:
        if isinstance(entry.event, SpotEvent):
            before = story.spot
            spot = fold_spot(before, entry.event, entry.chain_at)
            if before.is_flat and spot.home.differs(before.home):
                story = Story()
            story.spot = spot
            _follow(story, before.order, entry.event, entry.chain_at)
    return story


def data(settings: Settings, story: Story, sight: SpotSight | None) -> dict[str, Any]:
    """Return it for programs; `sight` is the last look at the book."""
    spot, (base, quote) = story.spot, units(settings.spot, sight)
    _, profit = priced(spot, sight)
    rounds = story.rounds
    return {
        "position": "spot",
        "account": spot.account,
        "market_id": spot.home.market_id,
        "units": [base, quote],
        "from": story.first or None,
        "until": story.last or None,
        "profit": None if profit is None else of_atto(profit),
        "realised": of_atto(spot.realised),
        "unrealised": None if profit is None else of_atto(profit - spot.realised),
        "fees": of_atto(spot.fees),
        "bought": of_atto(story.bought),
        "sold": of_atto(story.sold),
        "held": of_atto(spot.base),
        "held_cost": of_atto(spot.cost),
        "rounds": len(rounds),
        "rounds_won": sum(1 for each in rounds if each > 0),
        "round_best": of_atto(max(rounds)) if rounds else None,
        "round_worst": of_atto(min(rounds)) if rounds else None,
        "deepest_fall": of_atto(story.fell),
        "ends": dict(story.ends),
        "thoughts": dict(story.thoughts),
        "orders": story.orders,
    }


def show(found: Mapping[str, Any]) -> None:
    """Write it for people."""
    base, quote = found["units"]
    won = f"{found['rounds_won']} of {found['rounds']} rounds"
    pairs(
        {
            "account": found["account"] or "nobody's yet",
            "from": _day(found["from"]),
            "until": _day(found["until"]),
            "profit": _money(found["profit"], quote),
            "realised": _money(found["realised"], quote),
            "unrealised": _money(found["unrealised"], quote),
            "fees, in both": f"{found['fees']:f} {quote}",
            "bought": f"{found['bought']:f} {quote}",
            "sold": f"{found['sold']:f} {quote}",
            "held": f"{found['held']:f} {base}, cost {found['held_cost']:f} {quote}",
            "won": won if found["rounds"] else "no round ended yet",
            "best and worst round": f"{_money(found['round_best'], quote)},"
            f" {_money(found['round_worst'], quote)}",
            "deepest fall, as marked": f"{found['deepest_fall']:f} {quote}",
            "orders ended": _counted(found["ends"]),
            "thoughts": _counted(found["thoughts"]),
        },
        title=f"spot, {base} for {quote}",
    )
    table(
        ("when", "side", "filled", "price", "fee", "became of it", "why"),
        [_row(each) for each in found["orders"][-_SHOWN:]],
        title="orders, the newest last",
    )
    say("its line is on the page: leverd api; every entry: leverd history -p spot")


def _follow(story: Story, order: OpenOrder | None, event: SpotEvent, chain_at: int) -> None:
    """Count `event`; `order` was in flight before it."""
    story.first, story.last = story.first or chain_at, chain_at
    match event:
        case SpotDecided(decision=decision, code=code):
            story.thoughts[f"{decision} {code}"] += 1
        case SpotMarked(profit=profit):
            story.high = max(story.high, profit)
            story.fell = max(story.fell, story.high - profit)
        case SpotOrderSettled() if order is not None:
            _settle(story, order.planned, event, chain_at)
        case SpotWrittenOff():
            _end_round(story)
        case _:
            pass


def _settle(story: Story, planned: SpotOrderPlanned, end: SpotOrderSettled, chain_at: int) -> None:
    story.ends[end.standing if end.filled else f"{end.standing}, nothing traded"] += 1
    if planned.side == BUY:
        story.bought += end.notional
    else:
        story.sold += end.notional
        if end.filled and not story.spot.base:
            _end_round(story)
    price = mul_div_up(end.notional, WAD, end.filled) if end.filled else 0
    story.orders.append(
        {
            "at": chain_at,
            "side": planned.side,
            "purpose": planned.purpose,
            "quantity": of_atto(planned.quantity),
            "filled": of_atto(end.filled),
            "price": of_atto(price) if price else None,
            "fee": of_atto(end.fee),
            "standing": end.standing,
            "exact": end.exact,
            "reason": planned.reason if end.filled else f"{planned.reason}; {end.reason}",
        }
    )


def _end_round(story: Story) -> None:
    """Nothing is held any more: what was realised since that was so last is this round's."""
    story.rounds.append(story.spot.realised - story.before)
    story.before = story.spot.realised


def _row(order: Mapping[str, Any]) -> tuple[str, ...]:
    price = order["price"]
    return (
        _day(order["at"]),
        order["side"],
        f"{order['filled']:f} of {order['quantity']:f}",
        "" if price is None else f"{price:f}",
        f"{order['fee']:f}",
        order["standing"] if order["exact"] else f"{order['standing']}, reckoned at its worst",
        order["reason"],
    )


def _counted(found: Mapping[str, int]) -> str:
    most = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count} {name}" for name, count in most) or "none"


def _money(amount: Decimal | None, unit: str) -> str:
    return "not known" if amount is None else f"{amount:+f} {unit}"


def _day(at: int | None) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" if at else "nothing yet"
