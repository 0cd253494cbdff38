"""The gaps of these schedules are gaps that the feasibility check accepts."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.simulation.draws import drawn
from tests.simulation.settings import (
    FALL,
    FALL_STEPWISE,
    LOOP,
    TRIGGER,
    WATCH,
    beginning,
    mandates,
    signed_off,
)

from leverd.agents.leverage_loop import AGENT
from leverd.risk.feasibility import Check, judge
from leverd.risk.market_facts import facts_of


def findings():
    envelope = AGENT.envelope(LOOP)
    view = worlds.view(beginning(mandates(1)[0], ""))
    return judge(envelope, signed_off(drawn(0)), facts_of(view), WATCH, TRIGGER)


def test_every_finding_passes():
    assert [str(each) for each in findings().all if not each.passes] == []


def test_every_finding_passes_in_single_steps_too():
    limits = signed_off(next(draw for draw in map(drawn, range(100)) if not draw.atomic))
    watch = replace(WATCH, gap=FALL_STEPWISE)
    view = worlds.view(beginning(mandates(1)[0], ""), atomic=False)
    found = judge(AGENT.envelope(LOOP), limits, facts_of(view), watch, TRIGGER)
    assert [str(each) for each in found.all if not each.passes] == []
    assert Check.STEP_GAP in {each.check for each in found.all}


def test_the_gap_is_judged_by_the_fall_that_the_market_may_make():
    gap = next(each for each in findings().all if each.check is Check.GAP)
    assert f"{FALL * 100:.2f} %" in gap.message
