"""The journal beside the chain: what is held, what should be, and whether health is as we say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leverd.bootstrap.looking import Memory, check_binding, remembered, watching
from leverd.bootstrap.places import resolve
from leverd.domain.events import ExternalChanged
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.engine import whereabouts
from leverd.engine.collect import snapshot_of
from leverd.execution.reconcile import reconcile
from leverd.interfaces.venue import Observation
from leverd.settings import Settings


@dataclass(frozen=True, slots=True)
class Leg:
    """One balance as the journal and as the chain has it; raw when idle, else scaled."""

    kind: str  # idle | supplied | owed
    symbol: str
    journaled: int | None  # None: the journal knows nothing of the position
    found: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One position, compared."""

    position_id: str
    block: int
    known_block: int | None  # of the journal's balances, None if it has none
    legs: Sequence[Leg]
    cause: str  # of the difference, "" if there is none
    explained: bool  # no difference, or one with an innocent cause
    health: int  # wad, by our own arithmetic
    health_reported: int  # wad, the pool's own; 0 if it was not asked
    open_slots: int  # transactions under way, whose effect is not journaled yet
    standing: bool  # an earlier change that nobody explained is on record until resume
    elsewhere: str = ""  # why the chain was not looked at where the journal knows it to be kept

    @property
    def health_agrees(self) -> bool:
        """Whether our health is the pool's, to the wei."""
        return self.health_reported in {0, self.health}

    @property
    def good(self) -> bool:
        """Whether nothing is left unexplained."""
        explained = self.explained or (self.open_slots > 0 and not self.elsewhere)
        return self.health_agrees and explained


def reconciled(settings: Settings, position: str = "") -> Sequence[Reconciled]:
    """Return what differs between journal and chain for `position` ("" all); reads only.

    Raises:
        UnreachableError: no node answers.
        JournalError: the journal cannot be read, or tells of another chain.
    """
    return asyncio.run(_reconciled(settings, position))


async def _reconciled(settings: Settings, position: str) -> Sequence[Reconciled]:
    places = resolve(settings)
    async with watching(settings, places) as chain:
        # The journal first: what the daemon journals in between is then newer, not missing.
        memory = remembered(settings, chain.venue.signer)
        await check_binding(settings, memory, chain)
        chain.hold(whereabouts.kept(memory.book, places.mandates))
        seen = await chain.venue.observe(places.mandates)
    return [
        _compared(mandate, memory, seen)
        for mandate in places.mandates
        if position in {"", mandate.position_id}
    ]


def _compared(mandate: Mandate, memory: Memory, seen: Observation) -> Reconciled:
    observed = seen.positions[mandate.position_id]
    known = memory.book.page(mandate.position_id).snapshot
    found = snapshot_of(observed.state, seen.stamp)
    elsewhere = whereabouts.elsewhere(known, observed)
    events = () if elsewhere else reconcile(mandate, known, found)
    change = next((each for each in events if isinstance(each, ExternalChanged)), None)
    return Reconciled(
        position_id=mandate.position_id,
        block=found.block,
        known_block=None if known is None else known.block,
        legs=_legs(known, found),
        cause="elsewhere" if elsewhere else "" if change is None else change.cause,
        explained=not elsewhere and (change is None or change.explained),
        health=found.health,
        health_reported=observed.health_reported,
        open_slots=memory.open_slots,
        standing=memory.book.page(mandate.position_id).record.unexplained,
        elsewhere=elsewhere,
    )


def _legs(known: Snapshot | None, found: Snapshot) -> Sequence[Leg]:
    legs = []
    for kind in ("idle", "supplied", "owed"):
        now: Mapping[str, int] = getattr(found, kind)
        before: Mapping[str, int] = {} if known is None else getattr(known, kind)
        legs += [
            Leg(kind, symbol, None if known is None else before.get(symbol, 0), now.get(symbol, 0))
            for symbol in sorted(before.keys() | now.keys())
        ]
    return legs
