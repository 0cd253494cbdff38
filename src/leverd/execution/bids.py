"""What to bid for a slot: as the market asks, at most what it is worth. Pure."""

from __future__ import annotations

from typing import Final

from leverd.domain.slot_events import AttemptSigned
from leverd.execution.slots import Slot, bid_of, replacement
from leverd.interfaces.venue import Fees
from leverd.risk.gate import Approved

_CALM: Final = 0.5
_STEP: Final = 0.25


def is_affordable(approved: Approved) -> bool:
    """Return whether the next block's base fee is within what the plan may bid."""
    return approved.view.gas.base_fee <= approved.gas_price_cap


def first_bid(wanted: Fees, cap: int, over: Slot | None, percent: int) -> Fees:
    """Return the bid of a new act: within `cap`, unless it has to outbid what waits there."""
    fees = capped(wanted, cap)
    return fees if over is None else at_least(fees, replacement(bid_of(over.newest), percent))


def pressure(slot: Slot) -> float:
    """Return how urgently to bid next, 0 to 1: more with every attempt that did not land."""
    calm = 1.0 if slot.newest.urgent else _CALM
    return min(1.0, calm + _STEP * (len(slot.signed) - 1))


def bump(
    act: AttemptSigned, newest: AttemptSigned, wanted: Fees, least: Fees, *, pressed: bool = False
) -> Fees | None:
    """Return the higher bid for `act`, None if it is not worth it or would not help.

    A bid that is `pressed` rises whatever the market asks.
    """
    if least.max_fee > act.fee_cap or not (pressed or exceeds(wanted, newest)):
        return None
    return at_least(capped(wanted, act.fee_cap), least)


def exceeds(wanted: Fees, newest: AttemptSigned) -> bool:
    """Return whether the market asks more than what was bid last."""
    return wanted.max_fee > newest.max_fee or wanted.priority_fee > newest.priority_fee


def capped(fees: Fees, cap: int) -> Fees:
    """Return `fees`, at most `cap`."""
    most = min(fees.max_fee, cap)
    return Fees(most, min(fees.priority_fee, most))


def at_least(fees: Fees, least: Fees) -> Fees:
    """Return the higher of both, each part on its own."""
    most = max(fees.max_fee, least.max_fee)
    return Fees(most, min(max(fees.priority_fee, least.priority_fee), most))
