"""What a receipt alone explains, and what others must have done beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.unit.execution.stage import LEVERED, Stage

from leverd.domain.events import AlertRaised, ExternalChanged
from leverd.domain.fills import Fill
from leverd.domain.money import Amount
from leverd.domain.plan import Approve, Borrow, SetEMode, Step, StepKind, Supply, Withdraw
from leverd.domain.plan_events import StepAccepted
from leverd.domain.slot_events import AttemptSigned
from leverd.execution.accepted import accepted
from leverd.execution.verify import Proof, fills_out
from leverd.execution.witness import Found, step_done


async def told_of(stage, number=0):
    """Return what the stage's mined transaction did, and the pictures around it."""
    mined = stage.mined()[number]
    (attempt,) = (
        event for event in stage.events(AttemptSigned) if event.tx_hash == mined.sent.tx_hash
    )
    found = Found(attempt, mined.inclusion)
    done = await step_done(stage.venue, worlds.mandate(), found, (found,))
    stamp = (await stage.venue.observe([worlds.mandate()])).stamp
    before, after = (stage.ways.photograph(each, stamp) for each in (done.before, done.after))
    return attempt, replace(done, proof=Proof.PRESENT), before, after


def judged(attempt, done, known, present):
    fact, alert, *others = accepted(worlds.mandate(), attempt, done, known, present)
    assert fact == StepAccepted(
        attempt.plan_id,
        attempt.position_id,
        attempt.step,
        attempt.tx_hash,
        fills_out(done.fills),
        present,
    )
    assert alert.code == "LVD-EXE-004"
    return others


@pytest.mark.parametrize(
    ("state", "target"), [(None, 2), (LEVERED, "1.5"), (LEVERED, 1)], ids=["open", "lower", "close"]
)
@pytest.mark.parametrize("atomic", [True, False])
async def test_what_the_receipt_explains_was_nobody_else(state, target, atomic):
    stage = Stage(state, atomic=atomic)
    await stage.begin(target)
    await stage.settle()
    for number in range(len(stage.mined())):
        assert judged(*await told_of(stage, number)) == []


async def test_a_close_that_does_not_say_how_much_is_explained_too():
    """Receipts of real pools leave out what "everything" came to, and how it was cut up."""
    stage = Stage(LEVERED)
    await stage.begin(1)
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    buy, repay, withdraw = done.fills
    assert isinstance(done.step.actions[2], Withdraw)
    silent = (buy, replace(repay, amount=None), replace(withdraw, amount=None))
    assert judged(attempt, replace(done, fills=silent), before, after) == []
    part = withdraw.amount // 3
    cut_up = (*silent[:2], replace(withdraw, amount=None, before=(part, part)))
    assert judged(attempt, replace(done, fills=cut_up), before, after) == []


async def test_a_part_that_the_receipt_does_not_name_is_the_part_that_was_asked_for():
    stage = Stage(LEVERED)
    await stage.begin("1.5")
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    *others, withdraw = done.fills
    action = done.step.actions[-1]
    assert isinstance(action, Withdraw)
    assert not action.everything
    silent = (*others, replace(withdraw, amount=None))
    assert judged(attempt, replace(done, fills=silent), before, after) == []


@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
async def test_what_a_close_does_not_say_may_be_off_by_one_unit_and_no_more(symbol):
    stage = Stage(LEVERED)
    await stage.begin(1)
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    buy, repay, withdraw = done.fills
    silent = replace(done, fills=(buy, replace(repay, amount=None), replace(withdraw, amount=None)))
    off = [
        delta
        for delta in range(-6, 7)
        if judged(
            attempt,
            silent,
            before,
            replace(after, idle={**after.idle, symbol: after.idle.get(symbol, 0) + delta}),
        )
        == []
    ]
    assert len(off) == 3
    assert 0 in off


async def test_what_only_allows_or_classifies_moves_nothing():
    stage = Stage(LEVERED)
    await stage.begin("1.5")
    await stage.settle()
    attempt, done, before, _ = await told_of(stage)
    actions = (SetEMode("aave", 1), Approve(Amount(worlds.USDC, 5), "aave"))
    step = Step(StepKind.SINGLE, actions, health_min=0)
    quiet = replace(done, step=step, fills=(Fill(worlds.NOON), Fill(worlds.NOON)))
    assert judged(attempt, quiet, before, before) == []


@pytest.mark.parametrize(
    ("part", "symbol", "delta", "cause"),
    [
        ("idle", "USDC", 10**6, "deposit"),
        ("idle", "ARB", 10**18, "reward"),
        ("supplied", "WETH", 10**15, "supply"),
        ("owed", "USDC", -(10**6), "repay"),
        ("owed", "USDC", 10**6, "unexplained"),
        ("supplied", "WETH", -(10**15), "unexplained"),
    ],
)
async def test_what_it_does_not_explain_is_judged_as_always(part, symbol, delta, cause):
    stage = Stage()
    await stage.begin(2)
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    held = {**getattr(after, part)}
    held[symbol] = held.get(symbol, 0) + delta
    fact, *alerts = judged(attempt, done, before, replace(after, **{part: held}))
    assert isinstance(fact, ExternalChanged)
    ((leg, changed),) = fact.changes.items()
    assert (fact.cause, leg) == (cause, f"{part}:{symbol}")
    assert abs(changed - delta) <= (part != "idle"), "a unit may be rounding"
    assert fact.explained is (cause != "unexplained")
    assert [type(alert) for alert in alerts] == [AlertRaised] * (cause == "unexplained")


async def test_a_unit_of_rounding_is_nobodys_act_and_three_are_somebodys():
    stage = Stage()
    await stage.begin(2)
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    assert judged(attempt, done, before, after) == []
    near = {**after.owed, "USDC": after.owed["USDC"] - 1}
    assert judged(attempt, done, before, replace(after, owed=near)) == []
    far = {**after.owed, "USDC": after.owed["USDC"] + 3}
    assert len(judged(attempt, done, before, replace(after, owed=far))) == 2


@pytest.mark.parametrize(("part", "symbol"), [("owed", "USDC"), ("supplied", "WETH")])
async def test_exactly_one_unit_either_way_is_rounding_for_each_action(part, symbol):
    stage = Stage()
    await stage.begin(2)
    await stage.settle()
    attempt, done, before, after = await told_of(stage)
    held = getattr(after, part)
    quiet = [
        delta
        for delta in range(-6, 7)
        if judged(
            attempt, done, before, replace(after, **{part: {**held, symbol: held[symbol] + delta}})
        )
        == []
    ]
    acts = sum(
        isinstance(each, Supply if part == "supplied" else Borrow) for each in done.step.actions
    )
    assert len(quiet) == 2 * acts + 1
    assert 0 in quiet


async def test_without_a_picture_nothing_can_be_compared():
    stage = Stage()
    await stage.begin(2)
    await stage.settle()
    attempt, done, _, after = await told_of(stage)
    assert judged(attempt, done, None, after) == []
