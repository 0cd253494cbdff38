"""docs/install.md has the commands that `tests/prove/deployed` takes from it and types."""

from __future__ import annotations

import pytest
from tests.prove.deployed import guide


@pytest.mark.parametrize(
    ("section", "having", "of"),
    [
        ("The program", "uv build --wheel", "$"),
        ("The program", "-o requirements.txt", "$"),
        ("The account", "account deploy", "#"),
        ("Tokens, numbers and alarms", "my browser", "#"),
    ],
)
def test_what_the_proof_types_stands_there_once(section, having, of):
    assert having in guide.the_one(section, having, of=of)


def test_the_key_is_made_by_the_first_three_commands_of_its_section():
    folder, password, new = guide.commands("The key")[:3]
    assert folder == "cd /etc/leverd"
    assert "/dev/stdin operator.password" in password
    assert "keys new operator.json" in new


def test_the_unit_is_checked_and_started_after_systemd_has_read_it():
    typed = [each for each in guide.commands("The unit") if "systemd-run" not in each]
    check, start = typed[typed.index("systemctl daemon-reload") + 1 :]
    assert "config check" in check
    assert "enable --now" in start


def test_lines_that_go_on_are_one_command_and_remarks_are_none():
    typed = guide.the_one("The account", "account deploy")
    assert typed.startswith("systemd-run --pty --wait --collect ")
    assert "0x…" in typed
    assert not any("254" in each for each in guide.commands("The unit"))


def test_a_section_that_is_gone_is_named():
    with pytest.raises(AssertionError, match="no section 'The moon'"):
        guide.commands("The moon")
