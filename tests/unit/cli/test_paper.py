"""What an owner is told where mode paper makes a command senseless."""

from __future__ import annotations

import pytest
from tests.unit.settings.owner_file import load

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import chain, places

NOBODY = "0x" + "11" * 20
PAPER = "mode: paper\npaper: {deposit: 10, gas: 1}\n"


@pytest.fixture
def paper(owner):
    (owner.folder / "paper.yaml").write_text(PAPER)

    def type_(*arguments):
        return owner(*arguments, "-c", "config/settings.yaml", "-c", "paper.yaml")

    return type_


@pytest.mark.parametrize(
    "command",
    [
        ("show",), ("adopt", NOBODY), ("deposit", "1", "WETH"), ("withdraw", "1", "WETH"),
        ("sweep",), ("revoke",), ("appoint", NOBODY), ("bounds",), ("deploy",),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_there_is_no_account_to_speak_of(paper, command):
    answer = paper("account", *command)
    assert (answer.code, answer.out) == (1, "")
    assert "LVD-OWN-095" in answer.err
    assert "leverd status" in answer.err


def test_there_is_nothing_to_rehearse_with(paper):
    answer = paper("plan", "--rehearse")
    assert (answer.code, "LVD-OWN-096" in answer.err) == (1, True)
    assert "--mode fork" in answer.err


def test_the_doctor_looks_for_no_key(paper):
    checks = {each["code"]: each for each in paper("doctor", "--json").data}
    assert (checks["key"]["status"], checks["key"]["message"]) == (
        "good",
        "none is read: on paper nothing is signed",
    )


def test_a_file_to_begin_with_is_written(owner):
    assert owner("config", "new", "mine.yaml", "--mode", "paper").code == 0
    assert owner("config", "check", "--form-only", "-c", "mine.yaml").code == 0
    refused = owner("config", "new", "other.yaml", "--mode", "fork")
    assert (refused.code, "devnet, paper or live" in refused.err) == (1, True)


def test_a_typo_in_it_is_answered_with_its_line(owner):
    owner("config", "new", "mine.yaml", "--mode", "paper")
    file = owner.folder / "mine.yaml"
    file.write_text(file.read_text().replace("inclusion_blocks", "inclusion_block"))
    answer = owner("config", "check", "-c", "mine.yaml")
    assert answer.code == 2
    assert "Did you mean 'inclusion_blocks'?" in answer.err


def test_no_chain_that_signs_is_opened_in_mode_paper(owner):
    (owner.folder / "paper.yaml").write_text(PAPER)
    settings = load(owner.settings, owner.folder / "paper.yaml")
    nowhere = places.Places(1, (), "ethereum", None, {}, {}, {}, (), "", "", 1.0)
    with pytest.raises(AssertionError, match="nothing is signed"):
        chain.open_chain(settings, nowhere, None, SystemClock())
