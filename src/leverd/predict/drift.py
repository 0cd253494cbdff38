"""Whether the present still looks like what a model was fitted to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from leverd.predict.estimators import Floats

_BARS: Final = 72
SHARE_MAX: Final = 0.25
"""Share of numbers beyond what was learnt from at which a model is out of its depth."""


class Drift:
    """How many of the newest features lie beyond those learnt from."""

    def __init__(self, usual: Sequence[tuple[float, float]]) -> None:
        self._low = np.array([low for low, _ in usual])
        self._high = np.array([high for _, high in usual])
        self._recent: deque[float] = deque(maxlen=_BARS)

    def note(self, row: Floats) -> None:
        """Take the features of one more bar."""
        if not len(self._low):
            return  # nothing was learnt yet
        known = np.isfinite(row)
        outside = ((row < self._low) | (row > self._high)) & known
        self._recent.append(float(outside.sum()) / max(int(known.sum()), 1))

    @property
    def share(self) -> float:
        """Share of numbers outside over the last three days of hours; nearly none is usual."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    @property
    def is_far(self) -> bool:
        """Whether that is too many."""
        return self.share > SHARE_MAX
