"""An account that knows another market only closes, and so that is what is planned."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.limits import TIMING, limits
from tests.unit.engine.daemons import GUARD as GUARDED
from tests.unit.engine.daemons import Stage
from tests.unit.engine.test_daemon import fall
from tests.worlds import WETH, view

from leverd.adapters.simulated import markets
from leverd.agents.guardian import Guardian
from leverd.cli.step_words import plan_words
from leverd.domain.decision import SetLeverage, Unwind
from leverd.domain.events import AlertRaised
from leverd.domain.plan import StepKind, Withdraw
from leverd.domain.plan_events import PlanCompleted, StepMismatched
from leverd.engine import planner
from leverd.engine.turn import Seat, terms_of, turn
from leverd.engine.watchman import ONLY_CLOSE
from leverd.risk.gate import Approved
from leverd.risk.only_close import only_close

GUARD = (Seat(Guardian(GUARDED), guards=True),)
ACCOUNT = worlds.mandate().account


def upgraded(of, **changes):
    return view(of, closes_only=True, venue_trusted=False, **changes)


def asked(seen):
    return turn(seen, GUARD, limits(), TIMING, age_s=0)


def kinds(made):
    return [] if made is None else [step.kind for step in made.steps]


@pytest.mark.parametrize("idle", [0, 6])
@pytest.mark.parametrize("idle_debt", [0, 5_000])
def test_an_urgent_lowering_closes_whatever_lies_idle(idle, idle_debt):
    of = worlds.state(posted=25, idle=idle, idle_debt=idle_debt, debt=53_500)
    found = asked(upgraded(of))
    assert kinds(found.plan) == [StepKind.CLOSE]
    assert isinstance(found.verdict, Approved)


def test_a_market_as_it_was_known_is_lowered_in():
    """The liveness twin."""
    of = worlds.state(posted=25, debt=53_500)
    assert kinds(asked(view(of)).plan) == [StepKind.LOWER]
    assert only_close(view(of)) == ""


def test_what_can_wait_waits_and_an_unwind_closes():
    seen = upgraded(worlds.state(posted=25, idle=1, debt=45_000))
    terms = terms_of(seen, limits(), TIMING)
    assert planner.plan(SetLeverage("loop", Decimal("1.5"), "drift"), seen, terms) is None
    assert planner.tidy(seen, terms) is None
    assert kinds(planner.plan(Unwind("owner", "asked"), seen, terms)) == [StepKind.CLOSE]


def test_where_the_pool_cannot_give_the_debt_nothing_else_is_tried():
    thin = worlds.state(posted=25, debt=45_000).with_pool(worlds.pool(3000, depth=10**15))
    seen = upgraded(thin)
    made = planner.plan(Unwind("owner", "asked"), seen, terms_of(seen, limits(), TIMING))
    assert made is None


def test_what_is_posted_without_debt_is_taken_out_by_a_close_and_then_the_idle_is_sold():
    seen = upgraded(worlds.state(posted=5))
    terms = terms_of(seen, limits(), TIMING)
    made = planner.plan(Unwind("owner", "asked"), seen, terms)
    (step,) = made.steps
    assert (step.kind, [type(action) for action in step.actions]) == (StepKind.CLOSE, [Withdraw])
    assert plan_words(made)[0] == "transaction 1, whole or not at all:"
    short = seen.state.market.reserves[WETH]
    market = replace(
        seen.state.market,
        reserves={**seen.state.market.reserves, WETH: replace(short, available=1)},
    )
    lent_out = replace(seen, state=replace(seen.state, lending={"aave": market}))
    assert planner.plan(Unwind("owner", "asked"), lent_out, terms) is None
    rest = planner.plan(Unwind("owner", "asked"), upgraded(worlds.state(idle_debt=900)), terms)
    assert kinds(rest) == [StepKind.SINGLE]


async def test_a_price_that_falls_after_an_upgrade_ends_without_debt_and_is_said_once():
    stage = Stage(worlds.state(posted=25, debt=45_000), market=fall("0.25", 30))
    stage.chain.change(markets.upgraded(ACCOUNT))
    stage.chain.mine()
    await stage.live(60)
    assert not stage.owes
    assert stage.told.codes.count(ONLY_CLOSE) == 1
    assert stage.events(StepMismatched) == []
    assert len(stage.events(PlanCompleted)) == 1
    assert "LVD-EXE-003" not in [event.code for event in stage.events(AlertRaised)]


async def test_the_simulated_account_refuses_everything_but_a_close():
    stage = Stage(worlds.state(posted=25, debt=53_500))
    stage.chain.change(markets.upgraded(ACCOUNT))
    stage.chain.mine()
    seen = (await stage.venue.observe([worlds.mandate()])).positions["loop"]
    assert (seen.trusted, seen.closes_only) == (False, True)
    made = asked(view(worlds.state(posted=25, debt=53_500))).plan
    with pytest.raises(Exception, match="another revision"):
        await stage.venue.rehearse(worlds.mandate(), made.steps[0], 0, 2**40)
