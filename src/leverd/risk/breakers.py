"""Breakers: what goes wrong for too long stops new risk until it has been right for a while.

Pure: a breaker is told what each look showed and remembers only counts, so a restart folds
to the same state. An open breaker means REDUCING. None of them ever holds the guardian
back: plans that lower risk do not ask them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from leverd.domain import side, valuation
from leverd.domain.fixed_point import WAD
from leverd.domain.highs import Highs, highest, with_high
from leverd.domain.money import USD, Asset
from leverd.domain.reserves import reserve_of
from leverd.domain.view import TradingState, View
from leverd.errors import ImpossibleError
from leverd.risk.limits import Limits
from leverd.risk.raising import oracle_gap


class Fault(StrEnum):
    """What a breaker watches."""

    FAILURES = "failures"
    """Plans failed one after another."""

    ORACLE_STALE = "oracle_stale"
    """The oracle stands still while the market has left it."""

    ORACLE_GAP = "oracle_gap"
    """Oracle and market disagree, whichever is right."""

    GAS = "gas"
    """Gas costs more than calm trading may pay."""

    DEPEG = "depeg"
    """A token that should be worth a dollar is not."""

    DRAWDOWN = "drawdown"
    """The position has lost more from its peak of the last day than the owner bears."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Consecutive looks that open a breaker, and that close it again."""

    opens_after: int
    closes_after: int


RULES: Final[Mapping[Fault, Rule]] = {
    Fault.FAILURES: Rule(1, 10),  # what it counts are failed plans already
    Fault.ORACLE_STALE: Rule(2, 5),
    Fault.ORACLE_GAP: Rule(2, 5),
    Fault.GAS: Rule(3, 5),
    Fault.DEPEG: Rule(2, 5),
    Fault.DRAWDOWN: Rule(2, 5),
}

FAILURES_MAX: Final = 3
"""Plans in a row that may fail before no new risk is taken.

Then one more may try after each spell of looks without a failure: nothing would ever complete,
and the breaker never close, if none could.
"""


@dataclass(frozen=True, slots=True)
class Breaker:
    """One fault's count: looks in a row that say the opposite of what it is."""

    open: bool = False
    against: int = 0

    def told(self, rule: Rule, *, bad: bool) -> Breaker:
        """Return the breaker after one more look."""
        if bad == self.open:
            return replace(self, against=0) if self.against else self
        needed = rule.closes_after if self.open else rule.opens_after
        if self.against + 1 >= needed:
            return Breaker(open=bad)
        return replace(self, against=self.against + 1)


_CALM: Final = Breaker()


@dataclass(frozen=True, slots=True)
class Breakers:
    """Every breaker of one position, and what the last look showed."""

    faults: Mapping[Fault, Breaker] = field(default_factory=dict)
    oracle_price: int = 0  # of the volatile asset, USD 1e8
    failures: int = 0  # plans failed in a row
    highs: Highs = ()  # of a unit's price, share class raw units

    @classmethod
    def standing(cls, opened: Collection[str]) -> Breakers:
        """Return what a restart begins with: what the journal says is open stays open."""
        return cls({fault: Breaker(open=fault in opened) for fault in Fault})

    @property
    def opened(self) -> tuple[Fault, ...]:
        """The faults that hold back new risk, in a stable order."""
        return tuple(fault for fault in Fault if self.faults.get(fault, _CALM).open)

    @property
    def trading_state(self) -> TradingState:
        """REDUCING while any is open; a breaker never halts."""
        return TradingState.REDUCING if self.opened else TradingState.ACTIVE


def watch(breakers: Breakers, view: View, limits: Limits, *, failures: int) -> Breakers:
    """Return the breakers after a look; `failures` is how many plans failed in a row."""
    mandate = view.state.position.mandate
    price = reserve_of(view.state.market, side.volatile(mandate)).price
    apart, still = _apart(view, limits), price == breakers.oracle_price
    highs = _highs(breakers.highs, view)
    bad = {
        Fault.FAILURES: failures >= FAILURES_MAX and failures > breakers.failures,
        Fault.ORACLE_STALE: apart and still,
        Fault.ORACLE_GAP: apart,
        Fault.GAS: view.gas.base_fee + view.gas.priority_fee > limits.gas_price_wei_max,
        Fault.DEPEG: any(
            _is_off_peg(view, asset, limits) for asset in (mandate.collateral, mandate.debt)
        ),
        Fault.DRAWDOWN: _has_fallen(view, highs, limits),
    }
    faults = {
        fault: breakers.faults.get(fault, _CALM).told(RULES[fault], bad=bad[fault])
        for fault in Fault
    }
    if failures < FAILURES_MAX:
        faults[Fault.FAILURES] = _CALM  # a plan completed: no need to wait
    return Breakers(faults, price, failures, highs)


def _is_off_peg(view: View, asset: Asset, limits: Limits) -> bool:
    """Whether the oracle prices a pegged `asset` too far from a dollar, either way."""
    if asset.symbol not in limits.pegged:
        return False
    price = reserve_of(view.state.market, asset).price
    return abs(price - USD.unit) > limits.depeg_max * USD.unit


def _highs(highs: Highs, view: View) -> Highs:
    """Return the day's highs with this look; money that came or went is marked first."""
    unit = _unit_price(view)
    if unit is None or view.record.open_slots:
        return highs
    return with_high(highs, view.now, unit)


def _has_fallen(view: View, highs: Highs, limits: Limits) -> bool:
    """Whether a unit is worth too much less than at its peak of the last day."""
    unit = _unit_price(view)
    peak = max(highest(highs, view.now), highest(view.record.highs, view.now))
    return unit is not None and unit < peak * (1 - limits.drawdown_day_max)


def _unit_price(view: View) -> int | None:
    """Return what a unit is worth now, rounded down; None before the first mark, or if strange."""
    if view.record.units <= 0 or view.record.strange:
        return None
    return valuation.equity_in_share_class(view.state) * WAD // view.record.units


def _apart(view: View, limits: Limits) -> bool:
    """Whether the market has left the oracle; a pool without a price surely has."""
    try:
        return oracle_gap(view) > limits.oracle_gap_max
    except ImpossibleError:
        return True
