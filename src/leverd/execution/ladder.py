"""How a bid climbs: by steps a node takes as a replacement, and at its cap in time. Pure.

A plan that saves a position says by when it must bid all it may: when health is about to be
where no step may pass any more. From its first bid the steps up to the cap are spread evenly
over the time that is left, the last of them one look before.
"""

from __future__ import annotations

from dataclasses import dataclass

from leverd.interfaces.venue import Fees


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where a bid begins, where it has to be, and by when."""

    first: int  # wei per gas, the highest fee of the first bid
    since: int  # chain time of the first bid
    cap: int  # wei per gas, the most it may bid
    by: int  # chain time, 0 for a bid that need not climb
    lead_s: int  # chain seconds between two looks
    percent: int  # the least that a replacement must add

    def height(self, now: int) -> int:
        """Return the highest fee to bid at chain time `now`, wei per gas; 0 if any will do."""
        if not self.by or self.cap <= self.first:
            return 0
        top = self.by - self.lead_s
        if max(now, self.since) >= top:  # a node that lags shows a time before the first bid
            return self.cap
        rungs = self._rungs()
        fee = self.first
        for _ in range(rungs * max(now - self.since, 0) // (top - self.since)):
            fee = more(fee, self.percent)
        return min(fee, self.cap)

    def _rungs(self) -> int:
        """Return how many steps there are up to the cap."""
        fee, count = self.first, 0
        while fee < self.cap:
            fee, count = more(fee, self.percent), count + 1
        return count


def step(ladder: Ladder, newest: Fees, now: int) -> Fees | None:
    """Return the bid that replaces `newest` now, None while it is high enough or at the top.

    It takes a whole step at least; what would leave less than a step below the cap goes there.
    """
    least = more(newest.max_fee, ladder.percent)
    height = ladder.height(now)
    if height < least or least > ladder.cap:
        return None
    if more(height, ladder.percent) > ladder.cap:
        height = ladder.cap
    tip = max(
        more(newest.priority_fee, ladder.percent),
        -(-newest.priority_fee * height // newest.max_fee),
    )
    return Fees(height, min(tip, height))


def more(fee: int, percent: int) -> int:
    """Return the least fee that replaces `fee`, rounded up."""
    return -(-fee * (100 + percent) // 100) + 1
