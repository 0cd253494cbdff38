"""Shrink a wish until limits allow it. Nothing here ever asks for more risk."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final, assert_never

from leverd.domain import headroom, loans, side, valuation
from leverd.domain.changed import changed
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind, combine
from leverd.domain.fixed_point import WAD
from leverd.domain.keeping import kept
from leverd.domain.money import USD
from leverd.domain.view import TradingState, View
from leverd.risk.limits import Limits
from leverd.risk.trading_state import effective, forbidden

LIMITS: Final = "limits"
"""The name limits go by where agents have theirs."""

_MARGIN: Final = Fraction(999_999, 10**6)
"""Room for rounding and a block's interest, so that what is bounded is also approved."""

_RETURN: Final = Fraction(85, 100)
"""A position outside a limit comes back to this share of what it allows, lest every tick trade.

In a long fall each such return costs gas at the worst of times: nearer to 1 they would eat
the gas that the guardian needs.
"""

_LEAST: Final = Fraction(1)
_PLACES: Final = Decimal("0.000000001")


def bound(decision: Decision, view: View, limits: Limits) -> Decision:
    """Return `decision`, shrunk to what limits and trading state allow.

    A position that stands outside a limit is itself a reason to reduce, whatever was asked.
    """
    if view.record.trading_state is TradingState.HALTED:
        return Hold(LIMITS, "halted: only a human's resume lets anything through")
    wish = due(decision, view, limits)
    match wish:
        case Hold() | Unwind():
            return wish
        case SetLeverage():
            return _bound_target(wish, view, limits)
        case _:
            assert_never(wish)


def due(decision: Decision, view: View, limits: Limits) -> Decision:
    """Return `decision`, or the way back inside the limits where that goes further."""
    back = outside(view, limits)
    return decision if back is None else combine((decision, back))


def outside(view: View, limits: Limits) -> SetLeverage | None:
    """Return the way back inside, if the position stands outside a limit; else None."""
    summary = loans.summarise(view.state.market, view.state.position.loan, view.now)
    if summary.debt_value == 0:
        return None
    exposure, leverage = valuation.exposure(view.state), headroom.leverage(view.state)
    unsafe = summary.health < limits.health_min * WAD
    levered = leverage is None or leverage > _exact(limits.leverage_max)
    large = exposure > limits.position_usd_max * USD.unit
    if not (levered or large or unsafe):
        return None
    rules = {
        f"leverage is above {limits.leverage_max}": levered,
        f"exposure is above {limits.position_usd_max} USD": large,
        f"health is below {limits.health_min}": unsafe,
    }
    broken = [rule for rule, holds in rules.items() if holds]
    target = 1 + (ceiling(view, limits) - 1) * _RETURN
    return SetLeverage(LIMITS, _decimal(target), ", ".join(broken), urgent=unsafe)


def ceiling(view: View, limits: Limits) -> Fraction:
    """Return the highest leverage that a plan may aim at and still be approved, at least 1.

    If M is the highest leverage its worst fill may end at, a purchase with slippage s may
    aim at 1 + (M - 1) / (1 + s (M - 1)): the slipped part of it is missing from exposure
    and equity alike.
    """
    state = view.state
    aims = _aim(limits, headroom.threshold_of(state), side.side_of(state.position.mandate))
    equity = valuation.equity(state)
    if equity > 0:
        aims = min(aims, _exact(limits.position_usd_max) * Fraction(USD.unit, equity))
    return max(aims, _LEAST)


@kept(16)
def _aim(limits: Limits, threshold: Fraction, way: side.Side) -> Fraction:
    """Return the highest leverage that a plan may aim at, whatever the position's size."""
    survives = threshold * side.health_left(way, -Fraction(limits.shock))
    worst = [
        Fraction(limits.leverage_max),
        headroom.leverage_at(Fraction(limits.health_min), threshold),
        headroom.leverage_at(Fraction(1), survives),
    ]
    most = min(each for each in worst if each is not None) - 1
    return 1 + most / (1 + Fraction(limits.slippage_max) * most) * _MARGIN


def _bound_target(wish: SetLeverage, view: View, limits: Limits) -> Decision:
    target = _decimal(min(Fraction(wish.target), ceiling(view, limits)))
    now = headroom.leverage(view.state)
    raises = now is not None and Fraction(target) >= now
    if raises and effective(view) is not TradingState.ACTIVE:
        return Hold(LIMITS, f"no added risk: {', '.join(forbidden(view))}")
    if target == wish.target:
        return wish
    return changed(wish, target=target, reason=f"{wish.reason}; limits allow {target:f}")


@kept(16)
def _exact(number: Decimal) -> Fraction:
    return Fraction(number)


def _decimal(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / Decimal(ratio.denominator)
    return max(exact.quantize(_PLACES, ROUND_DOWN), Decimal(1))
