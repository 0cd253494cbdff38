"""A breaker leaves a failing dependency alone, and finds out when it is back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leverd.interfaces.breaker import Breaker, Circuit


def broken(at: float = 0.0) -> Breaker:
    breaker = Breaker(failures_max=3, wait_s_first=5, wait_s_max=300)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_it_stays_closed_below_its_count_of_failures_in_a_row():
    breaker = Breaker(failures_max=3)
    for _ in range(10):
        breaker.failed(0)
        breaker.failed(0)
        breaker.succeeded()
    assert breaker.circuit(0) is Circuit.CLOSED
    assert breaker.admits(0)


def test_it_opens_then_admits_one_trial_then_closes_on_success():
    breaker = broken()
    assert not breaker.admits(4.9)
    assert breaker.circuit(5) is Circuit.HALF_OPEN
    assert breaker.admits(5)
    assert not breaker.admits(5)
    breaker.succeeded()
    assert breaker.admits(5)
    assert breaker.admits(5)


def test_a_trial_that_never_reports_does_not_close_the_door_for_good():
    breaker = broken()
    assert breaker.admits(5)
    assert not breaker.admits(9)
    assert breaker.admits(11)


def test_each_failed_trial_doubles_the_wait_up_to_its_longest():
    breaker, now, waits = broken(), 0.0, []
    for _ in range(9):
        begun = now
        while not breaker.admits(now):
            now += 0.5
        waits.append(now - begun)
        breaker.failed(now)
    assert waits[:4] == [5, 10, 20, 40]
    assert max(waits) == 300


def test_probes_pass_an_open_breaker_and_their_success_closes_it():
    breaker = broken()
    assert not breaker.admits(1)
    assert breaker.admits(1, probe=True)
    breaker.succeeded()
    assert breaker.admits(1)


def test_failed_probes_do_not_push_the_trial_further_away():
    breaker = broken()
    for at in (1.0, 2.0, 3.0, 4.0):
        assert breaker.admits(at, probe=True)
        breaker.failed(at)
    assert breaker.admits(5)


def test_a_pause_that_was_asked_for_is_kept_then_one_trial_passes():
    breaker = Breaker(failures_max=3)
    breaker.rest(30)
    breaker.rest(20)
    assert not breaker.admits(29.9)
    assert breaker.admits(30)
    assert not breaker.admits(30)
    breaker.succeeded()
    assert breaker.circuit(30) is Circuit.CLOSED


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), max_size=60))
def test_it_never_refuses_for_longer_than_its_longest_wait(history):
    breaker, now = Breaker(failures_max=2, wait_s_first=5, wait_s_max=60), 0.0
    for good, pause in history:
        now += pause
        if breaker.admits(now):
            breaker.succeeded() if good else breaker.failed(now)
    assert any(breaker.admits(now + wait) for wait in (0, 61, 122))
