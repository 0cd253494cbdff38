"""A daemon that ended its acting and not its process: what whoever looks after it is told."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import service
from leverd.bootstrap.daemon import Care
from leverd.bootstrap.leased import Post
from leverd.interfaces.supervisor import Alone

SHARED = SimpleNamespace(
    shares_its_key=True, engine=SimpleNamespace(kill_file=None), positions={}, spot=None
)


class Systemd(Alone):
    """Remembers what it was told of an end."""

    def __init__(self):
        self.said = []

    def turned(self, status, *, fresh):
        self.said.append(("turned", fresh))

    def stopping(self, status, within_s):
        self.said.append(("stopping", within_s))


@pytest.mark.parametrize(
    ("told_to_stop", "ends", "said"),
    [
        (False, True, ("turned", False)),
        (True, True, ("stopping", 30.0)),
        (False, False, ("stopping", 30.0)),
    ],
    ids=["the lease is lost", "told to stop", "memory is full"],
)
async def test_only_a_process_that_ends_says_that_it_stops(monkeypatch, told_to_stop, ends, said):
    """Systemd kills what said so and is still there: a daemon that waits for its lease again."""
    systemd = Systemd()

    async def run(_settings, _clock, _supervisor, stop, act):
        ending = asyncio.Event()
        for event, is_set in ((stop, told_to_stop), (ending, ends)):
            if is_set:
                event.set()
        await act(Post(None, None), ending)

    async def begun(_settings, _clock, _start, _stop, care):
        care.supervisor.stopping("stopping: asked to stop", 30.0)

    monkeypatch.setattr(service.standing_by, "run", run)
    monkeypatch.setattr(service, "begun", begun)
    care = Care(supervisor=systemd)
    assert await service._run(SHARED, SystemClock(), service.Start(1), care) == 0
    assert systemd.said == [said]
