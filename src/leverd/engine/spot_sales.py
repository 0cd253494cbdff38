"""Sales of what is held that come to nothing: once is chance, three times running is somebody's.

A sale that is denied, cannot be signed, is refused or is never included is tried again from a new
view; if nothing changes it ends the same way, and what is held loses meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leverd.domain.events import Event
from leverd.domain.spot import Spot
from leverd.domain.spot_events import SpotOrderPlanned, SpotOrderSettled

UNSOLD: Final = "LVD-SPT-005"
IN_VAIN_MAX: Final = 3
"""Sales in a row that may come to nothing before a human hears of it."""

_EXIT: Final = "exit"


class Sales:
    """Counts sales that came to nothing since one sold something; `tell` reaches a human."""

    def __init__(self, spot: Spot, tell: Callable[[str], None]) -> None:
        self._sells = spot.order is not None and spot.order.planned.purpose == _EXIT
        self._tell, self._in_vain = tell, 0

    def hear(self, event: Event) -> None:
        """Learn what became of orders from what is journaled of them."""
        if isinstance(event, SpotOrderPlanned):
            self._sells = event.purpose == _EXIT
        elif isinstance(event, SpotOrderSettled) and self._sells:
            if event.filled:
                self._sold()
            else:
                self.came_to_nothing(event.reason or event.standing)

    def came_to_nothing(self, why: str) -> None:
        """Count a sale of which nothing came, and say so once that is no accident."""
        self._in_vain += 1
        if self._in_vain == IN_VAIN_MAX:
            self._tell(f"what is held cannot be sold, {IN_VAIN_MAX} times in a row; last: {why}")

    def _sold(self) -> None:
        before, self._in_vain = self._in_vain, 0
        if before >= IN_VAIN_MAX:
            self._tell(f"it is over: what is held is sold again, after {before} times in vain")
