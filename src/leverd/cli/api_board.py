"""Where everything stands, for the API: the journal folded as it grows, and the last turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from leverd.adapters.sql_journal import SqlLedger
from leverd.api.chronicle import Chronicle
from leverd.api.models.money import Point
from leverd.api.models.position import PositionModel
from leverd.api.seams import Standing
from leverd.bootstrap.order_levels import levels_journaled
from leverd.cli import api_position, api_spot, picture, spot_now
from leverd.cli.api_around import Surroundings
from leverd.cli.prediction_rows import data
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.clock import Clock
from leverd.interfaces.watcher import Seen, Sight
from leverd.settings import Settings

Lending: TypeAlias = Callable[[], AbstractContextManager[SqlLedger]]

_DAY_S: Final = 86_400
_FOR_S: Final = 0.25
"""Wall seconds for which everyone is told the same."""

_LOOKS: Final = 512
"""Turns that the time to liquidation is reckoned from."""


@dataclass(slots=True)
class _Memory:
    chronicle: Chronicle
    story: picture.Story = field(default_factory=picture.Story)
    looks: dict[str, deque[Snapshot]] = field(default_factory=dict)


class JournalBoard:
    """A `Board` over a journal, or its copy. Safe for many threads."""

    def __init__(
        self, settings: Settings, ledgers: Lending, around: Surroundings, clock: Clock
    ) -> None:
        self._settings, self._ledgers, self._around, self._clock = settings, ledgers, around, clock
        self._lock = threading.Lock()
        self._memory = _Memory(Chronicle())
        self._journal = 0  # how often another one was found in its place
        self._last: tuple[Standing | None, float] = (None, 0.0)  # until a monotonic time

    def standing(self) -> Standing:
        """Return where everything stands; see `Board`."""
        with self._lock:
            found = self.kept()
            if found is None:
                found = self._look()
                self._last = found, self._clock.monotonic() + _FOR_S
            return found

    def chronicle(self) -> Chronicle:
        """Return days and balances of the same journal; see `Board`."""
        self.standing()
        return self._memory.chronicle

    def kept(self) -> Standing | None:
        """Return what was found just now; see `Board`."""
        found, until = self._last
        return found if self._clock.monotonic() < until else None

    def point(self, position: str, snapshot: Snapshot) -> Point | None:
        """Return a look at `position` to draw, None where the settings do not know it."""
        section = self._settings.positions.get(position)
        return None if section is None else api_position.point(position, section, snapshot)

    def _look(self) -> Standing:
        with self._ledgers() as ledger:
            self._read_on(ledger)
            binding = ledger.binding()
            around = self._around.look(ledger)
        sight = around.sight
        self._note(sight)
        story = self._memory.story
        positions = self._positions(story, sight)
        return Standing(
            seq=story.seq,
            mode=self._settings.mode if binding is None else binding.mode,
            chain_id=0 if binding is None else binding.chain_id,
            daemon_runs=around.daemon_runs,
            last_turn_at=around.last_turn_at,
            last_entry_at=story.last_entry_at,
            settings_hash=story.settings,
            left_unguarded=(
                story.stopped.unguarded if story.stopped and not around.daemon_runs else ()
            ),
            positions=positions,
            unknown=sorted(self._settings.positions.keys() - positions.keys()),
            open_slots=[api_position.slot(each) for each in story.slots.values()],
            dependencies=dict(story.book.dependencies),
            breakers={
                name: page.record.breakers
                for name, page in story.book.pages.items()
                if page.record.breakers
            },
            sight=sight,
            predictions=[api_position.prediction(each) for each in data(story.book.outlook)],
            gas_today=_gas_today(story, positions),
            spot=api_spot.model(
                self._settings,
                story,
                spot_now.of_market(self._settings, around.spot),
                self._clock.now(),
            ),
            from_copy=around.from_copy,
            journal=self._journal,
        )

    def _read_on(self, ledger: SqlLedger) -> None:
        """Fold what is new; begin anew where another journal is in the place of the one known."""
        memory = self._memory
        is_other = _is_other(ledger, memory.story)
        self._journal += is_other
        if is_other or memory.story.seq == 0:
            memory = self._memory = _Memory(Chronicle(*ledger.pruned_days()))
        chronicle = memory.chronicle
        picture.read_on(memory.story, ledger, chronicle.note)
        if chronicle.pruned_again:
            chronicle.pruned_again = False
            # It may have been pruned between two of our pages. Who reads a copy, which keeps what
            # was pruned elsewhere, finds the days as they were.
            if ledger.pruned_days()[0] != chronicle.through:
                self._memory = _Memory(Chronicle(*ledger.pruned_days()))
                picture.read_on(self._memory.story, ledger, self._memory.chronicle.note)

    def _note(self, sight: Sight | None) -> None:
        for name, seen in (sight.positions if sight else {}).items():
            looks = self._memory.looks.setdefault(name, deque(maxlen=_LOOKS))
            if looks and seen.snapshot.block < looks[-1].block:
                looks.clear()
            if not looks or seen.snapshot.block > looks[-1].block:
                looks.append(seen.snapshot)

    def _positions(self, story: picture.Story, sight: Sight | None) -> Mapping[str, PositionModel]:
        found = {}
        for name, section in self._settings.positions.items():
            page = story.book.page(name)
            known = picture.newest(page)
            seen = self._newer(sight, name, known)
            snapshot = seen.snapshot if seen else known
            each = picture.position(story, name, api_position.meaning(section), snapshot)
            if each is None or snapshot is None:
                continue
            found[name] = api_position.model(
                each,
                section,
                api_position.Looks(seen, sight.at if sight and seen else None,
                                   tuple(self._memory.looks.get(name, ()))),
                page,
                levels_journaled(self._settings, name, page.record, snapshot),
            )  # fmt: skip
        return found

    @staticmethod
    def _newer(sight: Sight | None, name: str, known: Snapshot | None) -> Seen | None:
        """Return what the last turn saw, unless the journal knows something newer."""
        seen = sight.positions.get(name) if sight else None
        if seen is None or (known is not None and seen.snapshot.block < known.block):
            return None
        return seen


def _is_other(ledger: SqlLedger, story: picture.Story) -> bool:
    """Return whether `ledger` is another journal than the one that `story` was read from.

    One that was restored, or that a standby took in the place of its own, may be longer: then it
    was not written at the same moment. Pruning leaves the moment of what it leaves.
    """
    newest = ledger.entries(limit=1, newest_first=True)
    if not newest or newest[0].seq < story.seq:
        return story.seq > 0
    known = ledger.numbered((story.seq,))
    return bool(known) and known[0].written_at != story.last_entry_at


def _gas_today(story: picture.Story, positions: Mapping[str, PositionModel]) -> int:
    """Return the wei paid in the UTC day of chain time that the newest look is of."""
    day = max((each.chain_at for each in positions.values()), default=0) // _DAY_S
    return sum(page.tally.on(day).gas for page in story.book.pages.values())
