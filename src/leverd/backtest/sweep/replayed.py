"""The real agents, planner and gate over the sweep's past: what the kernel is held against.

Decisions, balances, healths and values are the replay's own; this only adds them up as the
kernel does. See `equal` for the models that are set equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.replay.curves import curve_of
from leverd.backtest.replay.replay import Replay, Replayed
from leverd.backtest.sweep.configuration import BPS, PIPS, RATIO, USD, Configuration
from leverd.backtest.sweep.equal import COLLATERAL, DEBT, rules_of, world_of
from leverd.backtest.sweep.objective import put_in, returns_of
from leverd.backtest.sweep.outcome import Outcome, Truth, periods
from leverd.backtest.sweep.past import Past
from leverd.domain.events import ExternalChanged, PnlRecorded
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved, StepVerified
from leverd.domain.snapshot import Snapshot

_ASSETS: Final = (COLLATERAL, DEBT)
_BUYS: Final = (Purpose.OPEN, Purpose.BOOST)
_SIZED: Final = 2.0**-34
"""How precisely the planner finds the size of a swap (`engine.sizing`)."""
_UNITS: Final = 2
"""Of each asset, that an act of the planner may differ by from one that is not rounded."""


@dataclass(frozen=True, slots=True)
class _Act:
    """One act of the replay."""

    at: int  # point
    purpose: str
    sold: int  # raw
    bought: int  # raw
    after: Snapshot

    def costs(self, fee: int) -> tuple[int, int]:
        """Return fee and price impact, USD 1e-8; `fee` is in pips."""
        ends = (DEBT, COLLATERAL) if self.purpose in _BUYS else (COLLATERAL, DEBT)
        paid, got = (
            raw * self.after.prices[asset] // _unit(self.after, asset)
            for raw, asset in zip((self.sold, self.bought), ends, strict=True)
        )
        cost = paid * fee // PIPS
        return cost, paid - cost - got

    def loose(self) -> float:
        """Return by what share of equity it may differ from the kernel's: what rounding takes.

        A leverage that an agent derives from a health is one of 1e-9, rounded down.
        """
        unit = sum(self.after.prices[each] / _unit(self.after, each) for each in _ASSETS)
        derived = 1 / RATIO if self.purpose == Purpose.DELEVERAGE else 0.0
        return (_UNITS * unit + _UNITS) / max(self.after.equity, 1) + _SIZED + derived


def replayed(configuration: Configuration, past: Past, against: Floats) -> Truth:
    """Return what the real agents make of `configuration` over `past`.

    After a liquidation nothing is replayed: the kernel's liquidator takes all of the debt.
    """
    found = Replay(world_of(configuration, past), rules_of(configuration)).run()
    gone, left = _liquidated(found, past)
    acts = [each for each in _acts(found, past) if gone < 0 or each.at < gone]
    equity = _equity(found, acts, configuration.gas)
    if gone >= 0:
        equity[gone:] = (left - len(acts) * configuration.gas) / USD
    begun = put_in(past)
    curve = equity[past.period :: past.period]
    returns = returns_of(np.concatenate([[begun], curve])) - against
    peaks = np.maximum.accumulate(np.concatenate([[begun], equity]))
    health, at = _lowest(found, acts, gone)
    costs = [each.costs(configuration.fee) for each in acts]
    outcome = Outcome(
        equity=float(equity[-1]),
        health_low=health,
        health_low_at=at,
        boosts=sum(each.purpose == Purpose.BOOST for each in acts),
        repays=sum(each.purpose not in _BUYS for each in acts),
        fees=sum(fee for fee, _ in costs) / USD,
        impact=sum(impact for _, impact in costs) / USD,
        shallow=0.0,
        drawdown=float((1 - equity / peaks[1:]).max(initial=0.0)),
        liquidated_at=gone,
        edge=0.0,
        grain=0.0,
        mean=float(returns.mean()) if len(returns) else 0.0,
        deviation=float(returns.std(ddof=1)) if len(returns) > 1 else 0.0,
    )
    assert len(curve) == periods(past), "a value for each whole period"
    return Truth(outcome, curve, sum(each.loose() for each in acts))


def _acts(found: Replayed, past: Past) -> list[_Act]:
    events = [each.event for each in found.entries]
    purposes = {each.plan_id: each.purpose for each in events if isinstance(each, PlanApproved)}
    steps = [each for each in events if isinstance(each, StepVerified)]
    points = np.searchsorted(past.ts, [each.snapshot.at for each in steps]).tolist()
    return [_act(at, purposes[each.plan_id], each) for at, each in zip(points, steps, strict=True)]


def _act(at: int, purpose: str, step: StepVerified) -> _Act:
    swap = step.fills[0]
    return _Act(at, purpose, swap["sold"], swap["bought"], step.snapshot)


def _liquidated(found: Replayed, past: Past) -> tuple[int, int]:
    """Return the point of the first liquidation, -1 if none, and what the kernel's one leaves."""
    before: Snapshot | None = None
    for entry in found.entries:
        match entry.event:
            case PnlRecorded(snapshot=snapshot):
                before = snapshot
            case ExternalChanged(cause="liquidation", snapshot=snapshot):
                assert before is not None, "a liquidation is marked before and after"
                return int(np.searchsorted(past.ts, snapshot.at)), _left(before, past.bonus)
            case _:
                pass
    return -1, 0


def _left(before: Snapshot, bonus: int) -> int:
    """Return what is left (USD 1e-8) once the debt and the bonus on it are taken."""
    held = before.supplied[COLLATERAL] * before.supply_indexes[COLLATERAL] // RAY
    owes = -(-before.owed[DEBT] * before.borrow_indexes[DEBT] // RAY)
    owned = held * before.prices[COLLATERAL] // _unit(before, COLLATERAL)
    owed = -(-owes * before.prices[DEBT] // _unit(before, DEBT))
    return max(owned - owed - owed * bonus // BPS, 0)


def _unit(of: Snapshot, asset: str) -> int:
    unit: int = 10 ** of.decimals[asset]
    return unit


def _equity(found: Replayed, acts: Sequence[_Act], gas: int) -> Floats:
    """Return equity (USD) at each point, after what was done there, less all gas by then."""
    equity = curve_of(found).equity.copy()
    spent = np.zeros(len(equity))
    for act in acts:
        equity[act.at] = act.after.equity / USD
        spent[act.at] += gas / USD
    return np.asarray(equity - np.cumsum(spent))


def _lowest(found: Replayed, acts: Sequence[_Act], gone: int) -> tuple[float, int]:
    """Return the lowest health met, before or after an act, and the first point with it."""
    healths = found.track.healths()
    met = [(each.after.health / WAD, each.at) for each in acts]
    if gone >= 0:
        healths = healths[:gone]
        met.append((found.track.preyed[gone] / WAD, gone))
    at = int(healths.argmin())
    return min([(float(healths[at]), at), *met])
