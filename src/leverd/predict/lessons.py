"""What a predictor has seen and may learn from, gathered bar by bar. Bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from leverd.domain.bars import Bar, Past
from leverd.domain.outcomes import outcome
from leverd.domain.prediction import MICRO
from leverd.predict.card_file import Purpose
from leverd.predict.estimators import Floats
from leverd.predict.features import NAMES, Features
from leverd.predict.samples import Samples, base_of

_KEPT: Final = 20_000
"""Rows kept: more than two years of hours, six megabytes."""


class Lessons:
    """Rows of features, and the truth about each once it is known."""

    def __init__(self, purpose: Purpose) -> None:
        self._purpose = purpose
        self._features = Features(purpose.bar_s)
        self._waiting: deque[tuple[int, Floats]] = deque(maxlen=_KEPT)
        self._known: deque[tuple[int, Floats, float]] = deque(maxlen=_KEPT)
        self._seen = 0
        self.row: Floats | None = None  # as of the newest bar; None while too little is known

    def __len__(self) -> int:
        return len(self._known)

    def follow(self, past: Past) -> list[Floats]:
        """Take what is new in `past`; return its rows."""
        fresh = _after(past.bars, self._seen)
        rows = []
        for bar in fresh:
            self._seen = bar.at
            self.row = self._features.update(bar)
            if self.row is not None:
                rows.append(self.row)
                self._waiting.append((bar.at, self.row))
        self._settle(past)
        return rows

    def samples(self) -> Samples:
        """Return everything whose truth is known, as of now."""
        purpose, known = self._purpose, list(self._known)
        return Samples(
            purpose.quantity,
            purpose.horizon_s,
            purpose.bar_s,
            np.array([at for at, _, _ in known], dtype=np.int64),
            np.array([row for _, row, _ in known]).reshape(len(known), len(NAMES)),
            np.array([truth for _, _, truth in known], dtype=np.float64),
        )

    def _settle(self, past: Past) -> None:
        horizon, bar_s = self._purpose.horizon_s, self._purpose.bar_s
        while self._waiting and self._waiting[0][0] + horizon <= past.now:
            at, row = self._waiting.popleft()
            bars = _between(past.bars, at, at + horizon, bar_s)
            quantity, until = self._purpose.quantity, at + horizon
            truth = outcome(quantity, bars, made_at=at, until=until, bar_s=bar_s)
            if truth is not None and np.isfinite(base_of(quantity, row[None])[0]):
                self._known.append((at, row, truth / MICRO))


def _after(bars: Sequence[Bar], seen: int) -> Sequence[Bar]:
    """Return the bars after `seen`; mostly the last one, so it looks from the end."""
    first = len(bars)
    while first and bars[first - 1].at > seen:
        first -= 1
    return bars[first:]


def _between(bars: Sequence[Bar], since: int, until: int, bar_s: int) -> Sequence[Bar]:
    """Return at least the bars from `since` to `until`; those far before are left out."""
    back = (bars[-1].at - since) // bar_s + 1
    part = bars[max(len(bars) - back, 0) :]
    return [bar for bar in part if bar.at <= until]
