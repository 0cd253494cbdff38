"""Agents as processes of their own, on a market that moves in this one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[2]
CALM = re.compile(r"turn=\d+ .*verdict=(nothing_to_do|denied\S*) slots=0")
DEADLINE_S = 60.0


@contextmanager
def moving(stage: Stage, *, block_s: float = 0.04) -> Iterator[None]:
    """Mine a block every `block_s` of wall time while inside."""
    over = threading.Event()

    def mine() -> None:
        while not over.wait(block_s):
            stage.devnet.step()

    thread = threading.Thread(target=mine, name="market")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass
class Nursery:
    """The process that agents are forked from."""

    process: subprocess.Popen[str]

    def start(self, stage: Stage, files: Sequence[Path], **order) -> Child:
        output = stage.folder / "output.log"
        order |= {"arguments": [part for file in files for part in ("-c", str(file))]}
        order |= {"output": str(output)}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        before = output.stat().st_size if output.exists() else 0
        return Child(int(self._line()), output, before, self)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@dataclass
class Child:
    """One run of the agent."""

    pid: int
    output: Path
    began: int
    nursery: Nursery

    def said(self) -> str:
        with self.output.open() as file:
            file.seek(self.began)
            return file.read()

    def ended(self) -> int:
        """Wait for its end and return how it ended."""
        return int(self.nursery._line())

    def wait_calm(self, turns: int = 3) -> None:
        """Wait until it has done nothing for some turns, with nothing under way."""
        deadline = time.monotonic() + DEADLINE_S  # noqa: TID251 -- a test's patience
        while time.monotonic() < deadline:  # noqa: TID251 -- as above
            lines = [line for line in self.said().splitlines() if "turn=" in line]
            if len(lines) > turns and all(CALM.search(line) for line in lines[-turns:]):
                return
            if not Path(f"/proc/{self.pid}").exists():
                raise AssertionError(f"it ended:\n{self.said()[-3000:]}")
            time.sleep(0.02)  # noqa: TID251 -- as above
        raise AssertionError(f"it never became calm:\n{self.said()[-3000:]}")

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.ended()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Yield a process that agents are forked from."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
