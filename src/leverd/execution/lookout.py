"""Looking at every slot, and how far what is seen may be believed.

Nodes lag, miss receipts and count nonces early. One look that says something happened without
saying what proves nothing; what was missed twice, by a later head, is as it seems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from leverd.execution import slots
from leverd.execution.patience import answered, put_up_with
from leverd.execution.slots import Slot, Slots
from leverd.interfaces.venue import Sighting, Venue

_AT_ONCE: Final = 8
"""Looks under way together: more than that and public nodes say there were too many."""


class Lookout:
    """What became of slots, as nodes show it, and what of it is in doubt."""

    def __init__(self, venue: Venue, io_s: float) -> None:
        self._venue, self._io_s = venue, io_s
        self._unseen: frozenset[int] = frozenset()  # slots that the last look did not reach
        self._doubts: dict[int, int] = {}  # slot -> block it first looked spent by nobody known

    @property
    def unsure(self) -> frozenset[int]:
        """Slots that may not be as they were: not reached by the last look, or missed by it."""
        return self._unseen | self._doubts.keys()

    async def look(self, known: Slots) -> dict[int, Sighting]:
        """Return what became of each slot, lowest first, without those nothing is learned of."""
        turns = asyncio.Semaphore(_AT_ONCE)
        numbers = sorted(known)
        looks = await asyncio.gather(*(self._look(known[number], turns) for number in numbers))
        pairs = zip(numbers, looks, strict=True)
        seen = {number: sighting for number, sighting in pairs if sighting is not None}
        self._unseen = frozenset(known.keys() - seen.keys())
        return seen

    async def stands(self, slot: Slot, seen: Sighting) -> bool:
        """Return whether the block that included `slot` is final, although no receipt is found.

        Raises:
            UnreachableError: nobody says.
        """
        mined = slot.included
        if mined is None or not slots.missed(seen) or mined.block > seen.final_block:
            return False
        async with answered(self._io_s):
            return not await self._venue.replaced(mined.block, mined.block_hash)

    def is_news(self, number: int, seen: Sighting) -> bool:
        """Return whether no look before this one missed the slot too."""
        return self._doubts.get(number, seen.head_block) >= seen.head_block

    def note(self, number: int, seen: Sighting, *, doubted: bool) -> None:
        """Remember that the slot is in doubt since the look `seen`, or that it is not any more."""
        if doubted:
            self._doubts.setdefault(number, seen.head_block)
        else:
            self._doubts.pop(number, None)

    def is_apart(self, number: int, block: int, known: Slots, seen: Mapping[int, Sighting]) -> bool:
        """Return whether it is known of every slot but `number` if it is in `block` too.

        One that the look missed, or showed as of before, may be: what the block begins with or
        ends in would then be laid to this one alone. Missed twice, no receipt is to be had.
        """
        others = (each for each in known if each != number and known[each].lost is None)
        return all(
            each in seen
            and seen[each].head_block >= block
            and not (slots.missed(seen[each]) and self.is_news(each, seen[each]))
            for each in others
        )

    async def _look(self, slot: Slot, turns: asyncio.Semaphore) -> Sighting | None:
        seen: Sighting | None = None
        async with turns:
            with put_up_with(f"slot {slot.number}"):
                async with answered(self._io_s):
                    seen = await self._venue.look(slot.number, slot.hashes)
        return seen
