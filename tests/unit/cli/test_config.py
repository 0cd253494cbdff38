"""`leverd config`: mistakes are answered before any socket opens."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.settings.owner_file import line_of


def test_a_right_file_passes_without_asking_anybody(owner):
    answer = owner("config", "check", "--form-only")
    assert answer.code == 0
    assert "the form is right" in answer.out


def test_a_typo_is_answered_with_file_line_and_the_nearest_name(owner):
    owner.edit("target: 2.5", "targett: 2.5")
    answer = owner("config", "check")
    assert answer.code == 2
    assert f"config/settings.yaml:{line_of(owner.settings, 'targett')}:" in answer.err
    assert "Did you mean 'target'?" in answer.err
    assert "Traceback" not in answer.err


def test_no_socket_is_made_for_a_file_with_a_mistake(owner):
    owner.edit("target: 2.5", "targett: 2.5")
    code = (
        "import socket, sys\n"
        "def refused(*_, **__): raise AssertionError('a socket was made')\n"
        "socket.socket = socket.create_connection = refused\n"
        "sys.argv = ['leverd', 'config', 'check']\n"
        "from leverd.cli.main import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=owner.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Did you mean 'target'?" in done.stderr
    assert "a socket was made" not in done.stderr


def test_all_mistakes_come_as_data_with_json(owner):
    owner.edit("target: 2.5", "targett: 2.5")
    owner.edit("console: true", "console: 5")
    answer = owner("config", "check", "--json")
    problems = answer.data["error"]["problems"]
    assert answer.code == 2
    assert [each["code"] for each in problems] == ["LVD-CFG-002", "LVD-CFG-004"]
    assert problems[1]["path"] == "logs.console"


def test_what_is_in_force_is_shown_with_overrides(owner, monkeypatch):
    monkeypatch.setenv("LEVERD__ENGINE__LOOK_S_MAX", "33")
    assert "look_s_max: 33" in owner("config", "show").out
    assert owner("config", "show", "--json").data["engine"]["look_s_max"] == 33


def test_several_files_are_merged(owner):
    (owner.folder / "more.yaml").write_text("engine: {look_s_max: 31}\n")
    both = ("-c", "config/settings.yaml", "-c", "more.yaml")
    assert owner("config", "show", "--json", *both).data["engine"]["look_s_max"] == 31


def test_the_schema_is_json_with_the_installed_agents(owner):
    agents = owner("config", "schema").data["$defs"]["PositionSection"]["properties"]["agents"]
    assert {"leverage_loop", "guardian"} <= set(agents["properties"])


@pytest.mark.parametrize(("mode", "code"), [("devnet", 0), ("live", 2)])
def test_a_new_file_is_written_once_and_says_what_is_left_to_fill_in(owner, mode, code):
    assert owner("config", "new", "mine.yaml", "--mode", mode).code == 0
    assert owner("config", "check", "--form-only", "-c", "mine.yaml").code == code
    again = owner("config", "new", "mine.yaml", "--mode", mode)
    assert again.code == 1
    assert "not overwritten" in again.err


def test_a_mode_nobody_knows_is_refused(owner):
    assert owner("config", "new", "x.yaml", "--mode", "demo").code == 1
    assert not (owner.folder / "x.yaml").exists()


def test_a_mistyped_command_is_answered_with_the_nearest(owner):
    answer = owner("statsu")
    assert answer.code == 2
    assert "Did you mean 'status'?" in answer.err


def test_a_mistyped_option_is_exit_2(owner):
    assert owner("status", "--jsn").code == 2
