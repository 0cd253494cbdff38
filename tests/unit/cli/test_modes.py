"""Real money is meant twice, and a fork says of what."""

from __future__ import annotations

import pytest
from tests.unit.settings.owner_file import SHIPPED, load, problems

from leverd.adapters.sql_journal import SqlJournal, acquire_lock, lock_path
from leverd.adapters.sql_journal.aside import put_aside
from leverd.adapters.system_clock import SystemClock
from leverd.cli import typed
from leverd.cli.modes import Fork, check
from leverd.errors import JournalLockedError, OwnerError, SettingsError


def settings(mode: str, *, real_money: bool = False):
    return load(SHIPPED).model_copy(update={"mode": mode, "real_money": real_money})


def test_live_wants_the_word_of_file_and_command():
    check(settings("live", real_money=True), "live", Fork())
    with pytest.raises(SettingsError, match="do not say that you mean it"):
        check(settings("live"), "live", Fork())
    with pytest.raises(OwnerError, match="not begun by a file alone"):
        check(settings("live", real_money=True), "", Fork())


@pytest.mark.parametrize("mode", ["devnet", "fork"])
def test_no_other_mode_asks_for_it(mode):
    check(settings(mode), "", Fork())


@pytest.mark.parametrize("fork", [Fork(rpc="http://x"), Fork(speed=2.0), Fork(deposit="1")])
def test_only_a_fork_is_told_how(fork):
    check(settings("fork"), "fork", fork)
    with pytest.raises(OwnerError, match="are for a fork"):
        check(settings("devnet"), "", fork)


@pytest.mark.parametrize("text", ["0", "-1", "lots", "NaN", "Infinity", ""])
def test_a_deposit_is_a_number_above_zero(text):
    assert typed.above_zero("1_000.5", "--deposit") == 1000.5
    with pytest.raises(OwnerError, match="is no amount"):
        typed.above_zero(text, "--deposit")


async def test_a_journal_is_put_aside_whole_each_time_and_never_under_a_daemon(tmp_path):
    path = tmp_path / "journal.db"
    assert put_aside(path) is None
    for number in (1, 2):
        SqlJournal(path, SystemClock()).close()
        folder = put_aside(path)
        assert folder == tmp_path / f"journal.db.earlier-{number}"
        assert (folder / "journal.db").exists()
        assert not path.exists()
    with acquire_lock(lock_path(path)), pytest.raises(JournalLockedError):
        put_aside(path)


def test_the_environment_cannot_mean_real_money():
    found = problems(SHIPPED, env={"LEVERD__REAL_MONEY": "true"})
    assert [each.message for each in found] == ["real money is not meant by the environment"]
