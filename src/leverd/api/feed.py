"""One look at the journal for all who listen: new entries, and each turn, as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from loguru import logger

from leverd.api.live_rows import event_row
from leverd.api.seams import Desk, Standing
from leverd.api.trail import Trail
from leverd.errors import LeverdError

_KEPT: Final = 1024
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, ready to be sent."""

    seq: int
    text: str


class Feed:
    """Follows the journal, keeps its newest entries, and wakes those who wait for more.

    Nobody has a queue of his own: each listener reads on from where he is, here or, if that is
    too long ago, in the journal. So what is kept does not grow with listeners or their slowness.
    """

    def __init__(self, desk: Desk, trail: Trail) -> None:
        self._desk, self._trail = desk, trail
        self._lines: tuple[Line, ...] = ()
        self._changed = asyncio.Event()
        self._journal = 0  # as its standing says
        self.newest = 0  # seq; 0 where there is none
        self.has_looked = False  # before the first look nobody knows where the journal ends
        self.generation = 0  # another journal is another generation
        self.turn = ""  # the last turn, ready to be sent; "" for none
        self.reason = ""  # why nothing can be read, "" while all is well

    async def run(self) -> None:
        """Look until cancelled; a journal that cannot be read is said and tried again."""
        while True:
            try:
                await asyncio.to_thread(self._look)
                self.reason, self.has_looked = "", True
            except LeverdError as error:
                if self.reason != error.code:
                    logger.warning("the API cannot follow the journal: {}", error)
                self.reason = error.code
            self._wake()
            await self._desk.clock.sleep(self._desk.bounds.live_s)

    async def wait(self, seconds: float) -> None:
        """Return at the next look, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def after(self, seq: int) -> Sequence[Line]:
        """Return what comes after entry `seq`, oldest first; a part of it where that is much."""
        if seq >= self.newest:
            return ()
        lines = self._lines  # a look in its thread puts others in their place
        if lines and lines[0].seq <= seq + 1:
            return [line for line in lines if line.seq > seq]
        return await asyncio.to_thread(self._read, seq)

    def _look(self) -> None:
        standing = self._desk.board.standing()
        self._trail.note(standing.sight)
        self._trail.note_spot(standing.spot)
        self.turn = turn_text(standing)
        if standing.seq < self.newest or standing.journal != self._journal:
            self._lines = ()  # another journal is in its place
            self._journal, self.newest = standing.journal, 0
            self.generation += 1
        if self.newest == 0:
            self.newest = standing.seq
            return
        while lines := self._read(self.newest):
            self._lines = (*self._lines, *lines)[-_KEPT:]
            self.newest = lines[-1].seq

    def _read(self, after: int) -> Sequence[Line]:
        with self._desk.ledger() as ledger:
            found = ledger.entries(after=after, limit=_BATCH)
        return [
            Line(entry.seq, _text({"type": "event", **_plain(entry, self._desk)}))
            for entry in found
        ]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def turn_text(standing: Standing) -> str:
    """Return what is told of the last turn: positions as they are now."""
    sight = standing.sight
    if sight is None:
        return ""
    return _text(
        {
            "type": "turn",
            "turn": sight.turn,
            "at": sight.at.isoformat(),
            "seconds": sight.seconds,
            "next_s": sight.next_s,
            "fresh": sight.fresh,
            "daemon_running": standing.daemon_runs,
            "positions": [each.model_dump(mode="json") for each in standing.positions.values()],
            "spot": None if standing.spot is None else standing.spot.model_dump(mode="json"),
        }
    )


def _plain(entry: Any, desk: Desk) -> dict[str, Any]:
    return event_row(entry, desk).model_dump(mode="json")


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
