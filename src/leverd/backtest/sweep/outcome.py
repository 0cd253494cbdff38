"""What both engines tell of one configuration over one past."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Protocol

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep.configuration import Configuration
from leverd.backtest.sweep.past import Past


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run, and what it met on the way. Money is USD, shares are fractions."""

    equity: float  # at the last point: collateral less debt less gas paid
    health_low: float  # lowest health met, before or after an act; the first if several
    health_low_at: float  # its point
    boosts: float  # acts that added leverage, the opening not among them
    repays: float  # acts that took leverage off
    fees: float  # of swaps, the opening's among them
    impact: float  # what swaps lost to the pool's depth
    shallow: float  # acts for which the pool was too shallow, see `kernel`
    drawdown: float  # the largest fall of equity from a peak, of that peak
    liquidated_at: float  # point of the liquidation, -1 if none
    edge: float  # smallest relative distance to a decision's edge, less what rounding can bridge
    grain: float  # the largest share of equity that the assets' smallest units were
    mean: float  # of the returns a period, less what the comparison returned
    deviation: float  # their standard deviation


COLUMNS: Final = tuple(each.name for each in fields(Outcome))


def outcome(row: Floats) -> Outcome:
    """Return one row of a table of results as a record."""
    return Outcome(*(float(each) for each in row))


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What an exact engine says of one configuration."""

    outcome: Outcome  # `edge` is 0 and `grain` too, it has neither
    curve: Floats  # equity (USD) after each whole period
    loose: float = 0.0  # share of equity by which it may differ from the kernel, beside 1e-9


class Exact(Protocol):
    """An engine that reckons in integers: what the kernel's results are held against.

    The real agents are one (`replayed`), the bare loop another (`bare`).
    """

    def __call__(self, configuration: Configuration, past: Past, against: Floats) -> Truth:
        """Return what became of `configuration`.

        `against` is what the comparison returned in each period, as long as `periods(past)`.
        """


def periods(past: Past) -> int:
    """Return how many whole periods `past` has."""
    return (len(past) - 1) // past.period
