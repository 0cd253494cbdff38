"""The last pure step before an order on a book is signed.

`review` says yes or no to a finished order and never edits it. Only it makes an
`ApprovedOrder`, and what signs takes nothing else. A purchase is held to every limit; a sale of
what is held passes them all but the price and what there is: to get out outranks every breaker.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from leverd.domain.atto import atto, atto_down
from leverd.domain.fixed_point import WAD, mul_div_up
from leverd.domain.prediction import MICRO
from leverd.domain.spot import LOST, Spot
from leverd.domain.spot_limits import SpotLimits
from leverd.domain.view import TradingState
from leverd.errors import RefusedError
from leverd.interfaces.spot_agent import Enter, Exit, SpotView
from leverd.interfaces.spot_cost import expected, objection, round_trip
from leverd.interfaces.spot_rules import Wish, fitted, needed
from leverd.interfaces.spot_value import fair_of, left_over
from leverd.interfaces.spot_venue import Manner, Side

AGE_S_MAX: Final = 30
"""Wall seconds since the block that a purchase is decided from."""

_SEAL: Final = object()
_ANY_CID: Final = "any"


class SpotReason(StrEnum):
    """One rule an order breaks. docs/spot.md has a line for each."""

    # Whatever it does.
    HALTED = "halted"
    IN_FLIGHT = "in_flight"
    LOST = "lost"
    OTHER_MARKET = "other_market"
    OFF_RULES = "off_rules"
    SLIPPAGE = "slippage"
    NOT_HELD = "not_held"
    # A purchase: when it may not.
    ONLY_OUT = "only_out"
    STOPPED = "stopped"
    STALE_VIEW = "stale_view"
    COOLDOWN = "cooldown"
    TRADES_DAY = "trades_day"
    ACTIVE_POSITIONS = "active_positions"
    NO_PREDICTION = "no_prediction"
    NO_FAIR_VALUE = "no_fair_value"
    # A purchase: what it may not be.
    TRADE_TOO_SMALL = "trade_too_small"
    TRADE_TOO_LARGE = "trade_too_large"
    POSITION_TOO_LARGE = "position_too_large"
    PURSE = "purse"
    PROFIT_TOO_SMALL = "profit_too_small"


@dataclass(frozen=True, slots=True)
class ApprovedOrder:
    """An order that passed `review`, with the market's rules it keeps.

    Made here only: elsewhere, also by `dataclasses.replace`, the seal is missing.
    """

    decision: Enter | Exit
    view: SpotView
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        assert seal is _SEAL, "only review approves an order"


@dataclass(frozen=True, slots=True)
class DeniedOrder:
    """An order that did not pass, with every reason why."""

    decision: Enter | Exit
    reasons: tuple[SpotReason, ...]


SpotVerdict: TypeAlias = ApprovedOrder | DeniedOrder


def review(decision: Enter | Exit, view: SpotView, limits: SpotLimits) -> SpotVerdict:
    """Return `ApprovedOrder`, or `DeniedOrder` with all the reasons that apply."""
    wish = decision.wish
    if not _fits(wish, view):
        return DeniedOrder(decision, (SpotReason.OFF_RULES,))
    reasons = _standing(view, limits)
    if isinstance(decision, Exit):
        reasons += _sale(wish, view, limits)
    else:
        reasons += _when(decision, view, limits) + _how_much(wish, view, limits)
        reasons += _what_for(decision, view, limits)
    return DeniedOrder(decision, reasons) if reasons else ApprovedOrder(decision, view, _SEAL)


def _fits(wish: Wish, view: SpotView) -> bool:
    """Return whether the market would take exactly this: nothing of it is rounded later."""
    try:
        order = fitted(view.market, wish, _ANY_CID)
    except RefusedError:
        return False
    same = (order.price, order.quantity) == (wish.price, wish.quantity)
    return same and wish.manner is Manner.TAKE


def _standing(view: SpotView, limits: SpotLimits) -> tuple[SpotReason, ...]:
    return _of(
        {
            SpotReason.HALTED: view.state is TradingState.HALTED,
            SpotReason.IN_FLIGHT: view.spot.order is not None,
            SpotReason.LOST: view.spot.stop(LOST) is not None,
            SpotReason.OTHER_MARKET: view.market.market_id != limits.market_id
            or view.depth.market_id != limits.market_id
            or _is_held_elsewhere(view.spot, limits),
        }
    )


def _is_held_elsewhere(spot: Spot, limits: SpotLimits) -> bool:
    """Return whether what is held is known to be another market's."""
    return spot.base > 0 and spot.home.market_id not in {"", limits.market_id}


def _sale(wish: Wish, view: SpotView, limits: SpotLimits) -> tuple[SpotReason, ...]:
    least = mul_div_up(view.bid, WAD - atto_down(limits.slippage_max), WAD)
    held = min(view.spot.base, view.available(view.market.base, view.market.base_decimals))
    return _of(
        {
            SpotReason.SLIPPAGE: not view.bid or atto(wish.price) < least,
            SpotReason.NOT_HELD: wish.side is not Side.SELL or atto(wish.quantity) > held,
        }
    )


def _when(decision: Enter, view: SpotView, limits: SpotLimits) -> tuple[SpotReason, ...]:
    spot, now = view.spot, view.now
    active = view.state is TradingState.ACTIVE and not view.paused and not view.unwinding
    return _of(
        {
            SpotReason.ONLY_OUT: not active,
            SpotReason.STOPPED: spot.stopped is not None,
            SpotReason.STALE_VIEW: not 0 <= view.age_s <= AGE_S_MAX,
            SpotReason.COOLDOWN: bool(spot.traded_at) and now < spot.traded_at + limits.cooldown_s,
            SpotReason.TRADES_DAY: spot.trades_today(now) >= limits.trades_day_max,
            SpotReason.ACTIVE_POSITIONS: view.entries >= limits.active_positions_max,
            **_evidence(decision, view, limits),
        }
    )


def _evidence(decision: Enter, view: SpotView, limits: SpotLimits) -> dict[SpotReason, bool]:
    """Return whether what the owner lets buy is missing: a word, or other venues' fair value."""
    if limits.fair is None:
        word = decision.word
        return {SpotReason.NO_PREDICTION: word is None or bool(objection(word, limits, view.now))}
    fair = fair_of(view, limits)
    return {SpotReason.NO_FAIR_VALUE: fair is None or bool(fair.against)}


def _how_much(wish: Wish, view: SpotView, limits: SpotLimits) -> tuple[SpotReason, ...]:
    notional = mul_div_up(atto(wish.price), atto(wish.quantity), WAD)
    held = mul_div_up(view.spot.base, max(view.ask, atto(wish.price)), WAD)
    top = view.ask * (WAD + atto_down(limits.slippage_max)) // WAD
    order = fitted(view.market, wish, _ANY_CID)
    denom, cost = needed(view.market, order)
    purse = view.purses.get(denom)
    return _of(
        {
            SpotReason.SLIPPAGE: not view.ask or atto(wish.price) > top,
            SpotReason.NOT_HELD: wish.side is not Side.BUY,
            SpotReason.TRADE_TOO_SMALL: notional < atto_down(limits.trade_min),
            SpotReason.TRADE_TOO_LARGE: notional > atto_down(limits.trade_max),
            SpotReason.POSITION_TOO_LARGE: held + notional > atto_down(limits.position_max),
            SpotReason.PURSE: purse is None or purse.available < cost,
        }
    )


def _what_for(decision: Enter, view: SpotView, limits: SpotLimits) -> tuple[SpotReason, ...]:
    left = _left(decision, view, limits)
    poor = left is None or left < limits.profit_min * MICRO
    return (SpotReason.PROFIT_TOO_SMALL,) if poor else ()


def _left(decision: Enter, view: SpotView, limits: SpotLimits) -> int | None:
    """Return what is left after every cost, millionths; None where nothing says.

    Reckoned anew from the view: what the agent made of it is not believed.
    """
    wish = decision.wish
    if limits.fair is not None:
        fair = fair_of(view, limits)
        if fair is None or fair.against:
            return None
        price, quantity = atto(wish.price), atto(wish.quantity)
        return left_over(view.market, view.depth, price, quantity, fair.least)
    cost = round_trip(view.market, view.depth, atto(wish.quantity))
    return None if cost is None or decision.word is None else expected(decision.word) - cost


def _of(rules: dict[SpotReason, bool]) -> tuple[SpotReason, ...]:
    return tuple(reason for reason, holds in rules.items() if holds)
