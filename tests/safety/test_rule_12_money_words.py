"""Design rule 12: what worth it, cooldown, count, stop and drag mean in money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import TIMING, limits
from tests.worlds import NOON, at_leverage, view

from leverd.domain.decision import SetLeverage
from leverd.domain.plan import PlanCost
from leverd.domain.side import Side
from leverd.domain.view import Portfolio, Record
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.interfaces.agent import Envelope
from leverd.risk.feasibility import Check, Watch, judge
from leverd.risk.gate import Approved, Denied, Reason, review
from leverd.risk.market_facts import facts_of
from leverd.risk.past_moves import worst_fall

TENTH = limits(cost_share_max=Decimal("0.01"))


def boost(**changes):
    seen = view(at_leverage("2"), **changes)
    decision = SetLeverage("agent", Decimal("2.5"), "test")
    plan = planner.plan(decision, seen, terms_of(seen, TENTH, TIMING))
    assert plan is not None
    return plan, seen


@pytest.mark.parametrize(("cost", "worth"), [(100, True), (101, False)])
def test_a_cost_is_worth_it_when_at_most_its_share_of_the_amount_moved(cost, worth):
    plan, seen = boost()
    priced = replace(plan, cost=PlanCost(cost, 0, 0, 10_000))

    verdict = review(priced, seen, TENTH, age_s=0)

    assert isinstance(verdict, Approved) is worth
    assert worth or verdict.reasons == (Reason.COST_SHARE, Reason.PROFIT_TOO_SMALL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"record": Record(last_loss_at=NOON)}, Reason.COOLDOWN),
        ({"portfolio": Portfolio(trades_today=20)}, Reason.TRADES_DAY),
    ],
)
def test_cooldowns_and_counts_hold_back_added_risk_only(changes, reason):
    plan, seen = boost(**changes)
    verdict = review(plan, seen, TENTH, age_s=0)
    assert isinstance(verdict, Denied)
    assert verdict.reasons == (reason,)

    lowered = view(at_leverage("3"), **changes)
    decision = SetLeverage("agent", Decimal(2), "test")
    down = planner.plan(decision, lowered, terms_of(lowered, TENTH, TIMING))
    assert down is not None
    assert isinstance(review(down, lowered, TENTH, age_s=0), Approved)


def banded(low, high, under):
    wish = Envelope(Decimal("2.5"), Decimal(low), Decimal(high), Decimal(0), 0)
    facts = replace(facts_of(view()), gas_usd=Decimal("1.35"))
    findings = judge(wish, under, facts, Watch(60, 36, None), Decimal("1.2"))
    return next(finding for finding in findings.all if finding.check is Check.DRAG)


def test_a_band_is_refused_when_its_expected_drag_is_above_drag_max():
    strict = limits(drag_max=Decimal("0.03"))

    narrow, wide = banded("2.4", "2.6", strict), banded("2.2", "2.8", strict)

    assert not narrow.passes
    assert "boost_below" in narrow.nearest
    assert wide.passes


def test_the_gap_is_the_owners_or_else_the_worst_on_record_over_look_and_delay():
    assert Watch(60, 36, Decimal("0.12")).move(Side.LONG) == Decimal("0.12")
    assert Watch(264, 36, None).move(Side.LONG) == worst_fall(300) == Decimal("0.1425")
