"""Agents as processes of their own, on a market that moves in this one."""

from __future__ import annotations

import json
import os
import re
import select
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
DEADLINE_S = 20.0


@contextmanager
def moving(stage: Stage, *, block_s: float = 0.1) -> Iterator[None]:
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

    process: subprocess.Popen[bytes]

    def start(self, stage: Stage, files: Sequence[Path], **order) -> Child:
        output = stage.folder / "output.log"
        order |= {"arguments": [part for file in files for part in ("-c", str(file))]}
        order |= {"output": str(output)}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        before = output.stat().st_size if output.exists() else 0
        return Child(int(self._line()), output, before, self)

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()  # unbuffered: what is not read yet, select sees


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
        """Wait for its end and return how it ended; one that does not end fails the test."""
        stdout = self.nursery.process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], DEADLINE_S)[0]:
            os.kill(self.pid, signal.SIGKILL)
            self.nursery._line()
            raise AssertionError(f"it did not end:\n{self.said()[-3000:]}")
        return int(self.nursery._line())

    def wait_calm(self, turns: int = 3) -> None:
        """Wait until it has done nothing for some turns, with nothing under way."""
        deadline = time.monotonic() + DEADLINE_S  # noqa: TID251 -- a test's patience
        while time.monotonic() < deadline:  # noqa: TID251 -- as above
            lines = [line for line in self.said().splitlines() if "turn=" in line]
            if len(lines) > turns and all(CALM.search(line) for line in lines[-turns:]):
                return
            if not Path(f"/proc/{self.pid}").exists():
                self.nursery._line()
                raise AssertionError(f"it ended:\n{self.said()[-3000:]}")
            time.sleep(0.02)  # noqa: TID251 -- as above
        os.kill(self.pid, signal.SIGKILL)
        self.nursery._line()
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
        bufsize=0,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
