"""The kill switch: signals and a file become requests, and every request wakes the loop at once.

Nothing here acts by itself. What it puts into the letter box is taken by the one process that
signs, before its next turn, and can only make things safer; `resume` is the command line's.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from loguru import logger

from leverd.adapters import kill_file
from leverd.adapters.kill_file import Ordered, Unclear
from leverd.domain.events import AlertRaised
from leverd.errors import JournalError
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.interfaces.requests import RequestKind, Requests

SIGNALS: Final[Mapping[signal.Signals, RequestKind]] = {
    signal.SIGUSR1: RequestKind.PAUSE,
    signal.SIGUSR2: RequestKind.UNWIND,
}

UNCLEAR: Final = "LVD-KIL-001"
UNHEARD: Final = "LVD-KIL-002"
_POLL_S: Final = 1.0
"""Wall seconds between two looks at the file and at the letter box."""


class Box(Requests, Protocol):
    """A letter box that also knows who has asked before."""

    def has_asked(self, by: str) -> bool:
        """Return whether `by` ever put a wish, taken or not."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """Something asked for that is not in the letter box yet."""

    kind: RequestKind
    position_id: str
    by: str


class KillSwitch:
    """Collects wishes from the start of the process; puts them once there is a letter box."""

    def __init__(self, file: Path | None, positions: Collection[str], notifier: Notifier) -> None:
        self._file, self._positions, self._notifier = file, frozenset(positions), notifier
        self._wishes: list[Wish] = []
        self._said: set[str] = set()
        self._box: Box | None = None
        self._wake: Callable[[], None] = lambda: None

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear signals from now on; unheard they would end the process, and guard nothing."""
        for number, kind in SIGNALS.items():
            loop.add_signal_handler(number, self.press, kind)

    def press(self, kind: RequestKind) -> None:
        """Ask for `kind` of every position, by signal."""
        self._wishes.append(Wish(kind, "", "signal"))
        self._deliver()

    @asynccontextmanager
    async def wired(self, box: Box, wake: Callable[[], None], clock: Clock) -> AsyncIterator[None]:
        """Deliver to `box` and `wake` the loop while inside."""
        self._box, self._wake = box, wake
        self.look()
        looking = asyncio.create_task(self._look_on(clock))
        try:
            yield
        finally:
            self._box = None
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    def look(self) -> None:
        """Look at the file once, deliver, and wake the loop if anybody waits for it."""
        if self._box is None:
            return
        try:
            self._read_file(self._box)
            self._deliver()
            if self._box.pending():
                self._wake()
        except JournalError as error:
            self._tell(UNHEARD, f"the letter box does not answer: {error}")

    async def _look_on(self, clock: Clock) -> None:
        while True:
            await clock.sleep(_POLL_S)
            self.look()

    def _read_file(self, box: Box) -> None:
        match None if self._file is None else kill_file.read(self._file):
            case None:
                self._said.discard(UNCLEAR)
            case Unclear(why):
                self._tell(UNCLEAR, f"{self._file} is there, and nothing is done about it: {why}")
            case Ordered(identity, kind, position_id):
                if position_id and position_id not in self._positions:
                    text = f"{self._file} names {position_id}, which no position is called"
                    self._tell(UNCLEAR, text)
                    return
                self._said.discard(UNCLEAR)
                wish = Wish(kind, position_id, f"file:{identity}")
                if wish not in self._wishes and not box.has_asked(wish.by):
                    self._wishes.append(wish)

    def _deliver(self) -> None:
        """Put what is asked for into the box; what it does not take now is put at the next look."""
        while self._box is not None and self._wishes:
            wish = self._wishes[0]
            try:
                self._box.put(wish.kind, wish.position_id, wish.by)
            except JournalError as error:
                self._tell(UNHEARD, f"{wish.kind} by {wish.by} is not in the box yet: {error}")
                return
            del self._wishes[0]
            self._said.discard(UNHEARD)
            logger.warning("{} asked for by {}", wish.kind, wish.by)
            self._wake()

    def _tell(self, code: str, text: str) -> None:
        """Tell a human, once for each spell."""
        if code not in self._said:
            self._said.add(code)
            self._notifier.notify(AlertRaised("", code, text))
