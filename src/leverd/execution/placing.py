"""Which slot a new plan may have, beside what is under way. Pure.

A new transaction takes the lowest open slot, and only to lower risk more urgently than what
waits there; only deleverages of separate accounts fly side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from leverd.domain.plan import Purpose
from leverd.execution.slots import CANCEL, Slot


class Rank(IntEnum):
    """What goes before what."""

    NOTHING = 0
    """A cancel, or something that no plan wants any more."""

    ORDINARY = 1
    UNWIND = 2
    DELEVERAGE = 3


def rank_of(purpose: str) -> Rank:
    """Return how urgent a plan of this purpose is."""
    ranks = {Purpose.DELEVERAGE: Rank.DELEVERAGE, Purpose.UNWIND: Rank.UNWIND}
    return ranks.get(Purpose(purpose), Rank.ORDINARY)


@dataclass(frozen=True, slots=True)
class Place:
    """A slot to use, and what waits there already."""

    number: int
    over: Slot | None = None


def place_for(
    position_id: str,
    rank: Rank,
    waiting: Sequence[Slot],
    ranks: Mapping[str, Rank],
    *,
    free: int,
    now: int,
) -> Place | None:
    """Return where a plan of `rank` may go, None if it has to wait.

    `waiting` are the open slots, lowest first; `ranks` knows every plan not ended; `free` is
    the lowest nonce that nothing was signed for; `now` is chain time.
    """
    if not waiting:
        return Place(free)
    if rank is Rank.ORDINARY:
        return None
    weaker = [slot for slot in waiting if _rank_in(slot, ranks, now) < rank]
    own = [slot for slot in waiting if slot.act.position_id == position_id]
    if own:
        return Place(own[0].number, own[0]) if own[0] in weaker else None
    if weaker:
        return Place(weaker[0].number, weaker[0])
    return Place(free) if rank is Rank.DELEVERAGE else None


def _rank_in(slot: Slot, ranks: Mapping[str, Rank], now: int) -> Rank:
    newest = slot.newest
    if newest.purpose == CANCEL or newest.deadline <= now:
        return Rank.NOTHING
    return ranks.get(newest.plan_id, Rank.NOTHING)
