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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[2]
CALM = re.compile(r"turn=\d+ .*verdict=(nothing_to_do|denied\S*) slots=0")
DEADLINE_S = 120.0
"""For what a child comes to by itself, on a machine that does much else; none waits that long."""


@dataclass
class Market:
    """A thread that mines, and may be held: a node keeps the state of few blocks."""

    still: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Mine nothing while inside; a block that is being mined is waited for."""
        with self.still:
            yield

    def mine(self, stage: Stage, block_s: float) -> None:
        while not self.over.wait(block_s):
            with self.still:
                stage.devnet.step()


@contextmanager
def moving(stage: Stage, *, block_s: float = 0.1) -> Iterator[Market]:
    """Mine a block every `block_s` of wall time while inside."""
    market = Market()
    thread = threading.Thread(target=market.mine, args=(stage, block_s), name="market")
    thread.start()
    try:
        yield market
    finally:
        market.over.set()
        thread.join()


@dataclass
class Nursery:
    """The process that agents are forked from."""

    process: subprocess.Popen[bytes]
    running: int | None = None  # the child that has not ended yet

    def start(self, stage: Stage, files: Sequence[Path], **order) -> Child:
        self.clear()
        output = stage.folder / "output.log"
        named = [part for file in files for part in ("-c", str(file))]
        order["arguments"] = [*named, *order.get("arguments", ())]
        order["output"] = str(output)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        before = output.stat().st_size if output.exists() else 0
        self.running = int(self._line())
        return Child(self.running, output, before, self)

    def code(self) -> int:
        """Return how the child ended, once it has."""
        self.running = None if (line := self._line()) else self.running
        return int(line)

    def clear(self) -> None:
        """End the child that a failed test left running: the next one waits for nobody."""
        if self.running is not None:
            self.kill(self.running)
            self.code()

    @staticmethod
    def kill(pid: int) -> None:
        """Kill a child, unless it has ended already and nobody asked how."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _line(self) -> bytes:
        stdout = self.process.stdout
        assert stdout is not None
        assert select.select([stdout], [], [], DEADLINE_S)[0], "the nursery says nothing"
        return stdout.readline()  # unbuffered: what is not read yet, select sees


@dataclass
class Child:
    """One run of the agent."""

    pid: int
    output: Path
    began: int
    nursery: Nursery

    def said(self) -> str:
        if not self.output.exists():
            return ""
        with self.output.open() as file:
            file.seek(self.began)
            return file.read()

    def ended(self) -> int:
        """Wait for its end and return how it ended; one that does not end fails the test."""
        stdout = self.nursery.process.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], DEADLINE_S)[0]:
            self._give_up("did not end")
        return self.nursery.code()

    def wait_calm(self, turns: int = 3) -> None:
        """Wait until it has done nothing for some turns, with nothing under way."""
        ended = self.wait_calm_or_end(turns)
        assert ended is None, f"it ended with {ended}:\n{self.said()[-3000:]}"

    def wait_born(self) -> None:
        """Wait until it begins its work, or has ended."""
        stdout = self.nursery.process.stdout
        assert stdout is not None
        for _ in range(int(DEADLINE_S / 0.02)):
            if "started mode=" in self.said() or select.select([stdout], [], [], 0.02)[0]:
                return
        self._give_up("was never born")

    def wait_said(self, text: str) -> None:
        """Wait until it has said `text`."""
        self.wait_for(lambda: text in self.said(), f"never said {text}")

    def wait_for(self, happened: Callable[[], bool], what: str = "never did it") -> None:
        """Wait until something has `happened`; `what` says what it failed to do."""
        for _ in range(int(DEADLINE_S / 0.02)):
            if happened():
                return
            time.sleep(0.02)  # noqa: TID251 -- a test's patience
        self._give_up(what)

    def wait_calm_or_end(self, turns: int = 3) -> int | None:
        """Wait as `wait_calm`, or until it ended of itself; return how, None if it runs on."""
        stdout = self.nursery.process.stdout
        assert stdout is not None
        for _ in range(int(DEADLINE_S / 0.05)):
            if select.select([stdout], [], [], 0.05)[0]:
                return self.nursery.code()
            lines = [line for line in self.said().splitlines() if "turn=" in line]
            if len(lines) > turns and all(CALM.search(line) for line in lines[-turns:]):
                return None
        return self._give_up("neither ended nor became calm")

    def _give_up(self, what: str) -> NoReturn:
        self.nursery.clear()
        raise AssertionError(f"it {what}:\n{self.said()[-3000:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        os.kill(self.pid, number)
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
        made = Nursery(process)
        try:
            yield made
        finally:
            if made.running is not None:  # a test failed beside it
                made.kill(made.running)
            assert process.stdin is not None
            process.stdin.close()
