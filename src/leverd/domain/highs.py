"""The highest values of the last day, in few enough entries to remember. Pure."""

from __future__ import annotations

from typing import Final, TypeAlias

SPAN_S: Final = 86_400
"""How far back a high counts, chain seconds."""

_STRIDE_S: Final = 1_800
"""Values this close together are kept as the highest of them."""

Highs: TypeAlias = tuple[tuple[int, int], ...]
"""Chain time and value, oldest first; at most one entry for each half hour of a day."""


def with_high(highs: Highs, at: int, value: int) -> Highs:
    """Return `highs` with `value`, seen at chain time `at`; what is too old is forgotten.

    Entries that a later and higher one hides are dropped, so values fall from left to right.
    """
    kept = [each for each in highs if at - each[0] < SPAN_S and each[1] > value]
    if kept and kept[-1][0] // _STRIDE_S == at // _STRIDE_S:
        return tuple(kept)
    return (*kept, (at, value))


def highest(highs: Highs, now: int) -> int:
    """Return the highest value of the day up to `now`, 0 without any."""
    return max((value for at, value in highs if now - at < SPAN_S), default=0)
