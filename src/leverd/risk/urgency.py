"""How much saving a position is worth, and so how much may be paid for it.

Between the health that limits ask for and the lowest a step may pass through, caps rise
evenly from what calm trading may cost to what liquidation would cost: the bonus that a
liquidator takes. Never above it, and never below the calm cap.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from leverd.domain import loans
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.keeping import kept
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.plan import Plan, Purpose
from leverd.domain.view import View
from leverd.risk import stress
from leverd.risk.ground import Market, fired_of, ground
from leverd.risk.limits import Limits

CALM: Final = Decimal(0)
URGENT: Final = Decimal(1)
PRESSING: Final = Decimal("0.25")
"""The least urgency of a deleverage, however far above the limits its trigger lies."""

_ROOM: Final = 122
"""Percent of a bid that may still be signed to take its place, twice: a bump and a cancel."""

_WAIT_S_CALM: Final = 600
_WAIT_S_URGENT: Final = 36
"""Chain seconds a plan may wait for its block: calm, and when it saves the position."""

_LEAVING: Final = frozenset({Purpose.REDUCE, Purpose.DELEVERAGE, Purpose.UNWIND, Purpose.TIDY})
"""What a plan that an order asked for may be."""


def of(view: View, limits: Limits) -> Decimal:
    """Return 0 from `health_min` upwards, 1 from `health_step_min` downwards, even between."""
    return _at(_health(view), limits)


def of_plan(plan: Plan, view: View, limits: Limits) -> Decimal:
    """Return the urgency of `plan`: a deleverage is never calm, or its own caps would delay it."""
    pressed = max(of(view, limits), _of_order(plan, view, limits))
    if plan.purpose in _LEAVING:
        pressed = max(pressed, of_owner(view))
    return pressing(pressed) if plan.purpose is Purpose.DELEVERAGE else pressed


def pressing(urgency: Decimal) -> Decimal:
    """Return the urgency of a deleverage where the position's own is `urgency`."""
    return PRESSING + (URGENT - PRESSING) * urgency


def of_order(view: View, limits: Limits) -> Decimal:
    """Return the urgency of the order under way, 0 without one: what a crash lets it pay."""
    fired = fired_of(view.record)
    return CALM if fired is None else ground(view, fired, limits).urgency


def of_owner(view: View) -> Decimal:
    """Return 1 while the owner wants everything out now, else 0."""
    return URGENT if view.record.unwinds_now else CALM


def inclusion_s_max(view: View, limits: Limits, urgency: Decimal) -> int:
    """Return how long a plan of `urgency` may wait for a block, chain seconds.

    From ten minutes when calm evenly down to three blocks; and at most half of what is left
    until health, falling as it did over the last looks, is at the step floor: the other half
    is for a bid at its top to be taken.
    """
    patience = _WAIT_S_CALM - int((_WAIT_S_CALM - _WAIT_S_URGENT) * urgency)
    left = left_s(view, limits)
    return patience if left is None else min(patience, left // 2)


def left_s(view: View, limits: Limits) -> int | None:
    """Return chain seconds until health is at the step floor if it falls on, else None."""
    falling = view.record.health_fall
    if falling <= 0:
        return None
    floor = int(limits.health_step_min * WAD)
    return max(_health(view) - floor, 0) // falling


def bid_by(view: View, limits: Limits, urgency: Decimal) -> int:
    """Return the chain time by which a plan must bid its cap, 0 for one that may wait."""
    return 0 if urgency == CALM else view.now + inclusion_s_max(view, limits, urgency)


def slippage_max(view: View, limits: Limits, urgency: Decimal) -> Decimal:
    """Return the slippage a plan of `urgency` may accept, as a fraction of each swap."""
    return _raised(limits.slippage_max, _penalty(view), urgency)


def impact_max(view: View, limits: Limits, urgency: Decimal) -> Decimal:
    """Return the price impact a plan of `urgency` may have, as a fraction of each swap."""
    return _raised(limits.price_impact_max, _penalty(view), urgency)


def gas_price_cap(view: View, limits: Limits, urgency: Decimal, *, gas: int) -> int:
    """Return the most that may be bid at `urgency` for a plan of `gas`, wei per gas.

    At most such that the plan costs no more gas than what saving the position is worth, and
    that the signer would still sign what takes its place.
    To wait for cheaper gas is to bet that no shock comes first: what is not calm may bid as
    much as where `shock` would leave the position calls for.
    """
    calm = limits.gas_price_wei_max
    if urgency == CALM:
        return calm
    ahead = stress.health_after(view.state, limits.shock, view.now)
    urgency = max(urgency, pressing(_at(ahead, limits)))
    worth_wei = worth_usd(view) * 10**18 // max(view.gas.native_price, 1)
    room = limits.gas_price_wei_most * 100 // _ROOM
    most = min(worth_wei // gas, room)
    return calm + int((max(most, calm) - calm) * urgency)


def worth_usd(view: View) -> int:
    """Return what a liquidator would take of all the debt, USD 1e8: what saving it is worth."""
    summary = loans.summarise(view.state.market, view.state.position.loan, view.now)
    return int(summary.debt_value * _penalty(view))


def step_floor(view: View, limits: Limits) -> Decimal:
    """Return the lowest health a step of a lowering plan may pass through.

    A position that stands below `health_step_min` already cannot be asked to stay above it;
    its steps may use half of the room that is left above 1, so that there is a way out also
    where every action is a transaction of its own.
    """
    return step_floor_at(_health(view), limits.health_step_min)


def step_floor_at(health: int, least: Decimal) -> Decimal:
    """Return how low a step may pass where health (wad) is now, `least` if it can stay above."""
    return min(least, max(1 + (Decimal(health) / WAD - 1) / 2, Decimal(1)))


def _of_order(plan: Plan, view: View, limits: Limits) -> Decimal:
    """Return the urgency that an order lends its plans; a stop bids for gas from the start."""
    fired = fired_of(view.record)
    if fired is None or not fired.urgent or plan.purpose not in _LEAVING:
        return CALM
    found = ground(view, fired, limits)
    return CALM if found.market is Market.THIN else max(PRESSING, found.urgency)


def _raised(calm: Decimal, worst: Decimal, urgency: Decimal) -> Decimal:
    return calm + (max(worst, calm) - calm) * urgency


@kept(16)
def _penalty(view: View) -> Decimal:
    """Return the lowest liquidation bonus among the account's collaterals, as a fraction."""
    state, loan = view.state, view.state.position.loan
    assets = loan.collaterals or {state.position.mandate.collateral}
    least = min(loans.terms(state.market, loan, asset).bonus for asset in assets)
    return max(Decimal(least - BPS) / BPS, Decimal(0))


def _at(health: int, limits: Limits) -> Decimal:
    """Return the urgency of a position with `health` (wad)."""
    if health == INFINITE_HEALTH:
        return CALM
    span = limits.health_min - limits.health_step_min
    below = limits.health_min - Decimal(health) / WAD
    return min(max(below / span, CALM), URGENT)


def _health(view: View) -> int:
    return loans.summarise(view.state.market, view.state.position.loan, view.now).health
