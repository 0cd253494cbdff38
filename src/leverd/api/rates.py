"""How much each asker may ask for: a bucket that fills at its own rate."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_ASKERS_MAX: Final = 1024


class Buckets:
    """One bucket an asker; the one that was silent longest is forgotten first."""

    def __init__(self, monotonic: Callable[[], float], rate_s: float, burst: float) -> None:
        self._monotonic, self._rate, self._burst = monotonic, rate_s, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # asker -> left, when

    def take(self, asker: str) -> float:
        """Take one; return 0, or the seconds until there is one, with nothing taken."""
        left, now = self._now(asker)
        if left < 1:
            return (1 - left) / self._rate
        self._keep(asker, left - 1, now)
        return 0.0

    def wait(self, asker: str) -> float:
        """Return the seconds until there is one, 0 if there is; nothing is taken."""
        left, _ = self._now(asker)
        return 0.0 if left >= 1 else (1 - left) / self._rate

    def _now(self, asker: str) -> tuple[float, float]:
        now = self._monotonic()
        left, then = self._left.get(asker, (self._burst, now))
        return min(left + (now - then) * self._rate, self._burst), now

    def _keep(self, asker: str, left: float, now: float) -> None:
        self._left[asker] = (left, now)
        self._left.move_to_end(asker)
        while len(self._left) > _ASKERS_MAX:
            self._left.popitem(last=False)
