"""A daemon, ready to run: every concrete class, chosen by settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Final

from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.sql_journal import Heartbeat, SqlJournal, SqlRequests
from leverd.adapters.sql_journal.database import file_of
from leverd.bootstrap.chain import Chain, gas_bounds, key_of, open_chain, venue_config
from leverd.bootstrap.kept_settings import keep
from leverd.bootstrap.paper import open_paper
from leverd.bootstrap.places import PAPER, Places, resolve
from leverd.bootstrap.seating import guards_only, own_agents, seats_of
from leverd.bootstrap.signing_alone import SignerLock, nobody_signs, signer_lock
from leverd.bootstrap.sources import Source
from leverd.bootstrap.tuning import FileTuner, Hands, tuned
from leverd.domain.events import AlertRaised, Event
from leverd.domain.money import Asset
from leverd.domain.position import Mandate
from leverd.engine import accounting
from leverd.engine.collect import snapshot_of
from leverd.engine.daemon import Charter, Daemon, World
from leverd.engine.memory_guard import MemoryGuard
from leverd.engine.pace import Pace
from leverd.engine.recorder import Recorder
from leverd.engine.stopwatch import TimedAgent
from leverd.engine.turn import Timing
from leverd.execution.executor import Executor, Ways
from leverd.execution.slots import Policy
from leverd.execution.verify import StepDone
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Binding
from leverd.interfaces.supervisor import Alone, Supervisor
from leverd.settings import Settings

DEADLINE_S: Final = 600
"""Chain seconds after which a plan may no longer act."""

DEADLINE_URGENT_S: Final = 120
"""The same for a plan that saves the position; both grow where inclusion is slow."""

STOP_GRACE_S: Final = 30.0
"""Wall seconds that a stop may take to settle what is in flight."""


_ALONE: Final = Alone()


@dataclass(frozen=True, slots=True)
class Care:
    """How a daemon is kept: who looks after it, and where it may be told new settings."""

    source: Source | None = None  # None: settings do not change while it runs
    supervisor: Supervisor = _ALONE
    guards_only: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A daemon and what has to be closed after it."""

    daemon: Daemon
    charter: Charter
    chain: Chain
    recorder: Recorder
    requests: SqlRequests
    lock: SignerLock
    tuner: FileTuner | None = None

    async def close(self) -> None:
        """Release the chain, the journal and the locks."""
        await self.chain.venue.close()
        self.requests.close()
        self.recorder.close()
        self.lock.release()


async def open_daemon(
    settings: Settings, clock: Clock, *, wait_s: float, only: str = "", care: Care | None = None
) -> Opened:
    """Return a daemon that is connected, bound to its journal, and alone with its key.

    `only` is the one position it keeps, "" for all; slots of every one are settled.

    Raises:
        UnreachableError: no node answered within `wait_s`.
        JournalError: the journal is damaged, foreign, or held by another process.
        SecretError: the key is missing or wrong.
    """
    care = care or Care()
    places = resolve(settings)
    account = None if settings.mode == PAPER else key_of(settings.key, os.environ)
    if account is None:
        chain = open_paper(settings, places, clock)
    else:
        chain = open_chain(settings, places, account, clock)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(chain.venue.close)
        await chain.client.connect(deadline_s=wait_s)
        mine = nobody_signs() if account is None else signer_lock(places, account.address)
        lock = undo.enter_context(mine)
        journal = file_of(settings.journal.path)
        recorder = Recorder(SqlJournal(journal, clock))
        undo.callback(recorder.close)
        recorder.bind(Binding(settings.mode, places.chain_id, await chain.client.genesis()))
        if account is None:
            # A node behind the journal knows nothing of a paper position: wait as for a dead one.
            await chain.venue.observe(places.mandates)
        requests = SqlRequests(journal, clock)
        charter = charter_of(settings, places, clock, only)
        if care.guards_only:
            charter = replace(charter, seats=guards_only(settings, charter.seats))
        tuner = _tuner(settings, places, chain, clock, care)
        world = World(
            clock,
            chain.venue,
            recorder,
            requests,
            LogNotifier(),
            _executor(settings, chain, recorder, places),
            MemoryGuard(settings.memory.warn_mb, settings.memory.stop_mb),
            Heartbeat(journal).beat,
            supervisor=care.supervisor,
            dependencies=chain.circuits,
            tuner=tuner,
        )
        undo.pop_all()  # from here on the caller closes
    daemon = Daemon(charter, world)
    if tuner is not None:
        tuner.rouse = daemon.wake
    care.supervisor.pace(charter.pace.look_s_max / charter.speed)
    return Opened(daemon, charter, chain, recorder, requests, lock, tuner)


def _tuner(
    settings: Settings, places: Places, chain: Chain, clock: Clock, care: Care
) -> FileTuner | None:
    """Return what reads the settings anew, None where they stay as they are.

    The highest fee the signer ever signs for is fixed at the start; its budget is not.
    """
    if care.source is None or care.guards_only:
        return None

    def fits(new: Settings) -> bool:
        wanted = venue_config(new, places, new.limits.limits())
        return wanted.gas_price_wei_max <= chain.config.gas_price_wei_max

    def apply(new: Settings) -> None:
        if chain.budget is not None:  # on paper nothing is signed
            chain.budget.rebound(*gas_bounds(new.limits.limits()))
        keep(new)

    hands = Hands(
        clock=clock,
        supervisor=care.supervisor,
        kinds=own_agents(settings),
        charter_of=lambda new, charter: tuned(charter, charter_of(new, places, clock)),
        fits=fits,
        apply=apply,
    )
    return FileTuner(care.source, settings, hands)


def _executor(settings: Settings, chain: Chain, recorder: Recorder, places: Places) -> Executor:
    described = ways(recorder, places.native, chain.config.name)
    blocks = None if chain.relay is None else settings.chain.relay_blocks
    return Executor(chain.venue, recorder, places.mandates, described, Policy(relay_blocks=blocks))


def charter_of(settings: Settings, places: Places, clock: Clock, only: str = "") -> Charter:
    """Return what the settings make of a daemon."""
    engine = settings.engine
    return Charter(
        version=metadata.version("leverd"),
        mode=settings.mode,
        settings_hash=settings.fingerprint(),
        mandates=tuple(each for each in places.mandates if only in {"", each.position_id}),
        seats={
            name: seats_of(settings, name, lambda agent: TimedAgent(agent, clock, _say))
            for name in settings.positions
        },
        limits=settings.limits.limits(),
        timing=timing_of(engine.inclusion_delay_s),
        pace=Pace(engine.look_s_max, engine.look_s_min),
        speed=places.speed,
        stop_grace_s=STOP_GRACE_S,
        on_real_chain=_looks_at_a_real_chain(settings),
    )


def is_live(settings: Settings) -> bool:
    """Return whether a block is as old as its time says; see `Charter.is_live`."""
    return settings.mode == "live" or _looks_at_a_real_chain(settings)


def _looks_at_a_real_chain(settings: Settings) -> bool:
    return settings.mode == PAPER and settings.chain.devnet is None


def timing_of(delay_s: int) -> Timing:
    """Return what plans reckon with where inclusion takes up to `delay_s` chain seconds.

    A plan that would be too late before it can be mined would never act at all.
    """
    longest = 2 * delay_s
    return Timing(delay_s, max(DEADLINE_S, longest), max(DEADLINE_URGENT_S, longest))


def ways(recorder: Recorder, native: Asset, source: str) -> Ways:
    """Return how the executor describes its steps to the journal."""

    def mark(mandate: Mandate, done: StepDone) -> Sequence[Event]:
        page = recorder.book.page(mandate.position_id)
        return accounting.marks_around(page, done, native, source)

    return Ways(snapshot_of, mark)


def _say(code: str, message: str) -> None:
    LogNotifier().notify(AlertRaised("", code, message))
