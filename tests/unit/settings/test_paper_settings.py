"""Mode paper: no key, no account, a purse of its own; and every mistake in it with its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.settings.owner_file import SHIPPED, load, problems, write

from leverd.settings import exact_yaml, starter

PAPER = "mode: paper\npaper: {deposit: 10, gas: 1}\n"
KEY = "key:                               # a throw-away key, made with the devnet\n"


def overlaid(folder, text):
    file = folder / "paper.yaml"
    file.write_text(text)
    return file


def found(folder, text, *edits):
    return [(each.number, ".".join(each.path), each.remedy)
            for each in problems(write(folder, *edits), overlaid(folder, text))]  # fmt: skip


def test_the_shipped_paper_settings_are_right_and_the_starter_is_the_same():
    shipped = Path("config/paper.yaml")
    settings = load(shipped)
    assert (settings.mode, settings.journal.path) == ("paper", "var/paper/journal.db")
    assert settings.key.model_dump(exclude_none=True) == {}
    assert starter("paper") == shipped.read_text(encoding="utf-8")


def test_paper_says_what_it_begins_with(tmp_path):
    text = "mode: paper\npaper: {deposit: 10.5, deposits: {eth-loop: 3}, gas: 0.25}\n"
    section = load(write(tmp_path), overlaid(tmp_path, text)).paper
    assert (section.deposit, section.gas) == (Decimal("10.5"), Decimal("0.25"))
    assert (section.deposits, section.inclusion_blocks) == ({"eth-loop": 3}, 2)


def test_it_needs_no_key_and_does_not_mind_one(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    before, after = text.split("key:   ", 1)
    keyless = tmp_path / "keyless.yaml"
    keyless.write_text(before + after[after.index("positions:") :])
    assert [each.path for each in problems(keyless)] == [("key",)]
    assert problems(keyless, overlaid(tmp_path, PAPER)) == ()
    assert problems(SHIPPED, overlaid(tmp_path, PAPER)) == ()
    kept = tmp_path / "kept.yaml"
    kept.write_text(exact_yaml(load(keyless, overlaid(tmp_path, PAPER))))
    assert load(kept) == load(keyless, overlaid(tmp_path, PAPER))


def test_the_account_is_not_looked_at(tmp_path):
    elsewhere = PAPER + "chain: {devnet: null, id: 1, rpc: [http://127.0.0.1:1], profile: ethereum}"
    others = [each for each in found(tmp_path, elsewhere) if "account" in each[1]]
    assert others == []
    live = [each.path for each in problems(write(tmp_path), overlaid(
        tmp_path, elsewhere.replace("paper\n", "live\n", 1)))]  # fmt: skip
    assert ("positions", "eth-loop", "account") in live


def test_without_a_deposit_there_is_nothing_to_begin_with(tmp_path):
    ((number, path, remedy),) = found(tmp_path, "mode: paper\n")
    assert (number, path) == (3, "paper")
    assert "deposit: 10" in remedy


@pytest.mark.parametrize(
    ("section", "number", "path", "says"),
    [
        ("{deposit: 0, gas: 1}", 4, "paper.deposit", ""),
        ("{deposit: ten, gas: 1}", 4, "paper.deposit", ""),
        ("{deposit: 10}", 3, "paper.gas", ""),
        ("{deposti: 10, gas: 1}", 2, "paper.deposti", "deposit"),
        ("{deposit: 10, gas: 1, inclusion_blocks: 0}", 4, "paper.inclusion_blocks", ""),
        ("{deposit: 10, gas: 1, deposits: {eth-lop: 5}}", 8, "paper.deposits.eth-lop", "eth-loop"),
    ],
)
def test_each_mistake_is_named_by_its_place(tmp_path, section, number, path, says):
    ((seen, where, remedy),) = found(tmp_path, f"mode: paper\npaper: {section}\n")
    assert (seen, where) == (number, path)
    assert says in remedy


def test_in_other_modes_the_section_may_stay_in_the_file(tmp_path):
    settings = load(write(tmp_path), overlaid(tmp_path, PAPER), mode="devnet")
    assert (settings.mode, settings.paper.deposit) == ("devnet", 10)
