"""What guards alone work by: kept settings, and a guard at every position."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.settings.owner_file import SHIPPED, write

from leverd.adapters.sql_journal.codec import NEWER
from leverd.adapters.sql_journal.migrate import NEWER_TABLES
from leverd.agents.guardian import Guardian
from leverd.bootstrap import guarding, kept_settings
from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.kept_settings import differences, keep, kept, kept_path
from leverd.bootstrap.seating import guards_only, seats_of
from leverd.errors import (
    JournalDamagedError,
    JournalForeignError,
    JournalLockedError,
    SettingsError,
)
from leverd.settings import exact_yaml, journal_path, load_settings


def settings_at(folder, *edits):
    journal = ("path: var/{mode}/journal.db    ", f"path: {folder}/journal.db")
    return load_settings([write(folder, journal, *edits)], {}, find_agents())


def test_kept_settings_are_those_that_ran_to_the_last_digit(tmp_path):
    odd = ("slippage_max: 0.005", "slippage_max: 0.00500000000000000000000000000001")
    settings = settings_at(tmp_path, odd, ("target: 2.5  ", "target: 2.50  "))
    keep(settings)
    again = kept(tmp_path / "journal.db")
    assert again.fingerprint() == settings.fingerprint()
    assert again == settings


def test_an_rpc_s_key_is_kept_too_so_that_the_guard_reaches_it(tmp_path):
    settings = settings_at(tmp_path)
    chain = settings.chain.model_copy(update={"rpc": ("https://node.example/v2/secret",)})
    assert "v2/secret" in exact_yaml(settings.model_copy(update={"chain": chain}))


def test_a_disk_that_does_not_take_them_leaves_the_older_ones(tmp_path, monkeypatch):
    keep(settings_at(tmp_path))
    before = kept_path(tmp_path / "journal.db").read_text()

    def full(*_):
        raise OSError(28, "no space left")

    monkeypatch.setattr(kept_settings, "replace_durably", full)
    keep(settings_at(tmp_path, ("leverage_max: 3  ", "leverage_max: 2.9  ")))
    assert kept_path(tmp_path / "journal.db").read_text() == before
    assert [each.name for each in tmp_path.glob("*.writing")] == []


def test_nothing_kept_is_said(tmp_path):
    with pytest.raises(SettingsError, match="no settings were kept"):
        kept(tmp_path / "journal.db")


def test_what_differs_from_what_last_ran_is_shown_where_that_is_known(tmp_path):
    assert differences(settings_at(tmp_path)) == ()
    keep(settings_at(tmp_path))
    assert differences(settings_at(tmp_path)) == ()
    looser = settings_at(tmp_path, ("leverage_max: 3  ", "leverage_max: 3.1  "))
    assert differences(looser) == ("limits.leverage_max: 3 -> 3.1 (loosens)",)
    kept_path(tmp_path / "journal.db").write_text("{ damaged")
    assert differences(looser) == ()


WHY = SettingsError("a typo", number=2)


def test_the_journal_is_found_in_a_malformed_file_or_as_told(tmp_path):
    settings = settings_at(tmp_path)
    keep(settings)
    broken = write(tmp_path, ("leverage_max:", "leverage_mxa:"), name="broken.yaml")
    text = broken.read_text().replace("var/{mode}/journal.db", f"{tmp_path}/journal.db")
    broken.write_text(text)
    assert guarding.settings_kept([broken], "", None, WHY) == settings
    broken.write_text("{ not yaml")
    with pytest.raises(SettingsError, match="a typo"):
        guarding.settings_kept([broken], "", None, WHY)
    assert guarding.settings_kept([broken], "", tmp_path / "journal.db", WHY) == settings
    with pytest.raises(SettingsError, match="a typo"):
        guarding.settings_kept([broken], "", tmp_path / "other.db", WHY)


def test_a_journal_s_path_is_read_with_its_mode(tmp_path):
    assert journal_path([SHIPPED], {}) == "var/devnet/journal.db"
    assert journal_path([SHIPPED], {}, mode="live") == "var/live/journal.db"
    assert journal_path([SHIPPED], {"LEVERD__JOURNAL__PATH": "elsewhere.db"}) == "elsewhere.db"
    assert journal_path([tmp_path / "none.yaml"], {}) == ""


def test_guards_stay_and_others_go(tmp_path):
    settings = settings_at(tmp_path)
    seats = {"eth-loop": seats_of(settings, "eth-loop")}
    (seat,) = guards_only(settings, seats)["eth-loop"]
    assert seat.guards
    assert seat.agent.params.band_high == Decimal("2.8")


def test_a_position_without_a_guard_gets_one_that_knows_what_the_others_ask_for(tmp_path):
    settings = settings_at(tmp_path, ("      guardian: {} ", "      # none: "))
    seats = {"eth-loop": seats_of(settings, "eth-loop")}
    assert not any(seat.guards for seat in seats["eth-loop"])
    (seat,) = guards_only(settings, seats)["eth-loop"]
    assert seat.guards
    assert isinstance(seat.agent, Guardian)
    assert seat.agent.params.target == Decimal("2.5")


class Runs:
    """Stands in for the daemon's process: meets what is wrong with a journal, then runs."""

    def __init__(self, *troubles):
        self.troubles, self.seen = list(troubles), []

    def __call__(self, settings, start):
        self.seen.append((Path(settings.journal.path), start.guarding))
        if self.troubles:
            raise self.troubles.pop(0)
        return 0


def test_a_journal_of_a_newer_leverd_stays_as_it_is_and_guards_keep_their_own(
    tmp_path, monkeypatch
):
    settings, path = settings_at(tmp_path), tmp_path / "journal.db"
    path.write_bytes(b"whole, but of tomorrow")
    for number in (NEWER, NEWER_TABLES):
        error = JournalDamagedError("of tomorrow", number=number)
        runs = Runs(error)
        monkeypatch.setattr(guarding.service, "run", runs)
        assert guarding.run(settings, WHY, wait_s=1) == 0
        assert runs.seen == [(path, WHY), (path.with_name("journal.db.guarding"), error)]
    assert path.read_bytes() == b"whole, but of tomorrow"


def test_on_paper_nothing_is_guarded_beside_the_journal_that_holds_the_position(
    tmp_path, monkeypatch
):
    settings = settings_at(tmp_path).model_copy(update={"mode": "paper"})
    for number in (NEWER, NEWER_TABLES):
        runs = Runs(JournalDamagedError("of tomorrow", number=number))
        monkeypatch.setattr(guarding.service, "run", runs)
        with pytest.raises(JournalDamagedError, match="of tomorrow"):
            guarding.run(settings, WHY, wait_s=1)
        assert runs.seen == [(tmp_path / "journal.db", WHY)]


def test_a_damaged_journal_is_salvaged_and_guarded_with(tmp_path, monkeypatch):
    settings, path = settings_at(tmp_path), tmp_path / "journal.db"
    path.write_bytes(b"not a journal" * 1000)
    error = JournalDamagedError("damaged", number=1)
    runs = Runs(error)
    monkeypatch.setattr(guarding.service, "run", runs)
    assert guarding.run(settings, WHY, wait_s=1) == 0
    assert runs.seen == [(path, WHY), (path, error)]
    assert len(list(tmp_path.glob("journal.db.damaged-*"))) == 1


@pytest.mark.parametrize(
    "error", [JournalLockedError("held", number=4), JournalForeignError("of another", number=5)]
)
def test_another_s_journal_is_neither_salvaged_nor_guarded_with(tmp_path, monkeypatch, error):
    monkeypatch.setattr(guarding.service, "run", Runs(error))
    with pytest.raises(type(error)):
        guarding.run(settings_at(tmp_path), WHY, wait_s=1)
    assert not guarding.is_broken(error)
