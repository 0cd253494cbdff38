"""The daemon as a process: signals, the checks of a start, and an exit code."""

from __future__ import annotations

import asyncio
import resource
import signal
from typing import Final

from loguru import logger

from leverd.adapters.evm import preflight
from leverd.adapters.evm.preflight import Severity
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import feasible
from leverd.bootstrap.daemon import Opened, open_daemon
from leverd.domain.events import TradingStateChanged
from leverd.domain.view import TradingState, View
from leverd.engine.collect import views
from leverd.errors import UnreachableError
from leverd.interfaces.clock import Clock
from leverd.settings import Settings

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_RETRY_S: Final = 2.0
_ATTEMPT_S: Final = 2.0
"""One attempt to reach the chain; between two of them a stop is heard."""


def run(settings: Settings, *, wait_s: float) -> int:
    """Run the daemon until a signal stops it; return 0.

    Raises:
        LeverdError: it could not start; nothing was sent.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the key
    return asyncio.run(_run(settings, SystemClock(), wait_s))


async def _run(settings: Settings, clock: Clock, wait_s: float) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, stop.set)
    opened = await _open(settings, clock, wait_s, stop)
    if opened is None:
        logger.info("stopped before the chain answered; nothing was begun")
        return 0
    try:
        await _check(settings, opened)
        await opened.daemon.run(stop)
    finally:
        await opened.close()
    return 0


async def _open(
    settings: Settings, clock: Clock, wait_s: float, stop: asyncio.Event
) -> Opened | None:
    """Return the daemon, retrying while no chain answers; None when told to stop first."""
    deadline = clock.monotonic() + wait_s
    while not stop.is_set():
        try:
            return await open_daemon(settings, clock, wait_s=min(_ATTEMPT_S, wait_s))
        except UnreachableError as error:
            if clock.monotonic() + _RETRY_S >= deadline:
                raise
            logger.warning("waiting for the chain: {}", error)
            await _pause(clock, _RETRY_S, stop)
    return None


async def _pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Wait on our clock, but no longer than until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        nap = group.create_task(clock.sleep(seconds))
        bell = group.create_task(stop.wait())
        await asyncio.wait((nap, bell), return_when=asyncio.FIRST_COMPLETED)
        nap.cancel()
        bell.cancel()


async def _check(settings: Settings, opened: Opened) -> None:
    """Check the chain and whether the market lets the settings be kept.

    Raises:
        LeverdError: nothing may be signed.
        InfeasibleError: with no position open. With one, it goes REDUCING instead.
    """
    chain, mandates = opened.chain, opened.charter.mandates
    for finding in await preflight.check(chain.config, chain.client, chain.venue.signer, mandates):
        if finding.severity is Severity.ERROR:
            raise finding.error
        logger.warning("{}", finding.error)
    opened.recorder.restore()
    observation = await chain.venue.observe(mandates)
    for name, view in views(observation, opened.recorder.book, open_slots=0).items():
        await _judge(settings, opened, name, view)


async def _judge(settings: Settings, opened: Opened, name: str, view: View) -> None:
    findings = feasible.judged(settings, name, view)
    for finding in findings.refused:
        logger.warning("{}: {}", name, finding)
    if not findings.refused:
        logger.info("{}: the market lets the settings be kept", name)
        return
    if not any(view.state.position.loan.debts.values()):
        findings.require(f"positions.{name}")
    reason = "the settings cannot be kept in this market: " + "; ".join(
        str(finding) for finding in findings.refused
    )
    if view.record.trading_state is TradingState.ACTIVE:
        event = TradingStateChanged(name, TradingState.REDUCING, reason, "breaker")
        await opened.recorder.append(event, chain_at=view.now)
