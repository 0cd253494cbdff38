"""Design rule 2: adding risk needs a fresh view and agreeing sources; lowering needs neither."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import TIMING, limits
from tests.worlds import at_leverage, view

from leverd.domain.decision import SetLeverage
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk.gate import Approved, Denied, Reason, review

TWO_SOURCES = limits(sources_min=2, view_age_s_max=30)


def judged(start, target, *, age, sources):
    seen = view(at_leverage(start), sources_agree=sources)
    terms = terms_of(seen, TWO_SOURCES, TIMING)
    plan = planner.plan(SetLeverage("agent", Decimal(target), "test"), seen, terms)
    assert plan is not None
    return review(plan, seen, TWO_SOURCES, age_s=age)


@pytest.mark.parametrize(
    ("age", "sources", "reasons"),
    [
        (31, 2, (Reason.STALE_VIEW,)),
        (0, 1, (Reason.TOO_FEW_SOURCES,)),
        (31, 1, (Reason.STALE_VIEW, Reason.TOO_FEW_SOURCES)),
    ],
)
def test_added_risk_on_old_or_lonely_news_is_denied(age, sources, reasons):
    verdict = judged("2", "2.5", age=age, sources=sources)

    assert isinstance(verdict, Denied)
    assert verdict.reasons == reasons


def test_added_risk_on_fresh_news_that_two_sources_share_is_approved():
    assert isinstance(judged("2", "2.5", age=30, sources=2), Approved)


@pytest.mark.parametrize(("age", "sources"), [(31, 2), (0, 1), (100_000, 1)])
def test_lower_risk_needs_one_consistent_source_only(age, sources):
    assert isinstance(judged("3", "2", age=age, sources=sources), Approved)


def test_parts_of_different_times_are_no_view_to_add_risk_on():
    seen = view(at_leverage("2"), sources_agree=2)
    terms = terms_of(seen, TWO_SOURCES, TIMING)
    plan = planner.plan(SetLeverage("agent", Decimal("2.5"), "test"), seen, terms)
    assert plan is not None
    torn = replace(seen, state=replace(seen.state, at=seen.now + 31))

    verdict = review(plan, torn, TWO_SOURCES, age_s=0)

    assert isinstance(verdict, Denied)
    assert Reason.STALE_VIEW in verdict.reasons
