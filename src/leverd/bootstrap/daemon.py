"""A daemon, ready to run: every concrete class, chosen by settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.sql_journal import Heartbeat, Lock, SqlJournal, SqlRequests, acquire_lock
from leverd.adapters.sql_journal.database import file_of
from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.chain import Chain, key_of, open_chain
from leverd.bootstrap.places import Places, resolve
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
from leverd.engine.turn import Seat, Timing
from leverd.execution.executor import Executor, Ways
from leverd.execution.verify import StepDone
from leverd.interfaces.agent import AgentKind, Envelope
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Binding
from leverd.settings import Settings

DEADLINE_S: Final = 600
"""Chain seconds after which a plan may no longer act."""

DEADLINE_URGENT_S: Final = 120
"""The same for a plan that saves the position."""

STOP_GRACE_S: Final = 30.0
"""Wall seconds that a stop may take to settle what is in flight."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A daemon and what has to be closed after it."""

    daemon: Daemon
    charter: Charter
    chain: Chain
    recorder: Recorder
    requests: SqlRequests
    lock: Lock

    async def close(self) -> None:
        """Release the chain, the journal and the locks."""
        await self.chain.venue.close()
        self.requests.close()
        self.recorder.close()
        self.lock.release()


def own_agents(settings: Settings) -> Mapping[str, AgentKind[Any]]:
    """Return every agent kind the settings can name."""
    return find_agents(Path(each) for each in settings.agents_path)


async def open_daemon(settings: Settings, clock: Clock, *, wait_s: float, only: str = "") -> Opened:
    """Return a daemon that is connected, bound to its journal, and alone with its key.

    `only` is the one position it keeps, "" for all; slots of every one are settled.

    Raises:
        UnreachableError: no node answered within `wait_s`.
        JournalError: the journal is damaged, foreign, or held by another process.
        SecretError: the key is missing or wrong.
    """
    places = resolve(settings)
    account = key_of(settings.key, os.environ)
    chain = open_chain(settings, places, account, clock)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(chain.venue.close)
        await chain.client.connect(deadline_s=wait_s)
        lock = undo.enter_context(signer_lock(places, account.address))
        journal = file_of(settings.journal.path)
        recorder = Recorder(SqlJournal(journal, clock))
        undo.callback(recorder.close)
        recorder.bind(Binding(settings.mode, places.chain_id, await chain.client.genesis()))
        requests = SqlRequests(journal, clock)
        charter = charter_of(settings, places, clock, only)
        world = World(
            clock,
            chain.venue,
            recorder,
            requests,
            LogNotifier(),
            _executor(chain, recorder, places),
            MemoryGuard(settings.memory.warn_mb, settings.memory.stop_mb),
            Heartbeat(journal).beat,
        )
        undo.pop_all()  # from here on the caller closes
    return Opened(Daemon(charter, world), charter, chain, recorder, requests, lock)


def _executor(chain: Chain, recorder: Recorder, places: Places) -> Executor:
    described = ways(recorder, places.native, chain.config.name)
    return Executor(chain.venue, recorder, places.mandates, described)


def signer_lock(places: Places, address: str) -> Lock:
    """Return the lock that makes us the machine's only process to sign for a key on a chain.

    It lies apart from any journal, so that two journals do not hide two signers. Local
    chains all have one id; what tells them apart is where they answer.

    Raises:
        JournalLockedError: another process has it.
    """
    folder = Path(tempfile.gettempdir()) / f"leverd-{os.getuid()}"
    local = f"-{urlsplit(places.rpc[0]).port}" if places.profile == "local" else ""
    return acquire_lock(
        folder / f"signer-{places.chain_id}{local}-{address}.lock",
        what=f"the key {address} on chain {places.chain_id}",
    )


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
        timing=Timing(engine.inclusion_delay_s, DEADLINE_S, DEADLINE_URGENT_S),
        pace=Pace(engine.look_s_max, engine.look_s_min),
        speed=places.speed,
        stop_grace_s=STOP_GRACE_S,
    )


def seats_of(
    settings: Settings, position: str, wrap: Callable[[Any], Any] = lambda agent: agent
) -> Sequence[Seat]:
    """Return the agents of a position, guards first; guards learn what the others ask for."""
    kinds = own_agents(settings)
    named = settings.positions[position].agents
    envelopes = [kinds[name].envelope(params) for name, params in named.items()]
    asked = [envelope for envelope in envelopes if envelope is not None]
    seats = []
    for (name, params), envelope in zip(named.items(), envelopes, strict=True):
        guards = envelope is None
        told = _told(params, asked) if guards else params
        seats.append(Seat(wrap(kinds[name].make(told)), guards))
    return sorted(seats, key=lambda seat: not seat.guards)


def envelope_of(settings: Settings, position: str) -> Envelope | None:
    """Return the riskiest envelope of a position's agents, None if all only lower risk."""
    kinds = own_agents(settings)
    named = settings.positions[position].agents.items()
    asked = [kinds[name].envelope(params) for name, params in named]
    risky = [envelope for envelope in asked if envelope is not None]
    return max(risky, key=lambda envelope: envelope.band_high, default=None)


def ways(recorder: Recorder, native: Asset, source: str) -> Ways:
    """Return how the executor describes its steps to the journal."""

    def mark(mandate: Mandate, done: StepDone) -> Sequence[Event]:
        page = recorder.book.page(mandate.position_id)
        return accounting.marks_around(page, done, native, source)

    return Ways(snapshot_of, mark)


def _told(params: Any, asked: Sequence[Envelope]) -> Any:
    """Return a guard's parameters with what the others ask for, where it leaves that open."""
    fields = type(params).model_fields
    if not asked or not {"target", "band_high"} <= fields.keys():
        return params
    top = max(asked, key=lambda envelope: envelope.band_high)
    known: dict[str, Decimal] = {"target": top.leverage_target, "band_high": top.band_high}
    missing = {name: value for name, value in known.items() if getattr(params, name) is None}
    return params.model_copy(update=missing)


def _say(code: str, message: str) -> None:
    LogNotifier().notify(AlertRaised("", code, message))
