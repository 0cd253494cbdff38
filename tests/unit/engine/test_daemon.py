from decimal import Decimal

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain import loans
from leverd.domain.events import (
    DaemonStarted,
    DaemonStopped,
    DecisionTaken,
    ExternalChanged,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
)
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepMismatched, StepVerified
from leverd.domain.valuation import equity
from leverd.engine.memory_guard import MemoryGuard
from leverd.errors import DiskFullError
from leverd.interfaces.requests import RequestKind


def fall(share, blocks):
    """Return a market that falls by `share` over `blocks`, oracle and pool together."""
    left = [blocks]

    def each_block(chain):
        if left[0] > 0:
            left[0] -= 1
            price = Decimal(3000) * (1 - Decimal(share) * (blocks - left[0]) / blocks)
            asset = worlds.WETH
            chain.change(markets.priced(asset, price), markets.traded("weth-usdc", asset, price))

    return each_block


async def test_it_adopts_opens_and_holds_and_every_cent_is_attributed():
    stage = Stage()
    assert await stage.live(12) == "asked to stop"
    assert abs(stage.leverage - Decimal("2.5")) < Decimal("1e-4")
    assert len(stage.events(PositionAdopted)) == 1
    assert [plan.purpose for plan in stage.events(PlanApproved)] == [Purpose.OPEN]
    assert len(stage.events(StepVerified)) == len(stage.events(PlanCompleted)) == 1
    assert stage.events(StepMismatched) == []
    marks = stage.events(PnlRecorded)
    paid = sum(sum(mark.attribution.values()) for mark in marks)
    gas = sum(mark.attribution["gas"] for mark in marks)
    assert equity(stage.state) - 30_000 * 10**8 == pytest.approx(paid - gas, abs=10**6)
    assert gas < 0


async def test_a_restart_knows_what_is_there_and_does_nothing_twice():
    stage = Stage()
    await stage.live(12)
    await stage.live(6)
    assert len(stage.events(DaemonStarted)) == 2
    assert len(stage.events(PositionAdopted)) == len(stage.events(PlanCompleted)) == 1


async def test_stopping_says_what_is_left_unguarded():
    stage = Stage()
    await stage.live(12)
    (stopped,) = stage.events(DaemonStopped)
    assert "leverd unwind loop" in stopped.unguarded[0]
    empty = Stage(worlds.state())
    await empty.live(2)
    assert empty.events(DaemonStopped)[0].unguarded == ()


async def test_a_crash_is_ridden_by_deleveraging_and_never_liquidated():
    stage = Stage(market=fall("0.45", 400), position_usd_max=Decimal(10**6))
    await stage.live(260)
    purposes = {plan.purpose for plan in stage.events(PlanApproved)}
    assert purposes & {Purpose.DELEVERAGE, Purpose.REDUCE}
    lowest = min(snap.snapshot.health for snap in stage.events(PnlRecorded))
    assert lowest > WAD
    state = stage.state
    assert loans.summarise(state.market, state.position.loan, state.at).health > WAD
    assert all(change.explained for change in stage.events(ExternalChanged))


async def test_an_unwind_asked_for_goes_to_zero_debt_and_stays_there():
    stage = Stage(cooldown_after_loss_s=0)
    await stage.live(12)
    stage.requests.put(RequestKind.UNWIND, "", "cli")
    await stage.live(12)
    assert not stage.owes
    await stage.live(8)
    assert not stage.owes, "no reopening before resume"
    stage.requests.put(RequestKind.RESUME, "", "cli")
    await stage.live(12)
    assert stage.owes


async def test_a_paused_daemon_does_not_open():
    stage = Stage()
    stage.requests.put(RequestKind.PAUSE, "", "cli")
    await stage.live(6)
    assert not stage.owes
    assert stage.requests.pending() == []


async def test_an_outage_is_said_and_waited_out():
    lost = PlannedFaults({"observe": [Fault.UNREACHABLE] * 3})
    stage = Stage(faults=lost)
    await stage.live(16)
    assert stage.told.codes.count("LVD-NET-001") <= 1
    assert abs(stage.leverage - Decimal("2.5")) < Decimal("1e-4")


async def test_a_deposit_is_a_flow_and_is_put_to_work():
    stage = Stage()
    await stage.live(12)
    stage.chain.change(markets.given(worlds.mandate().account, worlds.WETH, 2 * worlds.WETH.unit))
    await stage.live(12)
    assert any(change.cause == "deposit" for change in stage.events(ExternalChanged))
    assert any(mark.flow == 6_000 * 10**8 for mark in stage.events(PnlRecorded))
    assert not stage.state.position.idle.get(worlds.WETH, 0)


async def test_a_deep_enough_fall_stops_the_portfolio_and_unwinds_it():
    stage = Stage(market=fall("0.25", 120), portfolio_stop=Decimal("0.3"))
    await stage.live(120)
    assert len(stage.events(PortfolioStopped)) == 1
    assert not stage.owes


async def test_full_memory_ends_in_order():
    stage = Stage(memory=MemoryGuard(1, 1))
    assert "memory" in await stage.live(50)
    assert len(stage.events(DaemonStopped)) == 1


async def test_a_journal_that_cannot_be_written_ends_the_daemon():
    stage = Stage()

    async def full(*_events, chain_at=0):
        raise DiskFullError("no space", number=5)

    stage.journal.append = full
    with pytest.raises(DiskFullError):
        await stage.live(3)


async def test_after_a_losing_close_no_new_risk_is_taken_for_a_while():
    stage = Stage(cooldown_after_loss_s=7 * 86_400)
    await stage.live(12)
    for kind in (RequestKind.UNWIND, RequestKind.RESUME):
        stage.requests.put(kind, "", "cli")
        await stage.live(12)
    assert not stage.owes


async def test_every_turn_that_ends_is_a_beat():
    stage = Stage()
    await stage.live(5)
    assert len(stage.beats) == 5


async def test_an_alert_is_told_once_for_each_spell():
    stage = Stage(market=fall("0.10", 60))
    await stage.live(60)
    assert stage.told.codes.count("LVD-GRD-001") <= 2
    assert stage.events(DecisionTaken)
