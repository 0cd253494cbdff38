"""What is traded on an order book, for the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leverd.cli.output import say, table
from leverd.cli.spot_now import priced, units
from leverd.cli.spot_words import told_worth
from leverd.domain.atto import of_atto
from leverd.domain.fixed_point import WAD, mul_div_down
from leverd.domain.spot import SPOT

if TYPE_CHECKING:
    from leverd.domain.reference import Heard
    from leverd.engine.book import Book
    from leverd.interfaces.watcher import SpotSight
    from leverd.settings import Settings


def data(
    settings: Settings, book: Book, turn_s_ago: int | None, sight: SpotSight | None, now: int
) -> dict[str, Any] | None:
    """Return what there is to tell, None where nothing is traded and nothing ever was.

    `sight` is the last look at the book, `now` this machine's clock, unix seconds.
    """
    spot, section = book.spot, settings.spot
    if section is None and spot.marked is None and spot.order is None:
        return None
    record = book.page(SPOT).record
    decided, marked, order = spot.decided, spot.marked, spot.order
    (base, quote), (bid, profit) = units(section, sight), priced(spot, sight)
    return {
        "orders": None if section is None else section.orders,
        "account": spot.account,
        "since": spot.since or None,
        "market_id": None if section is None else section.limits.market_id,
        "state": "paused" if record.paused else record.trading_state.value,
        "unwinding": record.unwinding,
        "stopped": "" if spot.stopped is None else spot.stopped.reason,
        "base": of_atto(spot.base),
        "cost": of_atto(spot.cost),
        "average_cost": of_atto(spot.average),
        "entries": spot.entries,
        "entered_at": spot.entered_at or None,
        "realised": of_atto(spot.realised),
        "fees": of_atto(spot.fees),
        "profit": None if profit is None else of_atto(profit),
        "unrealised": None if profit is None else of_atto(profit - spot.realised),
        "worth": None if bid is None else of_atto(mul_div_down(spot.base, bid, WAD)),
        "units": [base, quote],
        "orders_today": spot.trades_today(now),
        "orders_day_max": None if section is None else section.limits.trades_day_max,
        "fruitless": spot.fruitless,
        "peak": None if marked is None else of_atto(marked.peak),
        "decision": "" if decided is None else decided.decision,
        "code": "" if decided is None else decided.code,
        "reason": "" if decided is None else decided.reason,
        "bid": None if decided is None else of_atto(decided.bid),
        "ask": None if decided is None else of_atto(decided.ask),
        "agent": "" if decided is None else decided.agent,
        "fair": of_atto(decided.fair) if decided is not None and decided.fair else None,
        "fair_error": of_atto(decided.fair_error) if decided is not None and decided.fair else None,
        "references": [] if decided is None else [_reference(each) for each in decided.heard],
        "said": [] if decided is None else told_worth(decided),
        "in_flight": "" if order is None else _flying(order.planned.side, order.placed is not None),
        "in_flight_s": None if order is None else max(now - order.planned_at, 0),
        "last_turn_s_ago": turn_s_ago,
    }


def show(found: dict[str, Any] | None) -> None:
    """Write it, if there is anything."""
    if found is None:
        return
    profit = "unknown" if found["profit"] is None else f"{found['profit']:+.6f}"
    worth = "unknown" if found["worth"] is None else f"{found['worth']:.6f}"
    base, quote = found["units"]
    flying = f"{found['in_flight']}, {found['in_flight_s']} s ago" if found["in_flight"] else ""
    most = "" if found["orders_day_max"] is None else f" of {found['orders_day_max']}"
    table(
        ("state", "held", "worth", "average cost", "realised", "P&L", "fees", "today", "in flight"),
        [
            (
                f"{found['state']}{', unwinding' if found['unwinding'] else ''}",
                f"{found['base']:f}",
                worth,
                f"{found['average_cost']:f}",
                f"{found['realised']:+.6f}",
                profit,
                f"{found['fees']:.6f}",
                f"{found['orders_today']}{most}",
                flying or "nothing",
            )
        ],
        title=f"spot, orders {found['orders'] or 'none any more'}, {base} for {quote}",
    )
    say(f"spot: {found['decision'] or 'nothing decided yet'} {found['code']}".rstrip())
    for line in (found["reason"], *found["said"]):
        say(f"  {line}")
    if found["fruitless"]:
        say(f"  orders in a row that traded nothing: {found['fruitless']}")
    if found["last_turn_s_ago"] is not None:
        say(f"  last look {found['last_turn_s_ago']} s ago")
    if found["stopped"]:
        say(f"  stopped until `leverd resume spot`: {found['stopped']}")


def _reference(one: Heard) -> dict[str, Any]:
    quote = one.quote
    return {
        "source": quote.source,
        "bid": of_atto(quote.bid),
        "middle": of_atto(quote.middle),
        "ask": of_atto(quote.ask),
        "size": of_atto(quote.size),
        "error": None if one.against else of_atto(one.error),
        "ignored": one.against,
        "at": quote.at,
        "block": quote.block,
    }


def _flying(side: str, signed: bool) -> str:  # noqa: FBT001 -- one of two words
    return f"{side}, {'sent' if signed else 'planned'}"
