"""Run the next plan on a copy of the chain, and see what it did: nothing real is touched."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.chain import Chain, key_of, open_chain
from leverd.bootstrap.daemon import ways
from leverd.bootstrap.looking import CONNECT_S, Memory, operator_of, remembered, watching
from leverd.bootstrap.places import NOWHERE, Places, resolve
from leverd.bootstrap.planning import preview_of
from leverd.domain.money import Asset
from leverd.domain.plan_events import PlanAborted
from leverd.domain.position import LegKind
from leverd.domain.slot_events import SlotIncluded
from leverd.domain.state import State
from leverd.domain.valuation import leg_amount
from leverd.engine.collect import views
from leverd.engine.preview import Preview, Stand, stand_of
from leverd.engine.recorder import Recorder
from leverd.execution.executor import Executor
from leverd.interfaces.clock import Clock
from leverd.risk.gate import Approved
from leverd.settings import Settings

PATIENCE_S: Final = 300.0
"""Wall seconds after which a rehearsal that does not end is given up."""

_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Balance:
    """What is held in one way of one asset, before and after."""

    kind: LegKind
    asset: Asset
    before: int  # raw units
    after: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One position before and after its next plan, on a copy of the chain."""

    preview: Preview
    after: Stand | None  # None: there was no plan that may be carried out
    balances: Sequence[Balance]
    transactions: Sequence[SlotIncluded]
    gas_usd: int  # what they cost, USD 1e8
    aborted: str  # why it ended early, "" if it did not


def rehearsed(
    settings: Settings, copied: Settings, position: str = "", target: Decimal | None = None
) -> Sequence[Rehearsal]:
    """Return what the next plan of `position` ("" all) does on the copy that `copied` names.

    What is remembered comes from the journal of `settings`; nothing is written to it.

    Raises:
        UnreachableError: the copy does not answer.
        JournalError: the journal cannot be read.
    """
    return asyncio.run(_rehearsed(settings, copied, position, target))


async def _rehearsed(
    settings: Settings, copied: Settings, position: str, target: Decimal | None
) -> Sequence[Rehearsal]:
    places, clock = resolve(copied), SystemClock()
    memory = await _memory(settings)
    chain = open_chain(copied, places, key_of(copied.key, os.environ), clock)
    try:
        await chain.client.connect(deadline_s=CONNECT_S)
        stage = _Stage(copied, places, chain, clock, memory, target)
        names = [each.position_id for each in places.mandates if position in {"", each.position_id}]
        return [await stage.play(name) for name in names]
    finally:
        await chain.venue.close()


async def _memory(settings: Settings) -> Memory:
    """Return what the real journal says; slots under way are the real chain's own."""
    places = resolve(settings, undeployed=NOWHERE)
    async with watching(settings, places) as chain:
        return remembered(settings, await operator_of(settings.key, chain.config, chain.client))


@dataclass(slots=True)
class _Stage:
    settings: Settings
    places: Places
    chain: Chain
    clock: Clock
    memory: Memory
    target: Decimal | None

    async def play(self, name: str) -> Rehearsal:
        """Return what the next plan of one position does."""
        venue = self.chain.venue
        seen = await venue.observe(self.places.mandates)
        view = views(seen, self.memory.book, open_slots=0)[name]
        preview = preview_of(self.settings, name, view, self.memory, self.target)
        verdict = preview.outcome.verdict
        if not isinstance(verdict, Approved):
            return Rehearsal(preview, None, _balances(view.state, view.state), (), 0, "")
        events = await self._carry_out(verdict, seen.nonce)
        after = (await venue.observe(self.places.mandates)).positions[name].state
        mined = [event for event in events if isinstance(event, SlotIncluded)]
        wei = sum(event.paid for event in mined)
        aborted = next((each.reason for each in events if isinstance(each, PlanAborted)), "")
        return Rehearsal(
            preview,
            stand_of(after, after.at),
            _balances(view.state, after),
            mined,
            wei * view.gas.native_price // 10**18,
            aborted,
        )

    async def _carry_out(self, approved: Approved, nonce: int) -> Sequence[object]:
        """Return what a journal would tell of the plan, carried out to its end."""
        recorder = Recorder(MemoryJournal(self.clock))
        described = ways(recorder, self.places.native, self.chain.config.name)
        executor = Executor(self.chain.venue, recorder, self.places.mandates, described)
        deadline = self.clock.monotonic() + PATIENCE_S
        await executor.start(approved, nonce)
        while executor.open_slots and self.clock.monotonic() < deadline:
            await self.clock.sleep(_LOOK_S)
            await executor.tend()
        return [entry.event for entry in recorder.replay()]


def _balances(before: State, after: State) -> Sequence[Balance]:
    """Return every leg of either, with what it amounts to before and after."""
    ends = (_amounts(before), _amounts(after))
    return [
        Balance(kind, asset, *(end.get((kind, asset), 0) for end in ends))
        for kind, asset in sorted({*ends[0], *ends[1]})
    ]


def _amounts(state: State) -> Mapping[tuple[LegKind, Asset], int]:
    found: Counter[tuple[LegKind, Asset]] = Counter()
    for leg in state.position.legs():
        found[leg.kind, leg.asset] += leg_amount(state, leg)
    return found
