"""How long to wait before the next look, in chain time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.domain.fixed_point import WAD

_CALM: Final = Decimal(2)
"""Health at and above which looks are as far apart as the settings allow."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The range of look intervals, chain seconds."""

    look_s_max: int
    look_s_min: int

    def interval(self, health: int) -> int:
        """Return chain seconds until the next look for the lowest `health` (wad) we hold.

        Falls linearly from `look_s_max` at health 2 to `look_s_min` at health 1.
        """
        ratio = Decimal(health) / WAD
        room = min(max(ratio - 1, Decimal(0)), _CALM - 1)
        return self.look_s_min + int((self.look_s_max - self.look_s_min) * room)
