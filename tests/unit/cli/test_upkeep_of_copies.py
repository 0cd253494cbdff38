"""What an owner does with a journal, on its file and on its copy: each command, both places."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from sqlalchemy import text
from tests.journal_events import decision
from tests.unit.cli.test_upkeep import lose

from leverd.adapters.sql_journal import Server, doors
from leverd.domain.events import AlertRaised

DAY = 86_400
SINCE = 1_700_006_400


@pytest.fixture
def url(owner, cluster):
    """Return where the copy of a journal of thirty days is."""
    owner.with_history()
    journal = owner.open_journal()
    for day in range(30):
        told = AlertRaised("eth-loop", "LVD-X", f"day {day}")
        journal.append_now(told, decision(day + 2), chain_at=SINCE + day * DAY)
    journal.close()
    made = cluster.database()
    owner.edit("  copy_to:  ", f"  copy_to: {made}")
    assert owner("db", "copy").code == 0
    return made


def test_both_are_verified_exported_and_backed_up_alike(owner, url):
    here = owner("db", "verify", "--json").data
    there = owner("db", "verify", "--copy", "--json").data
    assert here.pop("journal").endswith("journal.db")
    assert there.pop("journal") == Server(url).name
    assert here == there == {"entries": 66, "last_seq": 66}
    assert owner("db", "export").out == owner("db", "export", "--copy").out
    assert owner("db", "export", "out.jsonl", "--copy", "--json").data["entries"] == 66
    lines = (owner.folder / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 67))
    for name, arguments in (("file.db", ()), ("copy.db", ("--copy",))):
        assert owner("db", "backup", name, *arguments).code == 0
        assert owner("db", "verify", "--journal", name, "--json").data["entries"] == 66
        assert owner("db", "backup", name, *arguments).code == 1, "never over what is there"
    for source in ("copy.db", "file.db", "copy"):
        lose(owner.journal)
        assert owner("db", "restore", source, "--json").data["last_seq"] == 66


def test_pruning_the_file_leaves_the_copy_its_years(owner, url):
    pruned = owner("db", "prune", "--keep-days", "5", "--json").data
    assert pruned["dropped"] > 20
    assert owner("db", "copy", "--json").data["shipped"] == 1, "that it was pruned"
    assert owner("db", "verify", "--json").data["entries"] == 67 - pruned["dropped"]
    assert owner("db", "verify", "--copy", "--json").data["entries"] == 67
    assert len(owner("db", "export", "--copy").out.splitlines()) == 67
    assert owner("db", "backup", "whole.db", "--copy", "--json").data["entries"] == 67


@pytest.mark.parametrize("harm", ["body = '{}'", "seq = 1000", "digest = ''"])
def test_a_damaged_copy_is_exit_5_and_nothing_is_made_of_it(owner, url, harm):
    with closing(doors.writing(Server(url))) as door, door.begin() as connection:
        connection.execute(text(f"UPDATE events SET {harm} WHERE seq = 40"))
    for arguments in (("verify",), ("export", "out.jsonl"), ("backup", "b.db")):
        assert owner("db", *arguments, "--copy").code == 5, arguments
    assert not (owner.folder / "b.db").exists()
    assert owner("db", "verify").code == 0, "the file is what it was"
    lose(owner.journal)
    assert owner("db", "restore", "copy").code == 5
    assert not owner.journal.exists()


def test_without_a_copy_or_with_its_server_away_each_says_so(owner):
    owner.with_history()
    for arguments in (("verify",), ("export",), ("backup", "b.db")):
        assert "LVD-OWN-112" in owner("db", *arguments, "--copy").err
    owner.edit("  copy_to:  ", "  copy_to: postgresql://leverd@127.0.0.1:1/x")
    for arguments in (("verify",), ("export",), ("backup", "b.db")):
        answer = owner("db", *arguments, "--copy")
        assert (answer.code, "LVD-NET-050" in answer.err) == (3, True)
    assert not (owner.folder / "b.db").exists()
