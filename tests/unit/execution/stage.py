"""One chain in memory, one journal, one executor: what the tests of this folder play on."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.executions import WAYS, StillClock, approve, executor_on, of_kind, wish
from tests.simulated import venue_at

from leverd.adapters.simulated.faults import NoFaults
from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.domain.plan_events import PlanAborted
from leverd.domain.slot_events import AttemptSigned

LEVERED = worlds.at_leverage("2.5")


class CountingJournal(MemoryJournal):
    """Counts commits."""

    commits = 0

    async def append(self, *events, chain_at=0):
        self.commits += 1
        return await super().append(*events, chain_at=chain_at)


class Stage:
    def __init__(self, state=None, *, ways=WAYS, mandates=None, **terms):
        self.venue = venue_at(state, **terms)
        self.journal = CountingJournal(StillClock())
        self.mandates = mandates or [worlds.mandate()]
        self.ways = ways
        self.executor = self.another()

    @property
    def chain(self):
        return self.venue.chain

    def another(self, *mandates):
        """Return the executor of a new process."""
        self.executor = executor_on(
            self.venue, self.journal, *(mandates or self.mandates), ways=self.ways
        )
        return self.executor

    async def begin(self, target, *, urgent=False, mandate=None, cap=None, **limits):
        """Start a plan for a leverage; return whether it was begun, and its id."""
        faults, self.venue.faults = self.venue.faults, NoFaults()
        approved, nonce = await approve(
            self.venue, wish(target, urgent=urgent), mandate=mandate, **limits
        )
        self.venue.faults = faults
        assert approved is not None
        return await self.executor.start(approved, nonce), approved.plan.plan_id

    async def turns(self, count=1, *, seconds=12):
        for _ in range(count):
            self.chain.mine(seconds=seconds)
            await self.executor.tend()

    def events(self, *kinds):
        return of_kind(self.journal, *kinds)

    def attempts(self):
        return [(each.slot, each.purpose) for each in self.events(AttemptSigned)]

    def aborted(self):
        return [each.reason for each in self.events(PlanAborted)]

    def mined(self):
        return [each for block in self.chain.blocks for each in block.mined]

    async def settle(self, count=60):
        for _ in range(count):
            if not self.executor.open_slots:
                return
            await self.turns()
        raise AssertionError("something is open for ever")


def second(**changes):
    """Return the mandate of another account."""
    return worlds.mandate(position_id="other", account="0xOther", **changes)


def second_at(leverage):
    """Return the state of another account's position."""
    state = worlds.at_leverage(leverage)
    return replace(state, position=replace(state.position, mandate=second()))
