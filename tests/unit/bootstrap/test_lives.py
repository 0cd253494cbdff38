"""Daemons of one process, one after another: each goes on where the last one was."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from tests import worlds
from tests.unit.bootstrap.test_start_barred import BLIND, SHARED, about, garbled
from tests.unit.bootstrap.test_start_infeasible import IDLE, LEVERED, settings_at

from leverd.bootstrap import left_out, lives
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.daemon import Care
from leverd.errors import OwnerError, UnreachableError
from leverd.interfaces.supervisor import Supervisor


class Clock:
    """Naps that last no time, and are counted."""

    def __init__(self):
        self.naps = []

    async def sleep(self, seconds):
        self.naps.append(seconds)
        await asyncio.sleep(0)


class Systemd(Supervisor):
    """Remembers what it was told."""

    def __init__(self):
        self.said = []

    def starting(self, status, within_s):
        self.said.append(("starting", status))

    def turned(self, status, *, fresh):
        self.said.append(("turned", status, fresh))

    def stopping(self, status, within_s):
        self.said.append(("stopping", status))

    def reloading(self):
        raise AssertionError

    def reloaded(self):
        raise AssertionError

    def pace(self, look_s):
        raise AssertionError


class Switch:
    """A kill switch that nobody touches."""

    @asynccontextmanager
    async def wired(self, box, wake, clock):
        yield


class Process:
    """A process whose daemons keep `kept`, one after another; each ends when told to."""

    def __init__(self, folder, monkeypatch, *kept, findings=()):
        self.settings = settings_at(folder)
        self.kept, self.findings = list(kept), list(findings)
        self.begun_with, self.closed, self.systemd, self.clock = [], 0, Systemd(), Clock()
        self.ending, self.refusals = asyncio.Event(), []
        self.ends_by_itself = False
        monkeypatch.setattr(lives, "opening_of", lambda *_: None)
        monkeypatch.setattr(lives, "keep", lambda _: None)
        monkeypatch.setattr(left_out.start_checks, "findings", self._findings)
        monkeypatch.setattr(left_out, "resolve", lambda *_, **__: self._places())
        monkeypatch.setattr(left_out, "venue_config", lambda *_: "whole")
        monkeypatch.setattr(lives, "_PAUSE_S", 0.01)
        self.bell, self.asked, self.rings = lives.Bell(), [], 0
        self.lives = lives.Lives(
            self.settings, self._begin, self.bell, self._stop, Switch(), self.clock,
            guards_only=False,
        )  # fmt: skip

    async def run(self):
        care = Care(supervisor=self.systemd)
        await asyncio.wait_for(self.lives.act(care, self.ending), 60)

    def _places(self):
        return SimpleNamespace(mandates=self._mandates((LEVERED, IDLE)))

    def _mandates(self, names):
        return [worlds.mandate(position_id=name) for name in names]

    async def _findings(self, chain, mandates, config):
        assert config == "whole"
        assert [each.position_id for each in mandates] == [LEVERED, IDLE]
        found = self.findings.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def _stop(self):
        raise AssertionError("nobody rang")

    async def _begin(self, settings, ending, care):
        self.begun_with.append(settings)
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            raise refusal
        kept = self.kept.pop(0)
        is_last = not self.kept

        life = len(self.begun_with)

        async def run(stop):
            care.supervisor.turned("one turn", fresh=True)
            if self.rings:
                self.rings -= 1
                self.bell.ring()
            if is_last and not self.ends_by_itself:
                self.ending.set()
            if not self.ends_by_itself:
                await stop.wait()
            care.supervisor.stopping("stopping", 30.0)

        async def close():
            self.closed += 1

        tuned = settings.model_copy(update={"agents_path": (f"after {len(self.begun_with)}",)})
        return SimpleNamespace(
            chain=Chain("its own", None, None),
            charter=SimpleNamespace(mandates=self._mandates(kept)),
            daemon=SimpleNamespace(run=run, wake=lambda: None),
            tuner=SimpleNamespace(in_force=tuned, ask=lambda: self.asked.append(life)),
            requests=None,
            close=close,
        )


async def test_who_can_be_had_again_is_taken_in_and_no_changed_setting_is_forgotten(
    tmp_path, monkeypatch
):
    blind, gone = [about(IDLE, error=BLIND)], UnreachableError("no node")
    process = Process(
        tmp_path,
        monkeypatch,
        (LEVERED,),
        (LEVERED, IDLE),
        findings=[blind, gone, [SHARED], blind, []],
    )
    await process.run()
    assert process.clock.naps == [left_out.AGAIN_S] * 5
    assert (len(process.begun_with), process.closed) == (2, 2)
    assert process.begun_with[0] is process.settings
    assert process.begun_with[1].agents_path == ("after 1",)
    assert process.systemd.said == [
        ("turned", "without idle: one turn", True),
        ("turned", "without idle: stopping", False),  # the process goes on, and is not to be ended
        ("turned", "one turn", True),
        ("stopping", "stopping"),
    ]


async def test_the_next_one_waits_for_the_chain_as_long_as_it_takes(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED,), (LEVERED, IDLE), findings=[[]])
    process.refusals = [None, UnreachableError("no node"), UnreachableError("no node"), None]
    await process.run()
    assert (len(process.begun_with), process.closed) == (4, 2)


async def test_a_stop_is_heard_while_the_next_one_waits_for_the_chain(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED,), (LEVERED, IDLE), findings=[[]])
    monkeypatch.setattr(lives, "_PAUSE_S", 3600.0)

    async def begin(settings, ending, care, begin=process._begin):
        if process.begun_with:
            asyncio.get_running_loop().call_soon(ending.set)
            if not ending.is_set():
                raise UnreachableError("no node")
            return None
        return await begin(settings, ending, care)

    process.lives._begin = begin
    await process.run()
    assert (len(process.begun_with), process.closed) == (1, 1)


async def test_a_ring_is_heard_once_and_by_nobody_who_comes_later(tmp_path, monkeypatch):
    """Else what loosens would be taken one day without anybody saying so."""
    process = Process(tmp_path, monkeypatch, (LEVERED,), (LEVERED, IDLE), findings=[[]])
    process.rings = 1
    await process.run()
    assert process.asked == [1]


async def test_a_ring_that_nobody_was_there_for_is_heard_by_who_comes_next(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED,), (LEVERED, IDLE), findings=[[]])
    process.bell.ring()
    process.bell.ring()
    await process.run()
    assert process.asked == [1]


async def test_the_first_one_does_not(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED,))
    process.refusals = [UnreachableError("no node")]
    with pytest.raises(UnreachableError):
        await process.run()


async def test_what_else_is_wrong_with_the_next_ends_it(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED,), (LEVERED, IDLE), findings=[[]])
    process.refusals = [None, OwnerError("not ours", number=62)]
    with pytest.raises(OwnerError):
        await process.run()
    assert process.closed == 1


async def test_one_that_ends_by_itself_is_followed_by_none(tmp_path, monkeypatch):
    """As when memory is full: whoever started the process begins anew."""
    process = Process(tmp_path, monkeypatch, (LEVERED,), findings=[[garbled(IDLE)]] * 9)
    process.ends_by_itself = True
    await process.run()
    assert (len(process.begun_with), process.closed) == (1, 1)
    assert process.systemd.said[-1] == ("stopping", "stopping")


async def test_where_nobody_is_left_out_nobody_is_asked_about(tmp_path, monkeypatch):
    process = Process(tmp_path, monkeypatch, (LEVERED, IDLE))
    await process.run()
    assert (process.clock.naps, process.closed) == ([], 1)
