"""Nothing here waits for the world: one thread, one loop, no wall clock, no socket."""

from __future__ import annotations

import ast
import socket
import threading
import time
from pathlib import Path

import pytest
from loguru import logger
from tests.simulation.draws import drawn
from tests.simulation.schedule import play

HERE = Path(__file__).parent
WORLD = [path for path in sorted(HERE.rglob("*.py")) if not path.name.startswith("test_")]
TIMED = {"slices.py"}
"""What plays many schedules may look at the wall clock: it is outside of each."""

FORBIDDEN = {"threading", "socket", "subprocess", "multiprocessing", "time", "selectors", "ssl"}


@pytest.fixture(autouse=True)
def quiet():
    logger.disable("leverd")
    yield
    logger.enable("leverd")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", WORLD, ids=lambda path: path.name)
def test_the_simulation_imports_neither_threads_nor_time_nor_sockets(path):
    found = set(imported(path)) & FORBIDDEN
    assert found <= ({"time"} if path.name in TIMED else set())


@pytest.mark.parametrize("sql", [False, True])
def test_a_schedule_starts_no_thread_opens_no_socket_and_asks_no_clock(sql, monkeypatch):
    seed = next(seed for seed in range(100) if drawn(seed).sql is sql)
    play(seed)  # templates and imports are outside

    def forbidden(*_args, **_kwargs):
        raise AssertionError("this is not simulated")

    monkeypatch.setattr(threading.Thread, "start", forbidden)
    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(time, "sleep", forbidden)
    monkeypatch.setattr(time, "monotonic", forbidden)
    if not sql:  # SQLAlchemy notes when it connects
        monkeypatch.setattr(time, "time", forbidden)
    assert not play(seed).violations
