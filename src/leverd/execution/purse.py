"""What the signing key can pay for. Pure.

A node takes a transaction only while the key holds its gas limit times its highest bid, beside
the same of all others of the key that wait: far more than what is paid once it is mined. A bid
that the key cannot pay for is taken by nobody, however much it was worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from leverd.domain.view import Gas
from leverd.errors import OwnerError
from leverd.execution.bids import capped
from leverd.execution.slots import Slot
from leverd.interfaces.venue import Fees

SHORT: Final = 82
"""Number of the `OwnerError` for a key that cannot pay for a transaction now."""

_ROOM: Final = 121
"""Percent of a bid that the key should hold for it: what takes its place bids more, twice."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What the key held when last seen, and what else of it waits."""

    held: int  # wei
    bound: int = 0  # wei that others of its transactions may take

    def most(self, gas_limit: int) -> int:
        """Return the highest bid it pays for, wei per gas."""
        return max(self.held - self.bound, 0) // gas_limit


def bound_by(slots: Iterable[Slot]) -> int:
    """Return what nodes hold back for the open `slots`, wei."""
    return sum(slot.newest.gas_limit * slot.newest.max_fee for slot in slots)


def paid_for(wanted: Fees, most: int, gas: Gas) -> Fees:
    """Return the part of `wanted` that a key can pay for which pays `most` at most.

    Room for a higher bid is left while the next block takes what is bid then.

    Raises:
        OwnerError: it cannot pay even what the next block asks.
    """
    check(Fees(gas.base_fee, 0), most)
    needed = min(gas.base_fee + max(gas.priority_fee, wanted.priority_fee), most)
    return capped(wanted, max(most * 100 // _ROOM, needed))


def check(bid: Fees, most: int) -> None:
    """Check that a key which can pay for `most` wei per gas can pay for `bid`.

    Raises:
        OwnerError: it cannot.
    """
    if bid.max_fee > most:
        raise OwnerError(
            "the key cannot pay for gas: nodes want the gas limit times the bid up front",
            number=SHORT,
            remedy="send it native tokens; it is tried again by itself",
        )
