"""Asking for help loads nothing heavy: pinned by module, since time depends on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leverd.cli.main import COMMANDS

SHIPPED = Path(__file__).parents[3] / "config" / "settings.yaml"

HEAVY = {
    "aiohttp",
    "alembic",
    "asyncio",
    "eth_account",
    "loguru",
    "matplotlib",
    "numba",
    "numpy",
    "optuna",
    "pandas",
    "plotly",
    "psutil",
    "pydantic",
    "ray",
    "rich",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy",
    "sqlite3",
    "web3",
    "yaml",
}


def loaded_by(module, *arguments):
    """Return the outermost names of all modules that running a command loads."""
    code = (
        "import sys, importlib\n"
        f"sys.argv = ['x', *{list(arguments)!r}]\n"
        f"main = importlib.import_module({module!r}).main\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "print('LOADED', *sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    # Measuring coverage loads modules of its own into every process.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("LOADED")
    return {name.split(".")[0] for name in last.split()}, set(last.split())


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("leverd.cli.run_agent", ["--help"]),
        ("leverd.cli.main", ["--help"]),
        ("leverd.cli.main", ["--version"]),
    ],
)
def test_asking_for_help_loads_nothing_heavy(module, arguments):
    outermost, _ = loaded_by(module, *arguments)
    assert outermost & HEAVY == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["db", "--help"],
        ["status", "--help"],
        ["report", "--help"],
        ["unwind", "--help"],
        ["keys", "import", "--help"],
        ["config", "check", "--help"],
        ["devnet", "--help"],
    ],
)
def test_help_on_a_command_loads_only_what_typer_itself_needs(arguments):
    outermost, _ = loaded_by("leverd.cli.main", *arguments)
    assert outermost & HEAVY <= {"pydantic"}  # Typer reads a command's parameters with it


@pytest.mark.parametrize(
    "arguments",
    [
        ["backtest", "--timerange", "20230101-20230103"],
        ["backtest", "--timerange", "20230101-20230103", "--json"],
    ],
)
def test_a_backtest_needs_no_chain_no_database_and_nothing_that_compiles(arguments):
    outermost, _ = loaded_by("leverd.cli.main", *arguments, "-c", str(SHIPPED))
    others = {"aiohttp", "eth_account", "sqlalchemy", "alembic", "web3"}
    assert (
        outermost & (others | {"matplotlib", "numba", "optuna", "pandas", "plotly", "ray"}) == set()
    )
    assert "numpy" in outermost


def test_the_list_of_commands_imports_none_of_them():
    _, modules = loaded_by("leverd.cli.main", "--help")
    ours = {name for name in modules if name.startswith("leverd")}
    edge = {"leverd.cli.edge", "leverd.errors", "leverd.interfaces", "leverd.interfaces.veil"}
    assert ours == {"leverd", "leverd.cli", "leverd.cli.main", *edge}


def test_this_test_would_see_a_heavy_import(tmp_path):
    outermost, _ = loaded_by("leverd.cli.main", "config", "new", str(tmp_path / "x.yaml"))
    assert {"pydantic", "yaml"} <= outermost


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_helps(name, owner):
    answer = owner(name, "--help")
    assert answer.code == 0
    assert "Usage" in answer.out
