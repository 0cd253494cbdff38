"""How long plans may take, live as in a replay."""

from __future__ import annotations

from typing import Final

from leverd.engine.turn import Timing

DEADLINE_S: Final = 600
"""Chain seconds after which a plan may no longer act."""

DEADLINE_URGENT_S: Final = 120
"""The same for a plan that saves the position; both grow where inclusion is slow."""


def timing_of(delay_s: int) -> Timing:
    """Return what plans reckon with where inclusion takes up to `delay_s` chain seconds.

    A plan that would be too late before it can be mined would never act at all.
    """
    longest = 2 * delay_s
    return Timing(delay_s, max(DEADLINE_S, longest), max(DEADLINE_URGENT_S, longest))
