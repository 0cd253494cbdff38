"""The pure half of the desk: from a block to what is worth journaling and deciding about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leverd.domain.atto import atto_down, of_atto
from leverd.domain.bars import Tick
from leverd.domain.changed import changed
from leverd.domain.events import Event
from leverd.domain.fair_value import Fair
from leverd.domain.fixed_point import WAD, mul_div_down
from leverd.domain.prediction import Quantity
from leverd.domain.prediction_events import PredictionMade
from leverd.domain.reference import ReferenceQuote
from leverd.domain.spot import PORTFOLIO_STOP, SPOT, Spot
from leverd.domain.spot_events import SpotDecided, SpotMarked, SpotStopped
from leverd.domain.spot_limits import SpotLimits
from leverd.engine.book import Book
from leverd.engine.foreseeing import asked
from leverd.engine.foresight import Foresight
from leverd.engine.outlook import Track
from leverd.interfaces.spot_agent import Enter, Exit, SpotDecision, SpotView
from leverd.interfaces.spot_cost import best, taker_fee
from leverd.interfaces.spot_venue import Depth, Purse, SpotMarket, Ticked
from leverd.interfaces.watcher import SpotSight
from leverd.risk.spot_gate import ApprovedOrder, DeniedOrder, SpotVerdict

_DAY_S: Final = 86_400
_USD: Final = 10**8
_PEAK_STEPS: Final = 1_000
"""A new peak is journaled where it is a thousandth of the largest position higher."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: a block, and what was last read of the market and of us."""

    tick: Ticked
    before: Depth | None  # of the look before it
    market: SpotMarket
    purses: Mapping[str, Purse]
    quotes: tuple[ReferenceQuote, ...] = ()  # newest of each reference
    quotes_before: tuple[ReferenceQuote, ...] = ()  # of a block before


def picture(seen: Seen, book: Book, subject: str, wall: datetime) -> SpotView:
    """Return the view of one look; `wall` is the time of our clock."""
    record = book.page(SPOT).record
    words = [_word(track, subject) for track in book.outlook.values()]
    at = seen.tick.at_ms // 1000
    return SpotView(
        now=at,
        age_s=int(wall.timestamp()) - at,
        market=seen.market,
        depth=seen.tick.depth,
        before=seen.before,
        purses=seen.purses,
        spot=book.spot,
        words=tuple(word for word in words if word is not None),
        quotes=seen.quotes,
        quotes_before=seen.quotes_before,
        state=record.trading_state,
        paused=record.paused,
        unwinding=record.unwinding,
    )


def foreseen(foresight: Foresight, subject: str, seen: Seen, book: Book) -> tuple[Event, ...]:
    """Return what the middle of the book lets predictors say; journaled before it is used."""
    depth = seen.tick.depth
    if not depth.bids or not depth.asks:
        return ()
    price = mul_div_down(best(depth.bids) + best(depth.asks), _USD, 2 * WAD)
    tick = Tick(seen.tick.at_ms // 1000, price, 0, 0, 0, 0)
    return asked(foresight, {subject: tick}, book) if price else ()


def sighted(seen: Seen, wall: datetime) -> SpotSight:
    """Return what is told of one look to those who watch; `wall` is the time of our clock."""
    market, depth = seen.market, seen.tick.depth
    purse = seen.purses.get(market.quote)
    free = 0 if purse is None else purse.available
    return SpotSight(
        at=wall,
        chain_at=seen.tick.at_ms // 1000,
        block=seen.tick.block,
        market_id=market.market_id,
        ticker=market.ticker,
        bid=best(depth.bids),
        ask=best(depth.asks),
        fee=taker_fee(market),
        quote_free=mul_div_down(free, WAD, 10**market.quote_decimals),
    )


def marks(spot: Spot, seen: Seen, limits: SpotLimits, at: int) -> tuple[Event, ...]:
    """Return a mark if something traded, a day or a step up went by; and a stop that is reached.

    A new best and a fall from it are believed once two looks running show them: one look alone
    may see a book whose buyers are away for a block.
    """
    bid = best(seen.tick.depth.bids)
    if not bid:
        return ()
    fee = taker_fee(seen.market)
    profit = spot.profit(bid, fee)
    before = profit if seen.before is None else spot.profit(best(seen.before.bids), fee)
    low, high = min(profit, before), max(profit, before)
    peak = max(low, 0 if spot.peak is None else spot.peak)
    if spot.peak is None and spot.marked is not None:
        peak = low  # a stop was lifted: it counts from here
    most = atto_down(limits.position_max)
    found: list[Event] = []
    if _is_due(spot, peak, most, at):
        found.append(SpotMarked(SPOT, bid, spot.base, spot.cost, spot.realised, profit, peak, at))
    fell = peak - high
    is_stopped = spot.stop(PORTFOLIO_STOP) is not None
    is_reached = seen.before is not None and fell * WAD >= most * atto_down(limits.portfolio_stop)
    if is_reached and not is_stopped:
        reason = f"{of_atto(fell):f} lost since the best of {of_atto(peak):f}"
        found.append(SpotStopped(SPOT, PORTFOLIO_STOP, reason))
    return tuple(found)


def decided(
    before: SpotDecided | None,
    agent: str,
    decision: SpotDecision,
    verdict: SpotVerdict | None,
    view: SpotView,
    fair: Fair | None = None,
) -> SpotDecided | None:
    """Return what to journal of a decision and the gate's verdict, None if it was said last.

    What a purchase rests on is said each time: what other venues say is written nowhere else.
    """
    match decision:
        case Enter():
            word = "enter"
        case Exit():
            word = "exit"
        case _:
            word = "stay"
    code, reason = decision.code, decision.reason
    if isinstance(verdict, DeniedOrder):
        reason = f"{word} ({code}) is denied"
        word, code = "denied", " ".join(verdict.reasons)
    same = before is not None and (before.decision, before.code) == (word, code)
    if same and not (fair is not None and isinstance(verdict, ApprovedOrder)):
        return None
    said = SpotDecided(SPOT, agent, word, code, reason, view.bid, view.ask)
    if fair is None:
        return said
    return changed(said, fair=fair.value, fair_error=fair.error, heard=fair.heard)


def _word(track: Track, subject: str) -> PredictionMade | None:
    """Return the newest of a predictor of `subject`; what is ignored by now is not admitted."""
    made = track.newest
    if made is None or made.prediction.subject != subject:
        return None
    if made.prediction.quantity != Quantity.DIRECTION:
        return None
    return made if track.ignored is None else changed(made, admitted=False)


def _is_due(spot: Spot, peak: int, most: int, at: int) -> bool:
    last = spot.marked
    if last is None or spot.peak is None:
        return True
    return (
        (last.base, last.realised) != (spot.base, spot.realised)
        or at // _DAY_S != last.at // _DAY_S
        or (peak - spot.peak) * _PEAK_STEPS >= most
    )
