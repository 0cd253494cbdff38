"""The guardian: when it warns, when it acts, and to where."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError
from tests.worlds import at_leverage, state, view

from leverd.agents.guardian import AGENT, Guardian, Params, triggers
from leverd.domain.decision import Hold, SetLeverage

THRESHOLD = Fraction(83, 100)


def guard(**given):
    return Guardian(Params.model_validate(given))


def test_without_debt_it_holds_and_warns_of_nothing():
    seen = view(state(posted=10))

    assert guard().decide(seen) == Hold("guardian", "nothing is owed")
    assert guard().alert(seen) is None


def test_between_its_triggers_it_warns_and_holds():
    seen = view(at_leverage("2.5"))

    assert guard().alert(seen) == "health 1.3833 is below the alert level 1.5000"
    assert guard().decide(seen) == Hold("guardian", guard().alert(seen))


def test_above_both_it_says_that_all_is_well():
    seen = view(at_leverage("2"))

    assert guard().alert(seen) is None
    assert guard().decide(seen) == Hold("guardian", "health 1.6600 is safe")


def test_below_the_trigger_it_asks_for_the_leverage_of_the_health_it_returns_to():
    decision = guard(deleverage_below="1.2", repay_to="1.3").decide(view(at_leverage("3.5")))

    assert isinstance(decision, SetLeverage)
    assert decision.urgent
    assert decision.target == pytest.approx(Decimal("1.3") / Decimal("0.47"), rel=Decimal("1e-8"))


def test_a_position_without_equity_is_to_have_no_leverage():
    decision = guard().decide(view(state(posted=10, debt=30_001)))

    assert isinstance(decision, SetLeverage)
    assert decision.target == 1


def test_with_nothing_known_triggers_are_the_usual_ones():
    levels = triggers(Params(), THRESHOLD)

    assert (levels.deleverage_below, levels.alert_below, levels.repay_to) == (
        Fraction(6, 5),
        Fraction(3, 2),
        Fraction(13, 10),
    )


def test_with_a_target_it_returns_to_the_targets_own_health():
    levels = triggers(Params(target=Decimal(3)), THRESHOLD)

    assert levels.repay_to == Fraction(1245, 1000)
    assert levels.deleverage_below == 1 + Fraction(245, 1000) * Fraction(3, 4)


def test_what_the_owner_sets_is_kept():
    given = Params(
        alert_below=Decimal("1.3"), deleverage_below=Decimal("1.1"), repay_to=Decimal("1.25")
    )

    levels = triggers(given, THRESHOLD)

    assert (levels.deleverage_below, levels.alert_below, levels.repay_to) == (
        Fraction(11, 10),
        Fraction(13, 10),
        Fraction(5, 4),
    )


def test_a_return_below_the_derived_trigger_gives_way():
    levels = triggers(Params(repay_to=Decimal("1.1")), THRESHOLD)

    assert levels.repay_to == Fraction(13, 10)


def test_an_alert_never_comes_after_the_deleverage():
    levels = triggers(
        Params(deleverage_below=Decimal("1.4"), target=Decimal(3), band_high=Decimal(4)), THRESHOLD
    )

    assert levels.alert_below == levels.deleverage_below


@pytest.mark.parametrize(
    "given",
    [
        {"deleverage_below": "1"},
        {"deleverage_below": "1.3", "alert_below": "1.2"},
        {"deleverage_below": "1.3", "repay_to": "1.3"},
        {"repay_too": "1.3"},
    ],
)
def test_triggers_out_of_order_are_refused(given):
    with pytest.raises(ValidationError):
        guard(**given)


def test_it_promises_silence_above_its_trigger_only():
    promise = guard().quiet(view(at_leverage("2.5")))

    assert promise is not None
    assert promise.health.above == 12 * 10**17
    assert guard().quiet(view(at_leverage("3.5"))) is None


def test_it_only_lowers_risk_and_says_so():
    assert AGENT.envelope(Params()) is None
    assert AGENT.make(Params()).name == AGENT.name
