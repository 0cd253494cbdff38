"""The trader is opened beside the daemon: what it waits for delays no turn and takes no restart."""

from __future__ import annotations

import asyncio
import sys
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from tests.spots import SpotStage, word
from tests.unit.bootstrap.test_spot import close, guarded_by, opened, settings_at
from tests.unit.bootstrap.test_spot_key import key
from tests.unit.settings.test_spot_settings import LOCAL, SENT

from leverd.bootstrap import lives, spot, spot_opening
from leverd.bootstrap.own_thread import in_own_thread
from leverd.bootstrap.spot_key import SpotKeyHolder
from leverd.bootstrap.spot_opening import SpotOpening, opening_of
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotAttemptSigned, SpotOrderPlanned, SpotOrderSettled
from leverd.errors import LeverdError, SecretError, UnreachableError

SILENT = UnreachableError("no answer", number=60)
ONCE = """#!/bin/sh
if mkdir "$0.asked" 2>/dev/null; then sleep 600; fi
cat "$0.key"
"""


class Opening:
    """What becomes a trader that signs, its key in a file; the venue is not asked for anything."""

    def __init__(self, folder, access=None, clock=None):
        self.place, self.other = folder / "trader", folder / "other"
        for each in (self.place, self.other):
            each.touch(mode=0o600)
            each.write_text(key(folder, each.name))
        access = access or f"file: {self.place}"
        self.settings = settings_at(folder, ("credential: leverd-injective", access), SENT, *LOCAL)
        self.stage = SpotStage()
        self.begun = opened(self.stage)
        self.opening = opening_of(self.settings, self.begun, clock or self.stage.clock)
        self.stop = asyncio.Event()

    @property
    def told(self):
        return self.stage.told

    @property
    def trading(self):
        return self.opening._trading

    def begin(self):
        """Have it open and trade, in a task."""
        return asyncio.create_task(self.opening.run(self.stop))

    async def opens(self):
        """Wait until it trades."""
        async with asyncio.timeout(60):
            while self.trading is None:  # noqa: ASYNC110 -- nobody rings there
                await asyncio.sleep(0.01)

    def elsewhere(self):
        """Return the settings of an owner who has put another key elsewhere."""
        access = self.settings.spot.access.model_copy(update={"file": str(self.other)})
        section = self.settings.spot.model_copy(update={"access": access})
        return self.settings.model_copy(update={"spot": section})

    async def tried(self, settings=None):
        return await self.opening.tried(settings or self.settings, [])


@pytest.fixture
def quiet(monkeypatch):
    """Have a desk that is opened trade nothing, and end when it is told to."""
    monkeypatch.setattr(spot.SpotDesk, "run", lambda _desk, stop: stop.wait())


class Place:
    """A place of a key that is silent for `silent` questions; further ones get no answer at all."""

    def __init__(self, monkeypatch, *, silent=10**9):
        self.asked, self.answers, self._silent = 0, threading.Event(), silent
        self._real = spot.signer_of
        monkeypatch.setattr(spot, "signer_of", self)

    def __call__(self, section):
        self.asked += 1
        if self.asked <= self._silent:
            raise SILENT
        assert self.answers.wait(60)
        return self._real(section)


async def test_a_key_whose_place_hangs_once_delays_no_turn_and_is_traded_with_later(
    tmp_path, monkeypatch
):
    program = tmp_path / "vault"
    program.write_text(ONCE)
    program.chmod(0o700)
    (tmp_path / "vault.key").write_text(key(tmp_path, "one"))
    made = Opening(tmp_path, f"command: [{program}], command_s_max: 1")
    stage, turns, begun_with = made.stage, [], []
    stage.says(word(valid_until=10**12))

    def on_the_stage(_settings, _section, _begun, _clock, ready):
        begun_with.append(ready.signer.address)
        return spot.Trading(stage.desk(), stage.venue, spot.nobody_signs(), stage.told)

    monkeypatch.setattr(spot_opening, "open_trading", on_the_stage)

    async def guard(stop):
        while not stage.base:
            if not stage.told.codes:
                turns.append(1)
            await asyncio.sleep(0.001)
        stop.set()

    begun = guarded_by(guard)
    await asyncio.wait_for(lives.both(begun, made.opening, made.stop), 120)
    assert len(turns) > 3  # all of them while the place hung
    assert stage.base > 0
    assert len(begun_with) == 1
    assert begun_with[0].startswith("inj1")
    assert stage.told.codes == ["LVD-NET-060"]  # said once, however often it was late
    await close(made.begun, None)


async def test_a_place_that_stays_silent_is_asked_until_the_stop_and_said_once(
    tmp_path, monkeypatch
):
    made, place = Opening(tmp_path), Place(monkeypatch)
    running = made.begin()
    async with asyncio.timeout(60):
        while place.asked < 4:  # noqa: ASYNC110 -- of a thread
            await asyncio.sleep(0.01)
    made.stop.set()
    await asyncio.wait_for(running, 60)
    assert made.told.codes == [SILENT.code]
    assert "not traded yet" in made.told.alerts[0].message
    assert made.trading is None
    await close(made.begun, None)


async def test_a_stop_waits_for_no_place_that_hangs(tmp_path, monkeypatch):
    made, place = Opening(tmp_path), Place(monkeypatch, silent=0)
    running = made.begin()
    async with asyncio.timeout(60):
        while not place.asked:  # noqa: ASYNC110 -- of a thread
            await asyncio.sleep(0.01)
    made.stop.set()
    await asyncio.wait_for(running, 60)
    place.answers.set()
    assert made.told.codes == []
    assert made.trading is None
    await close(made.begun, None)


@pytest.mark.parametrize("silent", [0, 10**9])
async def test_a_reload_that_finds_the_key_ends_the_waiting(tmp_path, monkeypatch, quiet, silent):
    made, place = Opening(tmp_path), Place(monkeypatch, silent=silent)
    running = made.begin()
    fresh = await made.tried(made.elsewhere())
    made.begun.renewal.forget()
    assert made.trading is None
    assert fresh.told.startswith("spot.access: trades for inj1")
    fresh.take()
    await made.opens()
    assert fresh.told.endswith(made.trading.venue.account)
    place.answers.set()
    made.stop.set()
    await asyncio.wait_for(running, 60)
    await close(made.begun, None)


async def test_a_key_that_was_tried_before_it_traded_is_taken_by_who_trades(tmp_path, quiet):
    made = Opening(tmp_path)
    same, other = await made.tried(), await made.tried(made.elsewhere())
    running = made.begin()
    await made.opens()
    holder, before = made.trading.holder, made.trading.venue.account
    signer = holder.venue._signer
    same.take()
    assert holder.venue._signer is not signer
    other.take()
    assert made.trading.venue.account == before  # a turn may be under way
    made.trading.desk._changed()
    assert other.told.endswith(made.trading.venue.account)
    assert made.told.codes == []
    made.stop.set()
    await asyncio.wait_for(running, 60)
    await close(made.begun, None)


async def test_who_trades_is_asked_to_try_a_key_read_anew(tmp_path, quiet):
    made = Opening(tmp_path)
    running = made.begin()
    await made.opens()
    assert isinstance(made.trading.holder, SpotKeyHolder)
    renewed = await made.begun.renewal._read(made.elsewhere(), [])
    (told,) = renewed.told
    renewed.take()
    made.trading.desk._changed()
    assert told.endswith(made.trading.venue.account)
    made.stop.set()
    await asyncio.wait_for(running, 60)
    await close(made.begun, None)


async def test_a_key_that_cannot_be_taken_any_more_is_said(tmp_path, monkeypatch, quiet):
    made = Opening(tmp_path)
    fresh = await made.tried(made.elsewhere())
    running = made.begin()
    await made.opens()

    def refuses(*_):
        raise SecretError("something is held", number=53)

    monkeypatch.setattr(SpotKeyHolder, "fresh", refuses)
    fresh.take()
    assert made.told.codes == ["LVD-KEY-053"]
    assert "stays in use" in made.told.alerts[0].message
    made.stop.set()
    await asyncio.wait_for(running, 60)
    await close(made.begun, None)


async def test_a_reload_tries_no_key_of_another_account_than_what_is_held(tmp_path):
    made = Opening(tmp_path)
    bought = (
        SpotOrderPlanned("spot", "0x1", "inj1before", "buy", "enter", 20 * WAD, WAD, "r"),
        SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130),
        SpotOrderSettled("spot", "lv1", "closed", WAD, 20 * WAD, 0, 9, ""),
    )
    await made.begun.recorder.append(*bought, chain_at=100)
    with pytest.raises(SecretError, match="inj1before"):
        await made.tried()
    await close(made.begun, None)


@pytest.mark.parametrize("why", ["LVD-KEY-053", "LVD-JRN-004"])
async def test_what_is_refused_leaves_nothing_open(why, tmp_path, monkeypatch):
    made, closed = Opening(tmp_path), []
    signer = spot.signer_of(made.settings.spot)
    foresight = SimpleNamespace(close=lambda: closed.append("foresight"))
    opened_venues = []
    monkeypatch.setattr(spot, "_injective", lambda *_: opened_venues.append(1))
    begin = partial(spot.open_trading, made.settings, made.settings.spot, made.begun)
    ready = spot.Prepared(signer, foresight)
    if why == "LVD-KEY-053":
        bought = (
            SpotOrderPlanned("spot", "0x1", "inj1before", "buy", "enter", 20 * WAD, WAD, "r"),
            SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130),
            SpotOrderSettled("spot", "lv1", "closed", WAD, 20 * WAD, 0, 9, ""),
        )
        await made.begun.recorder.append(*bought, chain_at=100)
        held = spot.nobody_signs()
    else:
        held = spot.spot_lock(made.settings.spot.venue.chain_id, signer.address)
    with held, pytest.raises(LeverdError) as refused:
        begin(made.stage.clock, ready)
    assert refused.value.code == why
    assert opened_venues == []  # whose lines nobody would close
    assert closed == ["foresight"]
    await close(made.begun, None)


async def test_a_key_that_is_missing_is_said_and_ends_the_waiting(tmp_path):
    made = Opening(tmp_path)
    made.place.unlink()
    await asyncio.wait_for(made.opening.run(made.stop), 60)
    (alert,) = made.told.alerts
    assert alert.code == "LVD-KEY-001"
    assert "until the next start" in alert.message
    assert await made.tried() is None  # nobody is there to use one
    await close(made.begun, None)


async def test_a_bug_before_it_trades_is_said_and_ends_nothing_else(tmp_path, monkeypatch):
    made = Opening(tmp_path)

    def breaks(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(spot_opening, "open_trading", breaks)
    await asyncio.wait_for(made.opening.run(made.stop), 60)
    assert made.told.codes == [spot.ENDED]
    await close(made.begun, None)


async def test_a_client_that_is_not_installed_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "leverd.adapters.injective.signer", None)
    begun = opened()
    opening = opening_of(settings_at(tmp_path), begun, SpotStage().clock)
    await asyncio.wait_for(opening.run(asyncio.Event()), 60)
    assert begun.beside.notifier.codes == ["LVD-OWN-135"]
    await close(begun, None)


async def test_only_who_signs_reads_keys_and_without_a_section_nobody_trades(tmp_path):
    begun, clock = opened(), SpotStage().clock
    settings = settings_at(tmp_path)
    assert isinstance(opening_of(settings, begun, clock), SpotOpening)
    assert list(begun.renewal._holders) == []
    bare = settings.model_copy(update={"spot": None})
    assert opening_of(bare, begun, clock) is None
    signing = Opening(tmp_path)
    assert list(signing.begun.renewal._holders) == [signing.opening]
    assert await signing.tried(bare) is None
    unheard = SimpleNamespace(**{**vars(signing.begun), "renewal": None})
    assert opening_of(signing.settings, unheard, clock) is not None
    await close(begun, None)
    await close(signing.begun, None)


@pytest.mark.parametrize("divisor", [1, 0])
async def test_who_waits_no_more_for_a_thread_leaves_it_alone(divisor):
    begun, goes_on = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert goes_on.wait(60)
        return 1 // divisor

    waiting = asyncio.create_task(in_own_thread(work))
    await asyncio.to_thread(begun.wait, 60)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    goes_on.set()
    assert await in_own_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 7 // 0)


def test_a_thread_that_answers_a_loop_that_is_gone_harms_nobody():
    goes_on, threads = threading.Event(), []

    def work():
        threads.append(threading.current_thread())
        assert goes_on.wait(60)

    async def leaves():
        waiting = asyncio.create_task(in_own_thread(work))
        while not threads:  # noqa: ASYNC110 -- of a thread
            await asyncio.sleep(0.001)
        waiting.cancel()

    asyncio.run(leaves())
    goes_on.set()
    threads[0].join(60)
    assert not threads[0].is_alive()
