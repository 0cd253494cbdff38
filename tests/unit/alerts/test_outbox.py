"""What becomes one message, what is never said, and how many are too many."""

from __future__ import annotations

import pytest

from leverd.adapters.apprise_notifier.outbox import Outbox, Policy
from leverd.domain.events import AlertRaised
from leverd.domain.severity import Severity, severity_of

BROKEN, FIRED, LIQUIDATED = "LVD-BRK-001", "LVD-ORD-001", "LVD-REC-002"


def box(**policy):
    return Outbox(Policy(**policy))


def alert(code=BROKEN, position="eth-loop", message="the oracle stands still"):
    return AlertRaised(position, code, message)


def test_alerts_close_together_are_one_message_and_the_same_twice_one_line():
    outbox = box()
    assert outbox.take(0.0) is None
    assert outbox.due_at() is None
    for now in (0.0, 3.0, 9.0):
        assert outbox.add(alert(), now)
    outbox.add(alert(LIQUIDATED, "btc-loop", "it was liquidated"), 9.5)
    assert outbox.due_at() == 10.0
    assert outbox.take(9.9) is None
    message = outbox.take(10.0)
    assert message.title == "leverd: LVD-REC-002 and 3 more"
    assert message.severity is Severity.CRITICAL
    assert message.body.splitlines() == [
        "LVD-REC-002 [btc-loop] it was liquidated",
        "LVD-BRK-001 [eth-loop] the oracle stands still (3 times)",
    ]
    assert outbox.take(100.0) is None


def test_one_alert_is_titled_by_its_code():
    outbox = box(group_s=0.0)
    outbox.add(AlertRaised("", "LVD-JRN-020", "salvaged"), 5.0)
    message = outbox.take(5.0)
    assert (message.title, message.body) == ("leverd: LVD-JRN-020", "LVD-JRN-020 salvaged")


@pytest.mark.parametrize(
    ("policy", "heard"),
    [
        ({}, [BROKEN, LIQUIDATED]),
        ({"least": Severity.INFO}, [BROKEN, FIRED, LIQUIDATED]),
        ({"least": Severity.CRITICAL}, [LIQUIDATED]),
        ({"codes": {FIRED: Severity.WARNING}}, [BROKEN, FIRED, LIQUIDATED]),
        ({"codes": {"LVD-BRK": None}}, [LIQUIDATED]),
        ({"codes": {"LVD-BRK": None, BROKEN: Severity.CRITICAL}}, [BROKEN, LIQUIDATED]),
        ({"codes": {"LVD-BR": None}}, [BROKEN, LIQUIDATED]),
    ],
)
def test_the_owner_says_what_matters_and_the_longest_name_counts(policy, heard):
    assert [each for each in (BROKEN, FIRED, LIQUIDATED) if box(**policy).add(alert(each), 0)] == (
        heard
    )


def test_what_is_silenced_is_not_even_counted():
    outbox = box()
    assert not outbox.add(alert(FIRED), 0.0)
    assert outbox.due_at() is None
    assert outbox.flush() is None


def test_beyond_so_many_messages_an_hour_the_rest_waits_and_is_one_message():
    outbox = box(group_s=0.0, hour_max=2)
    for now in (0.0, 60.0):
        outbox.add(alert(), now)
        assert outbox.take(now) is not None
    for now in (61.0, 62.0, 1_800.0):
        outbox.add(alert(), now)
        assert outbox.take(now) is None
    assert outbox.due_at() == 3_600.0
    assert outbox.take(3_599.0) is None
    assert outbox.take(3_600.0).title == "leverd: 3 alerts"


def test_what_is_critical_waits_for_no_hour():
    outbox = box(group_s=0.0, hour_max=1)
    outbox.add(alert(), 0.0)
    assert outbox.take(0.0) is not None
    outbox.add(alert(LIQUIDATED), 1.0)
    assert outbox.take(1.0).severity is Severity.CRITICAL
    outbox.add(alert(), 2.0)
    assert outbox.take(2.0) is None


def test_a_long_message_says_how_much_it_leaves_out():
    outbox = box(group_s=0.0)
    for number in range(50):
        outbox.add(alert(message=f"number {number}"), 0.0)
    lines = outbox.take(0.0).body.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 30 more"


def test_a_storm_while_nothing_may_be_sent_is_counted_and_not_kept():
    outbox = box(group_s=0.0, hour_max=1)
    outbox.add(alert(), 0.0)
    assert outbox.take(0.0) is not None
    for number in range(5_000):
        outbox.add(alert(message=f"number {number}"), 1.0)
    assert len(outbox._waiting) == 1_000
    message = outbox.take(3_600.0)
    assert message.title == "leverd: 5000 alerts"
    assert message.body.splitlines()[-1] == "and 4980 more"
    outbox.add(alert(), 4_000.0)
    assert outbox.take(8_000.0).title == f"leverd: {BROKEN}"


@pytest.mark.parametrize("before", [30, 5_000])
def test_what_is_critical_is_read_first_however_much_waits(before):
    outbox = box(group_s=0.0, hour_max=0) if before > 1_000 else box()
    for number in range(before):
        outbox.add(alert(message=f"number {number}"), 1.0)
    outbox.add(alert(LIQUIDATED, "btc-loop", "it was liquidated"), 1.0)
    outbox.add(alert(message="another one"), 1.0)
    message = outbox.take(20.0)
    assert message.title == f"leverd: LVD-REC-002 and {before + 1} more"
    lines = message.body.splitlines()
    assert lines[0] == "LVD-REC-002 [btc-loop] it was liquidated"
    assert lines[1] == "LVD-BRK-001 [eth-loop] number 0"
    assert lines[-1] == f"and {before + 2 - 20} more"


def test_at_the_end_what_waits_is_said():
    outbox = box()
    outbox.add(alert(), 0.0)
    assert outbox.flush().title == f"leverd: {BROKEN}"


def test_a_liquidation_matters_more_than_an_order():
    assert severity_of(LIQUIDATED) > severity_of(BROKEN) > severity_of(FIRED)
