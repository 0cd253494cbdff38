"""The trader by settings: on paper over a real book, sent with a key, or not at all and said."""

from __future__ import annotations

import ast
import asyncio
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.spots import MARKET, SpotStage, Told, word
from tests.unit.settings.test_spot_settings import LOCAL, MISPRICING, SENT, file_of

from leverd.adapters.sight_file import read_spot_sight, spot_sight_path
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import lives, spot
from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.predictors import foresight_of
from leverd.bootstrap.renewal import Renewal
from leverd.bootstrap.subjects import is_the_loops
from leverd.domain.reference import silent
from leverd.domain.spot_events import SpotOrderPlanned, SpotOrderSettled
from leverd.engine.recorder import Recorder
from leverd.errors import JournalError, JournalLockedError
from leverd.settings import load_settings

KEY = "1" * 64
PREDICTING = """
predictions:
  predictors:
    inj: {kind: simple, subject: INJ, quantity: direction, horizon_h: 24}
    eth: {kind: simple, subject: WETH, quantity: direction, horizon_h: 24}
"""


def settings_at(folder, *edits, more=""):
    journal = folder / "journal.db"
    file = file_of(folder, *edits)
    text = file.read_text().replace("path: var/{mode}/journal.db    ", f"path: {journal}")
    file.write_text(text + more)
    return load_settings([file], {}, find_agents())


def opened(stage=None):
    """Return what a daemon that was opened has for the trader."""
    told = stage.told if stage else Told()
    recorder = Recorder((stage or SpotStage()).journal)
    recorder.restore()
    feeds = OutsideFeeds(SystemClock(), {})
    beside = SimpleNamespace(notifier=told)
    renewal = Renewal(())
    return SimpleNamespace(recorder=recorder, feeds=feeds, beside=beside, renewal=renewal)


def trader_of(settings, begun, clock):
    """Return the trader at once, whatever has to be waited for."""
    section = settings.spot
    ready = spot.prepared(settings, section, begun.feeds)
    return spot.open_trading(settings, section, begun, clock, ready)


async def close(begun, trading):
    await begun.feeds.close()
    if trading is not None:
        await trading.venue.close()
        trading.lock.release()


async def test_on_paper_it_trades_on_the_real_book_and_goes_on_after_a_restart(
    tmp_path, monkeypatch
):
    stage = SpotStage()
    stage.exchange.open("nobody", {})
    real = SimulatedSpot(stage.exchange, "nobody")
    monkeypatch.setattr(spot, "_injective", lambda *_: real)
    settings = settings_at(tmp_path)
    told = word(valid_until=10**12)
    stage.says(told)

    async def traded(until):
        begun = opened(stage)
        trading = trader_of(settings, begun, stage.clock)
        stage.until = lambda: until(stage.spot)
        stage.stop = asyncio.Event()
        await trading.run(stage.stop)
        stage.until = None
        await begun.feeds.close()
        return trading

    first = await traded(lambda book: book.base > 0 and book.order is None)
    purses = await first.venue.purses()
    assert first.venue.name == "paper simulated"
    assert purses["inj"].total == stage.spot.base
    stage.price = "18.5"
    again = await traded(lambda book: book.realised < 0 and book.order is None)
    purses = await again.venue.purses()
    assert purses["inj"].total == 0
    assert abs(purses["usdt"].total - (1_000 * 10**6 + stage.spot.realised // 10**12)) <= 2
    assert stage.exchange.tills["nobody"].held == {}  # nothing of it was real
    slots = [each.block for each in stage.events(SpotOrderSettled)]
    assert slots == sorted(set(slots))
    assert stage.spot.slots == 2
    assert spot.heart(settings).last() is not None
    seen = read_spot_sight(spot_sight_path(tmp_path / "journal.db"))
    assert (seen.market_id, seen.ticker, seen.bid) == (MARKET.market_id, "INJ/USDT", 1849 * 10**16)


async def test_the_settings_say_who_trades_and_who_is_listened_to(tmp_path):
    begun = opened()
    trading = trader_of(settings_at(tmp_path, MISPRICING), begun, SystemClock())
    world = trading.desk._world
    assert world.agent.name == "mispricing"
    assert world.agent.limits.fair is not None
    assert trading.desk._charter.limits == world.agent.limits  # what the gate asks for
    assert world.references.said() == (silent("uniswap"),)
    assert begun.feeds.circuits()["uniswap rpc node.example"] == "closed"
    await close(begun, trading)
    others = opened()
    on_words = trader_of(settings_at(tmp_path), others, SystemClock())
    assert on_words.desk._world.agent.name == "signal_trader"
    assert on_words.desk._world.references is None
    assert on_words.desk._charter.limits.fair is None
    await close(others, on_words)


async def test_what_was_in_flight_on_paper_is_never_and_not_forgotten(tmp_path, monkeypatch):
    stage = SpotStage()
    stage.exchange.open("nobody", {})
    real = SimulatedSpot(stage.exchange, "nobody")
    section = settings_at(tmp_path).spot
    begun = opened(stage)
    monkeypatch.setattr(spot, "_injective", lambda *_: real)
    venue = spot.venue_of(section, begun.recorder, begun.feeds, stage.clock, None)
    async with venue.watch(MARKET.market_id) as ticks:
        await anext(ticks)
        with pytest.raises(KeyError):
            await SimulatedSpot(stage.exchange, "unopened").slot()
        assert await venue.slot() == 0
        assert (await venue.depth(MARKET.market_id)).asks[0][0] == Decimal("20.01")
        assert venue.circuits() == {}
    await venue.close()


async def test_what_is_sent_is_signed_by_the_one_key_and_by_one_process(tmp_path, monkeypatch):
    edits = (("credential: leverd-injective", "environment: LEVERD_TEST_TRADER"), SENT, *LOCAL)
    monkeypatch.setenv("LEVERD_TEST_TRADER", KEY)
    text = settings_at(tmp_path, *edits)
    begun = opened()
    trading = trader_of(text, begun, SystemClock())
    assert trading.venue.account.startswith("inj1")
    assert begun.feeds.circuits() == {
        f"injective {each}": "closed" for each in ("chain", "stream", "indexer")
    }
    with pytest.raises(JournalLockedError):
        trader_of(text, begun, SystemClock())
    assert spot.reserve(text.spot) == {"inj": 10**17}
    await close(begun, trading)


async def test_on_paper_nothing_can_be_signed(tmp_path):
    begun = opened()
    settings = settings_at(tmp_path)
    trading = trader_of(settings, begun, SystemClock())
    assert trading.venue.account == "paper:spot"
    assert spot.reserve(settings.spot) == {}
    await close(begun, trading)


def test_what_a_position_holds_is_seen_by_the_loop_and_the_rest_by_the_trader(tmp_path):
    settings = settings_at(tmp_path, more=PREDICTING)
    assert is_the_loops(settings, "WETH")
    assert not is_the_loops(settings, "INJ")
    assert is_the_loops(settings.model_copy(update={"spot": None}), "INJ")
    mine = foresight_of(settings, about=lambda subject: not is_the_loops(settings, subject))
    assert list(mine.subjects) == ["INJ"]
    theirs = foresight_of(settings, about=lambda subject: is_the_loops(settings, subject))
    assert list(theirs.subjects) == ["WETH"]
    assert foresight_of(settings, about=lambda _: False) is None


class Desk:
    """A desk that fails."""

    async def run(self, stop):
        raise ZeroDivisionError("a bug")


async def test_a_bug_of_the_trader_is_said_and_does_not_end_the_daemon():
    stage = SpotStage()
    trading = spot.Trading(Desk(), stage.venue, spot.nobody_signs(), stage.told)
    stop, turns = asyncio.Event(), []

    async def guard(stopped):
        while not stopped.is_set():
            turns.append(1)
            await asyncio.sleep(0)
            if len(turns) == 50:
                stopped.set()

    begun = SimpleNamespace(daemon=SimpleNamespace(run=guard))
    await lives.both(begun, trading, stop)
    assert len(turns) == 50
    assert stage.told.codes == [spot.ENDED] == ["LVD-SPT-004"]


class Hanging(SimulatedSpot):
    """A venue whose answers never come, in a desk that was already told of a block."""

    asked = hangs = False

    async def market(self, market_id):
        if self.asked:
            self.hangs = True
            await asyncio.Event().wait()
        self.asked = True  # the stream begins with this question
        return await super().market(market_id)


def hanging():
    """Return a stage on such a venue, and its trader."""
    stage = SpotStage(venue=Hanging)
    return stage, spot.Trading(stage.desk(), stage.venue, spot.nobody_signs(), stage.told)


def guarded_by(run):
    return SimpleNamespace(daemon=SimpleNamespace(run=run))


async def test_a_venue_that_hangs_delays_no_turn_of_the_daemon_and_not_its_end_for_ever(
    monkeypatch,
):
    monkeypatch.setattr(lives, "_TRADER_S", 0.01)
    (stage, trading), turns, stop = hanging(), [], asyncio.Event()

    async def guard(stopped):
        while len(turns) < 300:
            turns.append(1)
            await asyncio.sleep(0)
        assert not stopped.is_set()
        stop.set()

    await asyncio.wait_for(lives.both(guarded_by(guard), trading, stop), 60)
    assert len(turns) == 300
    assert stage.venue.hangs
    assert stage.events() == []


async def test_a_daemon_that_ends_by_itself_is_not_held_back_by_the_trader(monkeypatch):
    """Whoever starts it again is to find it ended: only an owner's stop lets the trader settle."""
    monkeypatch.setattr(lives, "_TRADER_S", 3600.0)
    monkeypatch.setattr(lives, "_TRADER_CUT_S", 0.01)
    (stage, trading), stop = hanging(), asyncio.Event()

    async def fails(_stop):
        while not stage.venue.hangs:  # noqa: ASYNC110 -- nobody rings there
            await asyncio.sleep(0)
        raise JournalError("the disk is gone", number=1)

    with pytest.raises(JournalError):
        await asyncio.wait_for(lives.both(guarded_by(fails), trading, stop), 60)
    assert stop.is_set()


async def test_an_owners_stop_lets_the_trader_settle_what_is_in_flight(monkeypatch):
    monkeypatch.setattr(lives, "_TRADER_CUT_S", 0.0)
    stage = SpotStage()
    stage.says(word(valid_until=10**12))
    trading = spot.Trading(stage.desk(), stage.venue, spot.nobody_signs(), stage.told)
    stop = asyncio.Event()

    async def guard(stopped):
        while not stage.exchange._pool:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0)
        stopped.set()

    await asyncio.wait_for(lives.both(guarded_by(guard), trading, stop), 60)
    assert stage.spot.order is None
    assert stage.base == stage.spot.base > 0


async def test_a_daemon_that_ends_ends_the_trader_too():
    stage = SpotStage()
    trading = spot.Trading(stage.desk(), stage.venue, spot.nobody_signs(), stage.told)

    async def fails(_stop):
        raise RuntimeError("the journal is gone")

    stop = asyncio.Event()
    with pytest.raises(RuntimeError):
        await lives.both(guarded_by(fails), trading, stop)
    assert stage.events(SpotOrderPlanned) == []


def test_nothing_of_injective_or_scikit_learn_is_loaded_before_settings_name_it():
    """No module of the composition root imports at its top what loads them."""
    heavy = ("leverd.adapters.injective", "leverd.predict", "pyinjective", "sklearn", "grpc")
    for file in Path(spot.__file__).parent.glob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            named = getattr(node, "module", "") or ""
            assert not named.startswith(heavy), (file.name, named)
