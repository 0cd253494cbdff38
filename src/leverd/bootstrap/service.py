"""The daemon as a process: signals, the checks of a start, and an exit code."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loguru import logger

from leverd.adapters.evm import codes
from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.system_clock import SystemClock
from leverd.adapters.systemd_notify import SystemdSupervisor
from leverd.bootstrap import feasible, standing_by, start_checks
from leverd.bootstrap.chain import key_of
from leverd.bootstrap.daemon import Care, Opened, open_daemon
from leverd.bootstrap.kill_switch import KillSwitch
from leverd.bootstrap.leased import Post, TellingSupervisor
from leverd.bootstrap.lives import Bell, Lives
from leverd.bootstrap.places import homeless
from leverd.bootstrap.sources import Source
from leverd.bootstrap.start_checks import Barred
from leverd.bootstrap.undumpable import undumpable
from leverd.domain import valuation
from leverd.domain.events import AlertRaised, TradingStateChanged
from leverd.domain.spot import SPOT
from leverd.domain.view import TradingState, View
from leverd.engine import whereabouts
from leverd.engine.collect import views
from leverd.errors import JournalDamagedError, LeverdError, NonsenseError, UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.venue import Observation, Observed
from leverd.settings import Settings

BARRED: Final = "LVD-GRD-004"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_RETRY_S: Final = 2.0
_ATTEMPT_S: Final = 2.0
"""One attempt to reach the chain; between two of them a stop is heard."""
_GARBLED_MAX: Final = 3
"""So many answers without sense are no accident."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a daemon is started."""

    wait_s: float  # wall seconds to wait for the chain
    source: Source | None = None  # where a SIGHUP finds the settings
    guarding: LeverdError | None = None  # run the guards alone, because of this


def run(settings: Settings, start: Start) -> int:
    """Run the daemon until a signal stops it; return 0.

    Raises:
        LeverdError: it could not start; nothing was sent.
    """
    undumpable()
    clock = SystemClock()
    note = f"GUARDS ONLY, {start.guarding.code}" if start.guarding else ""
    supervisor = SystemdSupervisor(os.environ, clock, note=note)
    care = Care(start.source, supervisor, guards_only=start.guarding is not None)
    return asyncio.run(_run(settings, clock, start, care))


async def _run(settings: Settings, clock: Clock, start: Start, care: Care) -> int:
    stop, bell = asyncio.Event(), Bell()
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, stop.set)
    loop.add_signal_handler(signal.SIGHUP, bell.ring)
    switch = _kill_switch(settings)
    switch.listen(loop)

    async def begin(wanted: Settings, ending: asyncio.Event, cared: Care) -> Opened | None:
        return await begun(wanted, clock, start, ending, cared)

    guards_only = start.guarding is not None
    lives = Lives(settings, begin, bell, stop.set, switch, clock, guards_only=guards_only)
    if not settings.shares_its_key:
        await lives.act(care, stop)
        return 0

    async def act_under(post: Post, ending: asyncio.Event) -> None:
        def waits_on() -> bool:
            return ending.is_set() and not stop.is_set()

        told = TellingSupervisor(care.supervisor, post.standing, waits_on)
        await lives.act(replace(care, supervisor=told, post=post), ending)

    if start.guarding is not None:  # something is broken here: the lease is for who is whole
        await act_under(Post(key_of(settings.key, os.environ), None, "guarding, not asked"), stop)
        return 0
    await standing_by.run(settings, clock, care.supervisor, stop, act_under)
    return 0


def _kill_switch(settings: Settings) -> KillSwitch:
    file = settings.engine.kill_file
    known = [*settings.positions, *([SPOT] if settings.spot is not None else [])]
    return KillSwitch(None if file is None else Path(file), known, LogNotifier())


async def begun(
    settings: Settings, clock: Clock, start: Start, stop: asyncio.Event, care: Care
) -> Opened | None:
    """Return the daemon, checked and ready to run; None when told to stop first.

    While no chain answers, at the first question or in the midst of the checks, it begins anew.
    An answer that makes no sense may pass too, but what makes none over and over is no node.

    Raises:
        UnreachableError: nothing answered within `start.wait_s`.
        NonsenseError: what answers makes no sense.
        LeverdError: nothing may be signed.
    """
    deadline, garbled = clock.monotonic() + start.wait_s, 0
    while not stop.is_set():
        try:
            doubting = garbled + 1 < _GARBLED_MAX
            return await _attempt(settings, clock, start, care, doubting=doubting)
        except (UnreachableError, NonsenseError) as error:
            garbled += isinstance(error, NonsenseError)
            lasting = isinstance(error, NonsenseError) and error.number != codes.MALFORMED
            late = clock.monotonic() + _RETRY_S >= deadline
            if lasting or late or garbled == _GARBLED_MAX:
                raise
            logger.warning("waiting for the chain: {}", error)
            await _pause(clock, _RETRY_S, stop)
    return None


async def _attempt(
    settings: Settings, clock: Clock, start: Start, care: Care, *, doubting: bool
) -> Opened:
    def opening(apart: Mapping[str, LeverdError]) -> Awaitable[Opened]:
        care.supervisor.starting("waiting for the chain", _ATTEMPT_S + _RETRY_S)
        wait_s = min(_ATTEMPT_S, start.wait_s)
        return open_daemon(settings, clock, wait_s=wait_s, care=replace(care, apart=apart))

    opened, barred = await start_checks.opened_without(
        opening, homeless(settings), doubting=doubting
    )
    try:
        await _bar(settings, opened, barred)
        if start.guarding is not None:
            await _say_guarding(opened, start.guarding)
        else:
            await _check(settings, opened)
    except BaseException:
        await opened.close()
        raise
    return opened


async def _pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Wait on our clock, but no longer than until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        nap = group.create_task(clock.sleep(seconds))
        bell = group.create_task(stop.wait())
        await asyncio.wait((nap, bell), return_when=asyncio.FIRST_COMPLETED)
        nap.cancel()
        bell.cancel()


async def _check(settings: Settings, opened: Opened) -> None:
    """Check whether the market lets the settings be kept.

    Raises:
        InfeasibleError: while nothing is to be guarded. Else it goes REDUCING instead.
    """
    chain, mandates = opened.chain, opened.charter.mandates
    await _judge_all(settings, opened, await chain.venue.observe(mandates))


async def _bar(settings: Settings, opened: Opened, barred: Barred) -> None:
    """Say who is not kept as the settings say, and raise none of them, while others need us.

    Raises:
        LeverdError: why they are not; nothing else is to be guarded.
    """
    if not (barred.apart or barred.watched):
        return
    seen = await opened.chain.venue.observe(opened.charter.mandates)
    others = (each for name, each in seen.positions.items() if name not in barred.watched)
    if not (any(map(_owes, others)) or _holds_spot(settings, opened)):
        barred.require()
    for name, error in barred.apart.items():
        text = f"left out, nobody guards it: {error}" if name else str(error)
        await _say_barred(opened, name, text)
    for name, error in barred.watched.items():
        text = f"only lowered, as far as the chain lets us: {error}"
        await _say_barred(opened, name, text)
        if opened.recorder.book.page(name).record.trading_state is TradingState.ACTIVE:
            event = TradingStateChanged(name, TradingState.REDUCING, text, "breaker")
            await opened.recorder.append(event, chain_at=seen.stamp.at)


async def _say_barred(opened: Opened, name: str, text: str) -> None:
    if not name:
        logger.error("what no position uses is left out: {}", text)
        return
    event = AlertRaised(name, BARRED, text)
    await opened.recorder.append(event)
    opened.beside.notifier.notify(event)


async def _say_guarding(opened: Opened, why: LeverdError) -> None:
    """Say why the guards are alone; whether it is feasible is no matter now.

    What a damaged journal lost may have been an order to hold back: then only less risk is
    taken until the owner's resume, also by a daemon that comes after.
    """
    message = f"guarding only, nothing else is done: {why}"
    logger.error("{}", message)
    await opened.recorder.append(AlertRaised("", why.code, message))
    if not isinstance(why, JournalDamagedError):
        return
    for mandate in opened.charter.mandates:
        name = mandate.position_id
        if opened.recorder.book.page(name).record.trading_state is TradingState.ACTIVE:
            reason = "the journal was damaged; what it lost may have been an order"
            await opened.recorder.append(
                TradingStateChanged(name, TradingState.REDUCING, reason, "breaker")
            )


async def _judge_all(settings: Settings, opened: Opened, seen: Observation) -> None:
    """Judge every position that can be valued; of the others the daemon tells, and waits.

    While any position owes something, or spot holds something, all of them are kept: who guards
    the one must not end for the sake of another.

    Raises:
        InfeasibleError: the market lets one not be kept, and there is nothing to guard.
    """
    book = opened.recorder.book
    elsewhere = {
        name
        for name, one in seen.positions.items()
        if whereabouts.elsewhere(book.page(name).snapshot, one)
    }
    owed = any(map(_owes, seen.positions.values()))
    guarded = owed or bool(elsewhere) or _holds_spot(settings, opened)
    unpriced = {name for name, one in seen.positions.items() if valuation.unpriced(one.state)}
    for name, view in views(seen, book, open_slots=0, apart=elsewhere | unpriced).items():
        await _judge(settings, opened, name, view, guarded=guarded)


def _owes(seen: Observed) -> bool:
    return any(seen.state.position.loan.debts.values())


def _holds_spot(settings: Settings, opened: Opened) -> bool:
    """Return whether a stop loss of spot has something to sell, or an order is in flight."""
    return settings.spot is not None and not opened.recorder.book.spot.is_flat


async def _judge(
    settings: Settings, opened: Opened, name: str, view: View, *, guarded: bool
) -> None:
    """Say what the market makes of a position; one that is refused is REDUCING, if `guarded`."""
    findings = feasible.judged(settings, name, view)
    for finding in findings.refused:
        logger.warning("{}: {}", name, finding)
    if not findings.refused:
        logger.info("{}: the market lets the settings be kept", name)
        return
    if not guarded:
        findings.require(f"positions.{name}")
    reason = "the settings cannot be kept in this market: " + "; ".join(
        str(finding) for finding in findings.refused
    )
    if view.record.trading_state is TradingState.ACTIVE:
        event = TradingStateChanged(name, TradingState.REDUCING, reason, "breaker")
        await opened.recorder.append(event, chain_at=view.now)
