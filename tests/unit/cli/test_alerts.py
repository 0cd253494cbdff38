"""leverd alerts test: somebody hears of it, or the owner learns that nobody does."""

from __future__ import annotations

import pytest
from tests.unit.alerts.services import Service

HEAD = "# alerts:                          # to phones"


@pytest.fixture
def service():
    made = Service()
    yield made
    made.close()


def name(owner, *urls, mode=0o600):
    file = owner.folder / "alerts.urls"
    file.write_text("\n".join(urls))
    file.chmod(mode)
    owner.edit(HEAD, f"alerts: {{to: {{file: {file}}}}}\n{HEAD}")


def test_each_service_gets_one_message_that_says_it_is_a_test(owner, service):
    name(owner, "# mine", service.url)
    answer = owner("alerts", "test")
    assert answer.code == 0
    assert "JSON (line 2): took it" in answer.out
    (heard,) = service.heard
    assert heard["title"] == "leverd: a test"
    assert "eth-loop" in heard["message"]


def test_a_service_that_does_not_take_it_is_named_and_a_failure(owner, service):
    name(owner, "json://127.0.0.1:1/", service.url)
    answer = owner("alerts", "test")
    assert answer.code == 3
    assert "LVD-NET-051" in answer.err
    assert "JSON (line 1)" in answer.err
    assert len(service.heard) == 1


def test_for_programs_there_is_one_answer_whoever_failed(owner, service):
    name(owner, "json://127.0.0.1:1/", service.url)
    answer = owner("alerts", "test", "--json")
    assert (answer.code, answer.err) == (3, "")
    assert list(answer.data.values()) == [False, True]


def test_a_file_that_others_may_read_is_refused(owner, service):
    name(owner, service.url, mode=0o644)
    answer = owner("alerts", "test")
    assert answer.code != 0
    assert "LVD-KEY" in answer.err
    assert service.asked == 0


def test_without_anybody_in_the_settings_it_says_how_to_name_one(owner):
    answer = owner("alerts", "test")
    assert "LVD-OWN-114" in answer.err
    assert "one Apprise URL a line" in answer.err


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("{to: {}}", "needs exactly one of file, credential, environment, aws, command"),
        (
            "{to: {file: a, environment: B}}",
            "needs exactly one of file, credential, environment, aws, command",
        ),
        ("{to: {file: a}, codes: {BRK: never}}", "BRK is no code"),
        ("{to: {file: a}, least: loud}", "'loud' is no choice here"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(owner, section, why):
    owner.edit(HEAD, f"alerts: {section}\n{HEAD}")
    answer = owner("alerts", "test")
    assert answer.code == 2
    assert why in answer.err
