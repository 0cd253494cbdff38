"""The daemons of one process, one after another, and what each hands on to the next.

There is a next one where the lease was lost and had again, and where a position that had to be
left out can be looked at. It begins with the settings that the last one acted by, changed while it
ran or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from loguru import logger

from leverd.adapters.sql_journal.tenure import RAN_OUT, TAKEN
from leverd.bootstrap import left_out
from leverd.bootstrap.daemon import STOP_GRACE_S, Care, Opened
from leverd.bootstrap.kept_settings import keep
from leverd.bootstrap.kill_switch import KillSwitch
from leverd.bootstrap.leased import Post, TellingSupervisor
from leverd.bootstrap.spot_opening import opening_of
from leverd.domain.events import AlertRaised
from leverd.errors import UnreachableError
from leverd.interfaces.clock import Clock
from leverd.settings import Settings

_TRADER_S: Final = 2 * STOP_GRACE_S
"""Wall seconds that the trader has to end once the owner stopped us."""

_TRADER_CUT_S: Final = 2.0
"""The same where the daemon ended by itself: enough for a write that is under way, and no more,
for until it is started again nothing is deleveraged. What is left its next start settles."""


_PAUSE_S: Final = 2.0
"""Wall seconds between two tries to begin the next daemon."""


class Trader(Protocol):
    """Whatever trades beside the daemon."""

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set. Raises nothing."""
        ...


class Bell:
    """SIGHUP: each ring is heard once, by who is there or by who comes next."""

    def __init__(self) -> None:
        self._rung = False
        self._hear: Callable[[], None] | None = None

    def ring(self) -> None:
        """Pass it on, now or as soon as somebody is there."""
        if self._hear is None:
            self._rung = True
        else:
            self._hear()

    @contextmanager
    def heard_by(self, hear: Callable[[], None]) -> Iterator[None]:
        """Have `hear` called at each ring while inside, and once for those that nobody heard."""
        self._hear, rung = hear, self._rung
        self._rung = False
        if rung:
            hear()
        try:
            yield
        finally:
            self._hear = None


Begin: TypeAlias = Callable[[Settings, asyncio.Event, Care], Awaitable[Opened | None]]
"""Begins a daemon; see `service.begun`."""


class Lives:
    """One daemon after another, for as long as the process has something to act under."""

    def __init__(
        self,
        settings: Settings,
        begin: Begin,
        bell: Bell,
        stop: Callable[[], None],
        switch: KillSwitch,
        clock: Clock,
        *,
        guards_only: bool,
    ) -> None:
        """Make them; `stop` ends the process, where a SIGHUP is to have it started anew."""
        self._settings, self._begin, self._bell, self._stop = settings, begin, bell, stop
        self._switch, self._clock, self._guards_only = switch, clock, guards_only

    async def act(self, care: Care, ending: asyncio.Event) -> None:
        """Run daemons until `ending` is set, or one ends by itself.

        Raises:
            LeverdError: one could not begin.
        """
        is_next = False
        while await self._lived(care, ending, is_next=is_next):
            is_next = True

    async def _begun(self, care: Care, ending: asyncio.Event, *, is_next: bool) -> Opened | None:
        """Return a daemon; one that follows another waits for the chain as long as it takes."""
        while True:
            try:
                return await self._begin(self._settings, ending, care)
            except UnreachableError as error:
                if not is_next:
                    raise
                logger.warning("still waiting for the chain: {}", error)
            with suppress(TimeoutError):  # a stop is heard meanwhile
                await asyncio.wait_for(ending.wait(), _PAUSE_S)

    async def _lived(self, care: Care, ending: asyncio.Event, *, is_next: bool) -> bool:
        """Run one daemon to its end; return whether the next is to follow at once."""
        had, out = asyncio.Event(), list[str]()

        def standing() -> str:
            return f"without {', '.join(out)}" if out else ""

        def goes_on() -> bool:
            return had.is_set() and not ending.is_set()

        told = TellingSupervisor(care.supervisor, standing, goes_on)
        opened = await self._begun(replace(care, supervisor=told), ending, is_next=is_next)
        if opened is None:
            logger.info("stopped before the chain answered; nothing was begun")
            return False
        out += left_out.names(self._settings, opened)
        try:
            if not self._guards_only:
                keep(self._settings)
            await _say_post(opened, care.post)
            # Guards alone take no new settings: what starts us again begins with them.
            with self._bell.heard_by(self._stop if opened.tuner is None else opened.tuner.ask):
                await self._run(opened, had, ending)
            return goes_on()
        finally:
            if opened.tuner is not None:
                self._settings = opened.tuner.in_force
            await opened.close()

    async def _run(self, opened: Opened, had: asyncio.Event, ending: asyncio.Event) -> None:
        settings, clock = self._settings, self._clock
        trader = None if self._guards_only else opening_of(settings, opened, clock)
        async with (
            self._switch.wired(opened.requests, opened.daemon.wake, clock),
            left_out.until(had, settings, opened, ending, clock) as over,
        ):
            await both(opened, trader, over, brief=had)


async def both(
    opened: Opened,
    trader: Trader | None,
    stop: asyncio.Event,
    *,
    brief: asyncio.Event | None = None,
) -> None:
    """Run the daemon and, beside it, the trader: neither waits for the other but at the end.

    Then the trader has its time only where `stop` was set and `brief` was not: a daemon that ended
    by itself, or for another to follow, is to be there again soon.
    """
    if trader is None:
        await opened.daemon.run(stop)
        return
    guarding = asyncio.create_task(opened.daemon.run(stop))
    # Tasks begin in the order they are made: the journal is folded before the trader looks at it.
    beside = asyncio.create_task(trader.run(stop))
    try:
        await guarding
    finally:
        is_asked = stop.is_set() and not (brief is not None and brief.is_set())
        patience_s = _TRADER_S if is_asked else _TRADER_CUT_S
        stop.set()
        await asyncio.wait({beside}, timeout=patience_s)
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)


async def _say_post(opened: Opened, post: Post | None) -> None:
    """Write down what we act under, where that is not always so."""
    if post is not None:
        code = RAN_OUT if post.tenure is None else TAKEN
        event = AlertRaised("", code, post.news)
        await opened.recorder.append(event)
        opened.beside.notifier.notify(event)
