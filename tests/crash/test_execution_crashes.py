"""Kill the executor around every side effect, kill it again in recovery, and look at the damage.

Journal and venue share one fuse; the crash is an exception that nothing in src catches. What
was sent before it stays sent: the chain lives on.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import (
    StillClock,
    check_books,
    executor_on,
    live,
    of_kind,
    view_of,
    wish,
)
from tests.simulated import chain_at

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.simulated.venue import SimulatedVenue
from leverd.domain.plan_events import PlanAborted
from leverd.domain.valuation import leverage

NEVER = 10**6
TARGET = Decimal("2.5")


class Crash(BaseException):
    """The power cut."""


class Fuse:
    def __init__(self, blows_at=NEVER):
        self.left, self.ticks = blows_at, 0

    def tick(self):
        if self.left == 0:
            raise Crash
        self.left -= 1
        self.ticks += 1


class CrashingJournal(MemoryJournal):
    fuse = Fuse()

    async def append(self, *events, chain_at=0):
        self.fuse.tick()
        seq = await super().append(*events, chain_at=chain_at)
        self.fuse.tick()
        return seq


class CrashingVenue(SimulatedVenue):
    fuse = Fuse()

    async def sign(self, order):
        attempt = await super().sign(order)
        self.fuse.tick()
        return attempt

    async def sign_cancel(self, slot, fees):
        attempt = await super().sign_cancel(slot, fees)
        self.fuse.tick()
        return attempt

    async def send(self, payload):
        self.fuse.tick()
        await super().send(payload)
        self.fuse.tick()

    async def look(self, slot, tx_hashes):
        sighting = await super().look(slot, tx_hashes)
        self.fuse.tick()
        return sighting


class World:
    """A chain, a journal, and one process after another."""

    def __init__(self, *, atomic, pause=0, **terms):
        self.venue = CrashingVenue(chain_at(**terms), atomic=atomic)
        self.journal = CrashingJournal(StillClock())
        self.pause = pause

    def burn(self, fuse):
        self.venue.fuse = self.journal.fuse = fuse

    async def process(self, fuse):
        """Run a process from start to rest or to its crash."""
        self.burn(fuse)
        with contextlib.suppress(Crash):
            executor = executor_on(self.venue, self.journal)
            await executor.recover()
            await live(executor, self.venue, wish(TARGET))
        self.burn(Fuse())
        self.venue.chain.mine(self.pause)

    async def check(self):
        check_books(self.journal, self.venue.chain)
        view, _ = await view_of(self.venue)
        assert abs(leverage(view.state) - TARGET) < Decimal("0.03"), "it ends where it should"
        idle = view.state.position.idle
        assert idle.get(worlds.USDC, 0) < worlds.USDC.unit, "no debt asset is left idle"


async def side_effects(*, atomic):
    world, fuse = World(atomic=atomic), Fuse()
    await world.process(fuse)
    await world.check()
    return fuse.ticks


async def test_an_open_in_one_transaction_has_a_dozen_places_to_die():
    assert await side_effects(atomic=True) >= 8, "or the tests below prove little"


@pytest.mark.parametrize("again_at", [0, 1, 2, 3, 4, 6, NEVER])
@pytest.mark.parametrize("pause", [0, 1, 5, 80])
async def test_no_crash_loses_or_doubles_an_act_of_one_transaction(pause, again_at):
    for blows_at in range(await side_effects(atomic=True) + 1):
        world = World(atomic=True, pause=pause)
        await world.process(Fuse(blows_at))
        await world.process(Fuse(again_at))
        await world.process(Fuse())
        await world.check()


@pytest.mark.parametrize("again_at", [0, 1, 3, 5, NEVER])
@pytest.mark.parametrize("pause", [0, 2, 80])
async def test_no_crash_loses_or_doubles_an_act_of_a_sequence(pause, again_at):
    for blows_at in range(0, await side_effects(atomic=False) + 1, 2 if pause else 1):
        world = World(atomic=False, pause=pause)
        await world.process(Fuse(blows_at))
        await world.process(Fuse(again_at))
        await world.process(Fuse())
        await world.check()


async def test_a_sequence_cut_in_half_is_aborted_and_decided_anew():
    world = World(atomic=False)
    await world.process(Fuse(await side_effects(atomic=False) // 2))
    await world.process(Fuse())
    assert [each.reason for each in of_kind(world.journal, PlanAborted)] == ["restarted"]
    await world.check()


@pytest.mark.parametrize("delay_blocks", [1, 7])
async def test_slow_inclusion_and_crashes_together_lose_nothing(delay_blocks):
    for blows_at in range(await side_effects(atomic=True) + 12):
        world = World(atomic=True, delay_blocks=delay_blocks)
        await world.process(Fuse(blows_at))
        await world.process(Fuse(3))
        await world.process(Fuse())
        await world.check()
