"""What the market refuses at a start never keeps a position that owes something unguarded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml
from tests import worlds
from tests.simulated import venue_at
from tests.unit.bootstrap.test_spot import settings_at as spot_settings_at
from tests.unit.settings.owner_file import SHIPPED

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.clock import SimulatedClock
from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.bootstrap import service
from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.daemon import Care
from leverd.bootstrap.service import Start
from leverd.domain.events import TradingStateChanged
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotAttemptSigned, SpotOrderPlanned, SpotOrderSettled
from leverd.domain.view import TradingState
from leverd.engine.recorder import Recorder
from leverd.errors import InfeasibleError
from leverd.settings import load_settings

LEVERED, IDLE = "eth-loop", "idle"
STOP = {"stop_loss": {"price": 2_600}}


def settings_at(folder):
    """Return the shipped settings with a second position that has a stop loss."""
    written = yaml.safe_load(SHIPPED.read_text("utf-8"))
    first = written["positions"][LEVERED]
    agents = {**first["agents"], "orders": STOP}
    written["positions"][IDLE] = {**first, "account": "0x" + "11" * 20, "agents": agents}
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(written), "utf-8")
    return load_settings([file], {}, find_agents())


class World:
    """Two positions on one market; what a start finds there."""

    def __init__(self, folder, monkeypatch, *, levered, price=3_000):
        self.settings = settings_at(folder)
        whole = worlds.at_leverage("2.5", equity=100) if levered else worlds.state(idle=100)
        self.mandates = [
            worlds.mandate(position_id=LEVERED),
            worlds.mandate(position_id=IDLE, account="0xIdle"),
        ]
        states = [self._seen(whole, 0), self._seen(worlds.state(idle=100), 1)]
        self.venue = venue_at(states[0], more=states[1:])
        self.chain = self.venue.chain
        self.clock = SimulatedClock(self.chain, None)
        self.journal = MemoryJournal(self.clock)
        self.recorder = Recorder(self.journal)
        monkeypatch.setattr(service, "open_daemon", self._open)
        monkeypatch.setattr(service.start_checks, "findings", self._none_found)

    def _seen(self, state, which):
        return replace(state, position=replace(state.position, mandate=self.mandates[which]))

    async def _open(self, *_, **__):
        async def close():
            pass

        chain = SimpleNamespace(venue=self.venue)
        charter = SimpleNamespace(mandates=self.mandates)
        return SimpleNamespace(
            chain=chain,
            charter=charter,
            recorder=self.recorder,
            remember=self.recorder.restore,
            close=close,
        )

    async def _none_found(self, *_):
        return ()

    async def begin(self, *, wait_s=1.0):
        self.chain.mine()
        start, never = Start(wait_s), asyncio.Event()
        return await service.begun(self.settings, self.clock, start, never, Care())

    async def buy_spot(self):
        bought = (
            SpotOrderPlanned("spot", "0x1", "inj1", "buy", "enter", 20 * WAD, WAD, "r"),
            SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130),
            SpotOrderSettled("spot", "lv1", "closed", WAD, 20 * WAD, 0, 9, ""),
        )
        await self.recorder.append(*bought, chain_at=100)

    def states(self):
        said = [each.event for each in self.journal.replay()]
        changed = [each for each in said if isinstance(each, TradingStateChanged)]
        return {each.position_id: each.state for each in changed}


def stop_passed(chain):
    chain.change(
        markets.priced(worlds.WETH, 2_500), markets.traded("weth-usdc", worlds.WETH, 2_500)
    )


def gas_dear(chain):
    chain.base_fee *= 1_000


def pool_dry(chain):
    pool = worlds.pool(depth=0)
    chain.change(lambda ledger: replace(ledger, pools={pool.pool_id: pool}))


REFUSED = {
    "a stop that the price has passed": (stop_passed, {IDLE}),
    "gas": (gas_dear, {LEVERED, IDLE}),
    "a dry pool": (pool_dry, {LEVERED, IDLE}),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_while_one_owes_another_that_is_refused_is_reducing(why, tmp_path, monkeypatch):
    world, (happens, refused) = World(tmp_path, monkeypatch, levered=True), REFUSED[why]
    happens(world.chain)
    assert await world.begin() is not None
    assert world.states() == dict.fromkeys(refused, TradingState.REDUCING)


@pytest.mark.parametrize("why", REFUSED)
async def test_while_nobody_owes_anything_the_start_is_refused(why, tmp_path, monkeypatch):
    world, (happens, _) = World(tmp_path, monkeypatch, levered=False), REFUSED[why]
    happens(world.chain)
    with pytest.raises(InfeasibleError) as refused:
        await world.begin()
    assert refused.value.remedy
    assert world.states() == {}


@pytest.mark.parametrize("why", REFUSED)
async def test_while_spot_holds_something_a_refused_position_is_reducing(
    why, tmp_path, monkeypatch
):
    world, (happens, refused) = World(tmp_path, monkeypatch, levered=False), REFUSED[why]
    happens(world.chain)
    await world.buy_spot()
    with pytest.raises(InfeasibleError):
        await world.begin()  # no section of spot: nobody would sell it
    world.settings = world.settings.model_copy(update={"spot": spot_settings_at(tmp_path).spot})
    assert await world.begin() is not None
    assert world.states() == dict.fromkeys(refused, TradingState.REDUCING)


@pytest.mark.parametrize("levered", [True, False])
async def test_what_the_market_lets_be_kept_starts_active(levered, tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch, levered=levered)
    assert await world.begin() is not None
    assert world.states() == {}
