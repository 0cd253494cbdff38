"""What time it is on the chain, as far as nodes are to be believed. Pure."""

from __future__ import annotations

from typing import Final

_NEAR_S: Final = 900
"""Chain seconds beyond the newest view that a look is believed: an outage may last as long."""


class ChainTime:
    """The newest time seen, unix seconds; it never goes back, whatever a lagging node shows.

    Views are checked against the block's own account of itself, and say what the time is. A look
    at one slot is one node's word: were it believed far ahead, every deadline would be over for
    good, and no rescue signed any more. Until there is a view, all there is are looks.
    """

    def __init__(self) -> None:
        self.now = 0
        self._viewed = 0

    def view(self, at: int) -> None:
        """Learn the time of a view; what looks said far beyond the newest is forgotten."""
        self._viewed = max(self._viewed, at)
        self.now = max(self.now, at)
        if self._viewed and self.now > self._viewed + _NEAR_S:
            self.now = self._viewed

    def look(self, at: int) -> None:
        """Learn the time that a look at one slot showed, if it is near."""
        if not self._viewed or at <= self._viewed + _NEAR_S:
            self.now = max(self.now, at)
