"""Every action of a journal with its reason, what it did and what it cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import replays, worlds
from tests.journal_events import snapshot
from tests.run_records import GAS, HOUR, Replay, played

from leverd.backtest.report.acts import End, acts_of
from leverd.backtest.report.notes import notes_of
from leverd.domain.events import (
    AlertRaised,
    BreakerTurned,
    CarryTurned,
    DecisionTaken,
    ExternalChanged,
    OrderFired,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
    Resumed,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanDenied,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotIncluded, SlotReorganised

PLAN = PlanApproved("p", "loop", "reduce", "leverage 2.9 is above 2.8", ("lower",), 0, snapshot(5))
WISH = DecisionTaken("loop", "leverage_loop", "set_leverage", "2.5", "too high", snapshot(5))


def attempt(step_text=""):
    return AttemptSigned(
        7, "0xme", "p", "loop", 0, "act", "0xaa", "", 1, 1, 1, 1, step_text=step_text
    )


def included(*, succeeded=True, reason="", block=6):
    return SlotIncluded(7, "0xme", "0xaa", block, "0xb", 1_000, succeeded, reason, 100, 3)


def told(*events):
    replay = Replay()
    replay.write(*events, at=900)
    return acts_of(replay.entries, worlds.mandate())


def test_a_life_of_a_loop_names_what_each_plan_did_and_why():
    record = played()
    acts = acts_of(record.entries, record.mandate)
    assert len(acts) == sum(isinstance(each.event, PlanApproved) for each in record.entries)
    first = acts[0]
    assert (first.purpose, first.agent, first.target) == ("open", "leverage_loop", "2.500000")
    assert first.end is End.DONE
    assert first.reason == "leverage 1.0000 is below 2.2"
    assert [step.split()[0] for step in first.steps] == ["sold", "posted", "borrowed"]
    assert first.before is not None
    assert first.after is not None
    assert first.before.leverage == 1
    assert first.before.health is None
    assert float(first.after.leverage) == pytest.approx(2.5, abs=1e-6)
    assert float(first.after.health) == pytest.approx(0.83 * 2.5 / 1.5, abs=1e-6)
    assert first.gas == GAS * 20 * worlds.GWEI
    assert first.swapped == pytest.approx(1.5 * 29_956.9 * 10**8, rel=1e-2)


def test_the_lines_of_an_act_are_those_of_its_own_block():
    record = played()
    for act in acts_of(record.entries, record.mandate):
        assert act.lines["price"] == act.lines["supply_interest"] == 0
        assert -act.lines["swap_fees"] == pytest.approx(act.swapped * 0.0005, rel=1e-6)
        assert act.lines["gas"] < 0


@pytest.mark.parametrize("slow", [False, True])
def test_the_lines_of_a_replays_act_have_no_weather_in_them(slow):
    closes = replays.prices(600, volatility=1.2, seed=3)
    chain = replace(replays.MODELS.chain, delay_s=60 if slow else 0)
    models = replace(replays.MODELS, chain=chain)
    replayed = replays.replay(replays.history(closes), models=models)
    acts = [act for act in acts_of(replayed.entries, replays.MANDATE) if act.end is End.DONE]
    assert len(acts) > 5
    for act in acts:
        assert act.lines["price"] == act.lines["supply_interest"] == 0
        assert act.lines["borrow_interest"] == 0
        assert act.lines["swap_fees"] < 0


def test_a_reverted_plan_says_what_the_chain_said_and_cost_its_gas():
    (act,) = told(WISH, PLAN, attempt(), included(succeeded=False, reason="too little received"),
                  PlanAborted("p", "loop", 0, "reverted"))  # fmt: skip
    assert act.end is End.REVERTED
    assert act.note == "too little received"
    assert (act.gas, act.mined, act.after) == (300, False, None)
    assert act.steps == ("lower",)  # nothing was done: what was planned
    assert (act.agent, act.at) == ("leverage_loop", 1_000)


def test_a_plan_cut_short_and_one_under_way_are_told_apart():
    (cut,) = told(PLAN, PlanAborted("p", "loop", 0, "its place was taken"))
    assert (cut.end, cut.note, cut.agent) == (End.ABORTED, "its place was taken", "")
    (flying,) = told(PLAN, attempt())
    assert (flying.end, flying.note) == (End.OPEN, "")


def test_gas_of_a_block_that_is_gone_is_not_counted_twice():
    gone = SlotReorganised(7, "0xme", 6, "0xb")
    (act,) = told(PLAN, attempt(), included(), gone, included(block=8))
    assert act.gas == 300
    (act,) = told(PLAN, attempt(), included(), included(block=8))
    assert act.gas == 300
    (act,) = told(PLAN, attempt(), included(), gone)
    assert act.gas == 0


def test_a_step_without_its_text_is_valued_by_the_plans_purpose():
    verified = StepVerified(
        "p", "loop", 0, "0xaa", ({"sold": 10**18, "bought": 3000},), snapshot(6)
    )
    (act,) = told(PLAN, verified)  # a reduce sells collateral: 1 WETH at 3,000
    assert act.swapped == 3000 * 10**8
    assert act.mined
    (act,) = told(replace(PLAN, purpose="boost"), verified)  # which sells USDC
    assert act.swapped == 10**12 * 10**8


def test_a_liquidation_by_others_has_its_loss_and_not_the_weathers():
    after = replace(snapshot(9), supplied={"WETH": 10**19})
    lines = {"price": -5, "liquidation": -700}
    mark = PnlRecorded("loop", after, lines, 1, 1)
    gone = ExternalChanged("loop", "liquidation", {"supplied:WETH": -15 * 10**17}, True, after)
    (act,) = told(gone, mark)
    assert (act.purpose, act.end, act.lines) == ("liquidation", End.OTHERS, {"liquidation": -700})
    assert act.steps == ("supplied -1.500000 WETH",)


def test_what_others_did_and_what_was_found_is_told():
    change = ExternalChanged("loop", "unexplained", {"owed:USDC": 5}, False, snapshot(4))
    adopted, changed = told(PositionAdopted("loop", "0xacc", snapshot(3)), change)
    assert (adopted.purpose, adopted.steps) == ("adopted", ("account 0xacc",))
    assert changed.reason == "nobody can explain it"
    assert changed.before == adopted.after


def test_a_mismatch_is_said():
    (act,) = told(
        PLAN,
        StepMismatched("p", "loop", 0, "0xaa", {}, {}),
        PlanAborted("p", "loop", 0, "mismatch"),
    )
    assert act.note == "it did not do what it should"


def test_other_positions_are_none_of_it():
    assert told(replace(PLAN, position_id="other"), attempt(), included()) == ()


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (
            PlanDenied("p", "loop", "boost", ("too dear", "too soon")),
            "denied",
            "too dear; too soon",
        ),
        (AlertRaised("loop", "LVD-X-1", "look here"), "alert", "LVD-X-1 look here"),
        (OrderFired("loop", "stop_loss", "price 1", True, False, 0, 0, 0), "order", "price 1"),
        (CarryTurned("loop", True, 1), "order", "costs more"),
        (CarryTurned("loop", False, 1), "order", "borne again"),
        (TradingStateChanged("", "reducing", "a breaker", "breaker"), "state", "reducing"),
        (PortfolioStopped("loop", 1, 2), "state", "unwound"),
        (UnwindRequested("", "owner"), "state", "owner"),
        (Resumed("", "owner"), "state", "owner"),
        (BreakerTurned("", "rpc", "half_open", "silence"), "breaker", "half-open"),
    ],
)
def test_what_else_was_said_is_a_note(event, kind, words):
    replay = Replay()
    replay.write(event, PlanDenied("p", "other", "boost", ()), PLAN, at=HOUR)
    (note,) = notes_of(replay.entries, "loop")
    assert (note.kind, note.at) == (kind, HOUR)
    assert words in note.text


def test_a_position_without_equity_has_no_leverage():
    owes = replace(snapshot(6), owed={"USDC": 75_000 * 10**6}, health=5 * 10**17)
    verified = StepVerified("p", "loop", 0, "0xaa", (), owes)
    (act,) = told(PLAN, verified)
    assert act.after is not None
    assert act.after.leverage is None
    assert act.after.health == Decimal("0.5")
