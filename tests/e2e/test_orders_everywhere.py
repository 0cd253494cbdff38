"""Orders on whatever can hold a position: longs and shorts, at once, in single steps, bare.

The one that acts at once for a long is in test_orders; here are the others, each to its
planned end, with every dollar of profit and loss told where it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from tests.e2e.stage import DUST_USD, POSITION, STEPWISE, Stage, merged
from tests.e2e.test_orders import held, market
from tests.e2e.test_short import BAND, RAY, _settings

from leverd.domain.events import AlertRaised, ExternalChanged, OrderDone, OrderFired, PnlRecorded
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted, StepMismatched
from leverd.domain.snapshot import Snapshot

pytestmark = pytest.mark.chain

SHARE = 0.4
CALM_S = 7200
"""After a swing gas is dear for a while, and a start would refuse the settings."""

# Steps of their own cost several times the gas, and gas is dear where the market swings: what
# they may cost has to be said.
LIMITS = {
    "drag_max": 1,
    "cost_share_max": 0.1,
    "gas_price_gwei_max": 500,
    "gas_price_gwei_worst": 500,
}
KINDS = ("atomic", "sequential", "plain")
HOLDERS = [(side, kind) for side in ("long", "short") for kind in KINDS][1:]

each_holder = pytest.mark.parametrize(
    ("side", "kind"), HOLDERS, ids=["-".join(each) for each in HOLDERS]
)


@each_holder
async def test_it_takes_a_share_and_then_all_of_its_profit(tmp_path, side, kind):
    first, second = (3200, 3500) if side == "long" else (2850, 2600)
    orders = {"take_profit": [{"price": first, "share": SHARE}, {"price": second}]}
    beyond = 60 if side == "long" else -60
    path = ((0, 3000), (900, 3000), (1500, first + beyond), (4200, first + beyond))
    with market(tmp_path, *path, (4800, second + beyond), (90_000, second + beyond)) as stage:
        await _play(stage, side, kind, orders)

        fired = stage.events(OrderFired)
        assert [event.closes for event in fired] == [False, True]
        assert [event.order for event in stage.events(OrderDone)] == [fired[0].order]
        purposes = _carried_out(stage)
        assert purposes[:2] == ["open", "reduce"]
        assert set(purposes[2:]) == {"unwind"}
        sizes = [_size(event.snapshot, side) for event in stage.events(PlanCompleted)]
        assert sizes[1] / sizes[0] == pytest.approx(1 - SHARE, abs=0.003)
        _check_closed(stage, side)
        assert _gained(stage) > 0


@each_holder
async def test_a_stop_closes_it_and_it_stays_closed(tmp_path, side, kind):
    stop, crashed = (2800, 2700) if side == "long" else (3200, 3300)
    path = ((0, 3000), (900, 3000), (1500, crashed), (90_000, crashed))
    with market(tmp_path, *path) as stage:
        orders = {"stop_loss": {"price": stop}}
        await _play(stage, side, kind, orders)

        (fired,) = stage.events(OrderFired)
        assert fired.order == f"stop_loss at price {stop}"
        purposes = _carried_out(stage)
        assert purposes[0] == "open"
        # Between single steps health may stand below its trigger: then the same unwinding saves.
        assert set(purposes[1:]) <= {"unwind", *(["deleverage"] if kind != "atomic" else [])}
        assert stage.account not in {who for _, who in stage.clock.liquidated}
        _check_closed(stage, side)
        assert _gained(stage) < 0


async def _play(stage: Stage, side: str, kind: str, orders: dict[str, Any]) -> None:
    """Run the agent until all is closed, and for an hour more."""
    settings, stepwise = _sections(stage, side, kind, orders), kind == "sequential"
    await stage.play(until=_closed(stage, side), stepwise=stepwise, **settings)
    done = len(stage.events(PlanApproved))
    stage.devnet.advance_to(stage.devnet.driver.now + CALM_S)
    await stage.play(seconds=3600, stepwise=stepwise, **settings)
    assert len(stage.events(PlanApproved)) == done, "closed means closed"


def _sections(stage: Stage, side: str, kind: str, orders: dict[str, Any]) -> dict[str, Any]:
    if side == "short":
        stage.account = stage.deployment.accounts["eth-short"]
        settings = _settings(stage, kind)
        settings["positions"][POSITION]["agents"] = {"leverage_loop": BAND, "orders": orders}
        return merged(settings, {"limits": LIMITS})
    if kind == "plain":
        stage.account = stage.deployment.roles.operator
    agents = {"leverage_loop": BAND, "orders": orders}
    position = {"account": stage.account, "agents": agents}
    settings = {"positions": {POSITION: position}, "limits": LIMITS}
    return merged(STEPWISE if kind == "plain" else {}, settings)


def _closed(stage: Stage, side: str) -> Callable[[Any], bool]:
    idle = _owed_asset(side)

    def closed(opened: Any) -> bool:
        over = len(stage.events(PlanCompleted, PlanAborted))
        if over < 2 or opened.daemon._world.executor.open_slots:
            return False
        truth = stage.truth()
        return truth.debt == truth.collateral == 0 and truth.idle[idle] <= DUST_USD

    return closed


def _owed_asset(side: str) -> str:
    return "USDC" if side == "long" else "WETH"


def _size(snapshot: Snapshot, side: str) -> float:
    """Return the ether it holds, or owes if it is a short."""
    if side == "long":
        return float(held(snapshot))
    return snapshot.owed.get("WETH", 0) * snapshot.borrow_indexes["WETH"] / RAY / 10**18


def _check_closed(stage: Stage, side: str) -> None:
    truth = stage.truth()
    assert (truth.collateral, truth.debt) == (0, 0)
    assert truth.idle[_owed_asset(side)] <= DUST_USD
    assert stage.events(StepMismatched, ExternalChanged) == []
    assert not any(event.code.startswith("LVD-REC") for event in stage.events(AlertRaised))
    marks = stage.events(PnlRecorded)
    for before, after in pairwise(marks):
        lines = {name: amount for name, amount in after.attribution.items() if name != "gas"}
        assert sum(lines.values()) == after.snapshot.equity - before.snapshot.equity - after.flow
        assert abs(lines["rounding"]) <= 5 * 100 + 10  # a unit of each leg; one of USDC is 100
    assert sum(mark.flow for mark in marks) == marks[0].flow  # nobody brought or took money
    told = marks[-1].snapshot.idle  # priced as it was then: what it is worth moves on
    assert {symbol: told.get(symbol, 0) for symbol in truth.raw} == truth.raw


def _gained(stage: Stage) -> int:
    """Return what all lines come to, USD 1e8."""
    return sum(
        amount
        for mark in stage.events(PnlRecorded)
        for name, amount in mark.attribution.items()
        if name != "gas"
    )


def _carried_out(stage: Stage) -> list[str]:
    """Return the purposes of completed plans, in order."""
    purposes = {plan.plan_id: str(plan.purpose) for plan in stage.events(PlanApproved)}
    return [purposes[done.plan_id] for done in stage.events(PlanCompleted)]
