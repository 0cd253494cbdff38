"""New settings between two turns, by a tuner that offers what a test wants."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import limits
from tests.unit.engine.daemons import Stage

from leverd.adapters.simulated.faults import Fault, PlannedFaults
from leverd.domain.events import AlertRaised, SettingsChanged
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted
from leverd.domain.slot_events import AttemptSigned
from leverd.engine.tuning import WITHDRAWN, Refused, Tuned, denies
from leverd.errors import DiskFullError
from leverd.execution.slots import CANCEL
from leverd.risk.gate import Approved, review


class Offers:
    """A tuner that makes an offer at each of some turns."""

    def __init__(self, **at):
        self.at, self.turn, self.settled_with, self.seen = at, 0, [], []

    def offer(self, charter, views):
        self.turn += 1
        self.seen.append(charter)
        make = self.at.get(f"turn_{self.turn}")
        return None if make is None else make(charter)

    def settled(self, offer):
        self.settled_with.append(offer)


def tuned(**bounds):
    def make(charter):
        event = SettingsChanged(charter.settings_hash, "new", ("limits: old -> new",), "signal")
        return Tuned(replace(charter, settings_hash="new", limits=limits(**bounds)), event)

    return make


def refused(_charter):
    return Refused(AlertRaised("", "LVD-CFG-002", "a typo"))


def with_offers(stage, **at):
    stage.tuner = Offers(**at)
    return stage


async def test_new_limits_hold_from_the_next_decision_and_are_journaled_before_it():
    stage = with_offers(Stage(), turn_8=tuned(leverage_max=Decimal("1.5")))
    await stage.live(20)
    kinds = [type(each) for each in stage.events(SettingsChanged, PlanApproved)]
    purposes = [plan.purpose for plan in stage.events(PlanApproved)]
    assert kinds[:3] == [PlanApproved, SettingsChanged, PlanApproved]
    assert purposes[0] == Purpose.OPEN
    assert stage.leverage <= Decimal("1.5")
    assert [each.after for each in stage.events(SettingsChanged)] == ["new"]
    assert [type(offer) for offer in stage.tuner.settled_with] == [Tuned]
    assert {charter.settings_hash for charter in stage.tuner.seen[8:]} == {"new"}


async def test_a_refusal_is_told_and_nothing_changes():
    stage = with_offers(Stage(), turn_4=refused)
    await stage.live(12)
    assert stage.told.codes == ["LVD-CFG-002"]
    assert [each.code for each in stage.events(AlertRaised)] == ["LVD-CFG-002"]
    assert {charter.settings_hash for charter in stage.tuner.seen} == {"0"}
    assert abs(stage.leverage - Decimal("2.5")) < Decimal("1e-4")


async def test_a_risky_plan_in_flight_is_cancelled_when_the_new_limits_deny_it():
    stage = with_offers(Stage(), turn_2=tuned(leverage_max=Decimal("1.2")))
    stage.chain.delay_blocks = 4
    await stage.live(3)  # signed in the first turn, overruled in the second
    (first,) = [each for each in stage.events(PlanApproved) if each.purpose == Purpose.OPEN][:1]
    ends = [each for each in stage.events(PlanAborted) if each.plan_id == first.plan_id]
    assert [each.reason for each in ends] == [WITHDRAWN]
    assert CANCEL in [each.purpose for each in stage.events(AttemptSigned)]
    assert not stage.owes


async def test_a_risky_plan_in_flight_goes_on_when_the_new_limits_allow_it():
    stage = with_offers(Stage(), turn_2=tuned(leverage_max=Decimal("2.9")))
    stage.chain.delay_blocks = 4
    await stage.live(12)
    assert stage.events(PlanAborted) == []
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.owes


async def test_limits_deny_what_raises_risk_and_never_what_lowers_it():
    stage = Stage()
    await stage.live(12)
    seen = []
    stage.tuner = Offers(turn_2=tuned(leverage_max=Decimal("1.5")))
    daemon = stage.daemon()
    start = daemon._world.executor.start

    async def noted(approved, nonce):
        seen.append(approved)
        return await start(approved, nonce)

    daemon._world.executor.start = noted
    await daemon._begin()
    for _ in range(3):
        await daemon._turn()
    (lowering,) = seen[:1]
    assert lowering.lowers
    tightest = limits(leverage_max=Decimal(1), position_usd_max=Decimal(1))
    assert not denies(tightest, lowering)
    again = review(lowering.plan, lowering.view, tightest, age_s=0)
    assert isinstance(again, Approved)


async def test_a_change_that_cannot_be_journaled_does_not_come_into_force():
    stage = with_offers(Stage(), turn_4=tuned(leverage_max=Decimal("1.2")))
    append = stage.journal.append

    async def full(*events, chain_at=0):
        if any(isinstance(each, SettingsChanged) for each in events):
            raise DiskFullError("no space", number=5)
        return await append(*events, chain_at=chain_at)

    stage.journal.append = full
    daemon = stage.daemon()
    await daemon._begin()
    for _ in range(3):
        await daemon._turn()
    with pytest.raises(DiskFullError):
        await daemon._turn()
    assert daemon._charter.settings_hash == "0"
    assert stage.tuner.settled_with == []


async def test_a_sleeping_daemon_can_be_woken():
    stage = Stage()
    daemon = stage.daemon()

    async def deep(_seconds):
        await asyncio.Event().wait()

    stage.clock.sleep = deep
    asyncio.get_running_loop().call_later(0.01, daemon.wake)
    async with asyncio.timeout(60):
        await daemon._sleep(3600, asyncio.Event())


class Heard:
    """A supervisor that remembers."""

    def __init__(self):
        self.said = []

    def __getattr__(self, name):
        return lambda *given, **named: self.said.append((name, *given, *named.values()))


async def test_the_supervisor_hears_of_completed_turns_and_of_the_stop():
    stage = Stage(faults=PlannedFaults({"observe": [Fault.UNREACHABLE] * 2}))
    stage.supervisor = Heard()
    await stage.live(8)
    turns = [each for each in stage.supervisor.said if each[0] == "turned"]
    assert len(turns) == len(stage.beats) == 6, "a turn that failed is no turn"
    assert all(fresh for _, _, fresh in turns)
    assert "loop: leverage 2.5000, health 1.3833, active" in turns[-1][1]
    assert stage.supervisor.said[-1][0] == "stopping"


async def test_a_stop_asks_for_time_while_it_settles():
    stage = Stage()
    stage.supervisor = Heard()
    stage.chain.delay_blocks = 4
    await stage.live(1)
    asked = [each for each in stage.supervisor.said if each[0] == "stopping"]
    assert "settling what is in flight" in asked[0][1]
    assert len(asked) > 2
