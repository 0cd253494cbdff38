"""What predictions added: the same agents over the same past, with and without them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.replay.replay import Replayed
from leverd.backtest.run_record import Curve
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.plan_events import PlanCompleted

SURE: Final = 2.0
"""Standard errors from which a difference is no luck."""

_WEEK_S: Final = 7 * 86_400
_YEAR_S: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    growth: float  # of a unit over the whole run, after all costs; 0.1 is a tenth more
    drawdown: float  # deepest fall of a unit from its peak
    lowest_health: float  # inf without debt
    acts: int  # plans carried out
    gas_wei: int
    liquidations: int


@dataclass(frozen=True, slots=True)
class Added:
    """The two beside each other."""

    heard: int  # predictions agents might listen to
    with_them: Side
    without: Side
    difference: float  # mean difference of weekly log returns, a year
    t: float  # standard errors that it is away from nothing
    weeks: int

    @property
    def verdict(self) -> str:
        """The difference in a sentence."""
        if not self.heard:
            return "nobody was listened to: both runs are the same"
        luck = "no luck" if abs(self.t) >= SURE else "may be luck"
        one, other = self.with_them, self.without
        return (
            f"{self.heard} predictions heard: return {self.difference:+.2%} a year "
            f"({self.t:+.2f} standard errors of {self.weeks} weeks: {luck}); lowest health "
            f"{one.lowest_health:.3f} for {other.lowest_health:.3f}, deepest fall "
            f"{one.drawdown:.1%} for {other.drawdown:.1%}, {one.acts} acts for {other.acts}"
        )

    def data(self) -> dict[str, object]:
        """Return it for programs."""
        return {**asdict(self), "verdict": self.verdict}


def added(heard: int, one: Replayed, one_curve: Curve, other: Replayed, curve: Curve) -> Added:
    """Return what `one`, with predictions, has over `other` without."""
    gains = _weekly(one_curve) - _weekly(curve)
    spread = float(gains.std(ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
    mean = float(gains.mean()) if len(gains) else 0.0
    return Added(
        heard=heard,
        with_them=_side(one, one_curve),
        without=_side(other, curve),
        difference=mean * _YEAR_S / _WEEK_S,
        t=mean / spread if spread else 0.0,
        weeks=len(gains),
    )


def _side(run: Replayed, curve: Curve) -> Side:
    unit = curve.unit[np.isfinite(curve.unit)]
    falls = 1 - unit / np.maximum.accumulate(unit)
    lowest = run.lowest_health
    return Side(
        growth=float(unit[-1] / unit[0] - 1),
        drawdown=float(falls.max()),
        lowest_health=math.inf if lowest >= INFINITE_HEALTH else lowest / WAD,
        acts=sum(isinstance(each.event, PlanCompleted) for each in run.entries),
        gas_wei=run.gas,
        liquidations=run.liquidations,
    )


def _weekly(curve: Curve) -> Floats:
    """Return the log returns of a unit, week by week; a last part of one is left out."""
    ts, unit = curve.ts, np.maximum(np.nan_to_num(curve.unit, nan=1.0), 1e-9)
    ends = np.arange(int(ts[0]), int(ts[-1]) + 1, _WEEK_S)
    rows = np.searchsorted(ts, ends)
    return np.asarray(np.diff(np.log(unit[rows])), dtype=np.float64)
