"""The records that execution makes of what it saw."""

from __future__ import annotations

from tests.unit.execution.test_slot_moves import attempt

from leverd.domain.events import AlertRaised, PnlRecorded
from leverd.domain.plan_events import StepMismatched
from leverd.execution import accepted, facts, reconcile
from leverd.interfaces.venue import Inclusion


def test_a_mismatch_names_every_leg_that_was_expected_or_found():
    done, alert = facts.mismatched(
        attempt(), {"idle:A": 1, "owed:B": 2}, {"owed:B": 3, "idle:C": 4}
    )

    assert isinstance(done, StepMismatched)
    assert isinstance(alert, AlertRaised)
    assert alert.details == {
        "idle:A": "1 expected, None found",
        "owed:B": "2 expected, 3 found",
        "idle:C": "None expected, 4 found",
    }


def test_an_inclusion_tells_all_that_was_paid():
    found = Inclusion("0xa", 101, "0x1", 60, True, "", 90, 5, 7)
    mined = facts.inclusion_of(attempt(), found)

    assert (found.paid, mined.paid, mined.l1_fee) == (457, 457, 7)


def test_what_steps_earned_adds_up_line_by_line():
    marks = [PnlRecorded("loop", None, {"gas": -3, "price": 5}, 1, 1), attempt()]

    assert facts.summed({"gas": -2}, marks) == {"gas": -5, "price": 5}


def test_the_codes_that_pages_and_runbooks_name_stay_what_they_are():
    codes = (facts.MISMATCHED, facts.LOST, facts.REHEARSAL, accepted.ACCEPTED, facts.SHORT)
    assert codes == tuple(f"LVD-EXE-00{number}" for number in range(1, 6))
    assert (reconcile.UNEXPLAINED, reconcile.LIQUIDATED) == ("LVD-REC-001", "LVD-REC-002")
