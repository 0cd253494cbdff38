"""A hunt says where it has nothing to try, and leaves what is known of it alone."""

from __future__ import annotations

import json

import pytest
from tests.mutation import __main__ as hunting
from tests.mutation import record
from tests.mutation.hunt import Result
from tests.mutation.trial import Fate


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Keep records elsewhere, and find that every mutant is killed."""

    def hunt(some, told, *, memory, most_s):
        assert some
        assert most_s > 0
        assert memory.parent == record.FOLDER
        for mutant in some:
            told(Result(mutant, Fate.KILLED, "a test", 1))

    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(hunting, "hunt", hunt)
    return tmp_path


def test_a_room_without_such_a_file_is_named_and_its_record_stays(folder, capsys):
    known = json.dumps({"every": 1, "seed": 1}) + "\n"
    (folder / "risk.jsonl").write_text(known)
    assert hunting.main(["domain", "risk", "--only", "fixed_point", "--mutants", "3"]) == 0
    said = capsys.readouterr().out
    assert "risk: nothing to try, no file of it has 'fixed_point' in its path" in said
    assert "room domain, every" in said
    assert "mutants 3, killed 3" in said
    assert (folder / "risk.jsonl").read_text() == known


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "no_such_file"], "execution: nothing to try, no file of it has 'no_such_file'"),
        (["nowhere"], "nowhere: nothing to try, it has no code"),
        (["risk", "--again"], "risk: nothing to try, no mutant of it was ever tried"),
    ],
)
def test_where_nothing_is_found_at_all_it_says_so_and_ends_with_a_code(
    folder, capsys, arguments, said
):
    assert hunting.main(arguments) == hunting.NOTHING
    assert said in capsys.readouterr().out
    assert not list(folder.iterdir())


def test_only_is_of_files_and_not_of_what_is_in_them(folder, capsys):
    assert hunting.main(["domain", "--only", "WAD"]) == hunting.NOTHING
    assert "no file of it has 'WAD'" in capsys.readouterr().out
