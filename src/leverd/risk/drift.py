"""How fast health falls, by the last looks. Pure."""

from __future__ import annotations

from typing import Final, TypeAlias

from leverd.domain.lending import INFINITE_HEALTH

_LOOKS_MAX: Final = 16
_WINDOW_S: Final = 900
"""Chain seconds after which a look says nothing about how fast health falls now."""

Drift: TypeAlias = tuple[tuple[int, int], ...]
"""Chain time and health (wad) of the last looks, oldest first."""


def with_look(drift: Drift, at: int, health: int) -> Drift:
    """Return `drift` with a look at chain time `at`; without debt nothing can fall.

    A look that is not newer than the last, as after a reorganisation, begins anew.
    """
    if health >= INFINITE_HEALTH:
        return ()
    kept = tuple(each for each in drift if each[0] < at and at - each[0] <= _WINDOW_S)
    if drift and drift[-1][0] > at:
        kept = ()
    return (*kept, (at, health))[-_LOOKS_MAX:]


def fall(drift: Drift) -> int:
    """Return the fastest fall from any kept look to the last, wad a chain second, rounded up."""
    if not drift:
        return 0
    now, health = drift[-1]
    falls = [-((health - before) // (now - at)) for at, before in drift[:-1]]
    return max([0, *falls])
