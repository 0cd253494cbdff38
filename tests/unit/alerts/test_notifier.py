"""Alerts reach services, also ones that fail at first, and hold nobody up."""

from __future__ import annotations

import threading

import pytest
from loguru import logger
from tests.unit.alerts.services import Service

from leverd.adapters.apprise_notifier import AppriseNotifier, Policy, targets_of
from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.notifiers import Notifiers
from leverd.adapters.system_clock import SystemClock
from leverd.domain.events import AlertRaised
from leverd.errors import SecretError
from leverd.interfaces.secrets import Secret

ALERT = AlertRaised("eth-loop", "LVD-BRK-001", "the oracle stands still")
NOBODY = "json://127.0.0.1:1/"


@pytest.fixture
def service():
    made = Service()
    yield made
    made.close()


def until(true, seconds=60.0):
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < deadline, "it never came"
        pause.wait(0.02)


def notifier(*urls, **policy):
    made = AppriseNotifier(
        targets_of(Secret("\n".join(urls))), Policy(**{"group_s": 0.0, **policy}), SystemClock()
    )
    made.start()
    return made


def test_an_alert_reaches_the_service_with_its_words(service):
    told = notifier(service.url)
    told.notify(ALERT)
    until(lambda: service.heard)
    (heard,) = service.heard
    assert heard["title"] == "leverd: LVD-BRK-001"
    assert heard["message"] == "LVD-BRK-001 [eth-loop] the oracle stands still"
    assert heard["type"] == "warning"
    told.close()


def test_one_service_that_is_away_keeps_nothing_from_another(service):
    told = notifier(NOBODY, service.url)
    told.notify(ALERT)
    until(lambda: service.heard)
    told.close()


def test_a_service_that_fails_at_first_is_told_again_until_it_takes_it(monkeypatch):
    monkeypatch.setattr("leverd.adapters.apprise_notifier.notifier._PAUSES_S", (0.01, 0.02, 0.03))
    service = Service(refuses=2)
    told = notifier(service.url)
    told.notify(ALERT)
    until(lambda: service.heard)
    assert service.asked == 3
    told.close()
    service.close()


def test_a_service_that_never_takes_it_is_given_up_and_the_next_alert_is_tried(monkeypatch):
    monkeypatch.setattr("leverd.adapters.apprise_notifier.notifier._PAUSES_S", (0.01,))
    service = Service(refuses=2)
    told = notifier(service.url)
    told.notify(ALERT)
    until(lambda: service.asked == 2)
    told.notify(ALERT)
    until(lambda: service.heard)
    assert len(service.heard) == 1
    told.close()
    service.close()


def test_what_waits_is_sent_when_the_daemon_ends(service):
    told = notifier(service.url, group_s=3_600.0)
    told.notify(ALERT)
    told.close(wait_s=60.0)
    assert len(service.heard) == 1


def test_what_waits_for_another_try_is_tried_once_more_when_the_daemon_ends():
    service = Service(refuses=1)
    told = notifier(service.url)
    told.notify(ALERT)
    until(lambda: service.asked == 1)
    told.close(wait_s=60.0)
    assert (service.asked, len(service.heard)) == (2, 1)
    service.close()


def test_telling_costs_a_turn_nothing_while_a_service_hangs(monkeypatch):
    hangs, let_go = threading.Event(), threading.Event()

    def hanging(_self, _message):
        hangs.set()
        return let_go.wait(60.0)

    monkeypatch.setattr("leverd.adapters.apprise_notifier.targets.Target.send", hanging)
    told = notifier(NOBODY)
    told.notify(ALERT)
    assert hangs.wait(60.0)
    for _ in range(1_000):
        told.notify(ALERT)  # returns, or this test never ends
    let_go.set()
    told.close()


def test_the_log_hears_of_it_too(service):
    told, lines = notifier(service.url), []
    sink = logger.add(lines.append, format="{message}")
    Notifiers(LogNotifier(), told).notify(ALERT)
    until(lambda: service.heard)
    logger.remove(sink)
    told.close()
    assert "LVD-BRK-001 [eth-loop] the oracle stands still" in "".join(lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no service is named"),
        ("# nobody\n\n", "no service is named"),
        ("# a remark\nnonsense", "line 2 names no service"),
        ("tgram://", "line 1 names no service"),
    ],
)
def test_targets_that_are_none_are_refused_by_line(text, why):
    with pytest.raises(SecretError, match=why):
        targets_of(Secret(text))


def test_a_token_in_a_url_is_in_no_name_and_in_no_refusal():
    token = "123456789:abcdefg_hijklmnop"
    (target,) = targets_of(Secret(f"tgram://{token}/12315544/"))
    assert token not in repr(target.name)
    assert target.name == "Telegram (line 1)"
    with pytest.raises(SecretError) as refused:
        targets_of(Secret(f"nonsense-{token}"))
    assert token not in str(refused.value)
