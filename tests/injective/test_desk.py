"""The trader on the real chain, from a word to the settled sale, through a kill in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.injective.injectived import CHAIN_ID
from tests.injective.world import World, chain, world
from tests.spots import LIMITS, Told, word

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.system_clock import SystemClock
from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotOrderPlanned,
    SpotOrderSettled,
)
from leverd.engine.recorder import Recorder
from leverd.engine.spot_desk import SpotCharter, SpotDesk, SpotWorld
from leverd.interfaces.spot_venue import Manner, Side

pytestmark = pytest.mark.chain

__all__ = ["chain", "world"]  # fixtures


class KilledError(BaseException):
    """The process ends here."""


class Mortal:
    """A journal whose process dies once it has written an event of `kind`."""

    def __init__(self, journal, kind):
        self._journal, self._kind = journal, kind

    async def append(self, *events, chain_at=0):
        seq = await self._journal.append(*events, chain_at=chain_at)
        if any(isinstance(each, self._kind) for each in events):
            raise KilledError
        return seq

    def replay(self, **given):
        return self._journal.replay(**given)


class Trade:
    """A desk on the chain, with a journal that outlives it."""

    def __init__(self, on: World):
        self.on, self.clock, self.told = on, SystemClock(), Told()
        self.journal = MemoryJournal(self.clock)
        self.limits = replace(LIMITS, market_id=on.market.market_id, update_interval_s=1)

    async def run(self, until, journal=None):
        """Run until `until(spot)` holds."""
        recorder = Recorder(journal or self.journal)
        recorder.restore()
        agent = SignalTrader(self.limits)
        world = SpotWorld(
            self.clock, self.on.taker, recorder, agent, self.told, lambda _now: None
        )  # fmt: skip
        charter = SpotCharter(
            "INJ", self.limits, {"inj": 10**17}, 60.0, chain_id=CHAIN_ID, subaccount=0
        )
        desk = SpotDesk(charter, world)
        stop = asyncio.Event()

        async def watch():
            while True:
                await asyncio.sleep(0.1)
                if until(recorder.book.spot):
                    stop.set()

        watching = asyncio.create_task(watch())
        try:
            await desk.run(stop)
        finally:
            watching.cancel()
        return recorder.book.spot

    def says(self, value):
        now = int(self.clock.now().timestamp())
        said = word(value, made_at=now - 10, valid_until=now + 10_000)
        self.journal.append_now(said, chain_at=now)

    def events(self, kind):
        return [each.event for each in self.journal.replay() if isinstance(each.event, kind)]


async def offered(on: World, side: Side, price: str, quantity: str = "40"):
    order = on.order(side, Manner.REST, price, quantity)
    await on.place(on.maker, order)
    return order


async def test_it_enters_survives_a_kill_and_stops_its_loss(world: World):
    asks = await offered(world, Side.SELL, "20.01")
    bids = await offered(world, Side.BUY, "19.99")
    trade = Trade(world)
    trade.says(0.2)
    before = await world.taker.purses()

    with pytest.raises(KilledError):  # signed and journaled, and nobody knows whether it was sent
        await trade.run(lambda _spot: False, Mortal(trade.journal, SpotAttemptSigned))
    (journaled,) = trade.events(SpotAttemptSigned)
    assert journaled.slot == await world.taker.slot()

    held = await trade.run(lambda spot: spot.base > 0 and spot.order is None)
    never, bought = trade.events(SpotOrderSettled)
    assert (never.standing, bought.standing) == ("never", "closed")
    assert [each.slot for each in trade.events(SpotAttemptSigned)] == [journaled.slot] * 2
    assert held.base == bought.filled > 4 * WAD
    assert bought.exact
    purses = await world.taker.purses()
    assert before["usdt"].total - purses["usdt"].total == -(-held.cost * 10**6 // WAD)

    await world.cancel(world.maker, bids)
    await world.cancel(world.maker, asks)
    await offered(world, Side.BUY, "18.00")
    await offered(world, Side.SELL, "18.02")
    gone = await trade.run(lambda spot: spot.base == 0 and spot.order is None)
    assert "below what it cost" in trade.events(SpotOrderPlanned)[-1].reason
    assert gone.realised < 0
    after = await world.taker.purses()
    lost = Decimal(before["usdt"].total - after["usdt"].total)
    assert abs(lost * 10**12 + gone.realised) <= 2 * 10**12
    assert 0 <= before["inj"].total - after["inj"].total < 10**15  # gas alone
    assert trade.told.alerts == []
