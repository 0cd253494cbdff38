"""A daemon, ready to run: every concrete class, chosen by settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.sql_journal import Heartbeat, SqlJournal, SqlRequests
from leverd.adapters.sql_journal.database import file_of
from leverd.bootstrap.beside import Beside, beside_of
from leverd.bootstrap.chain import Chain, gas_bounds, key_of, open_chain, venue_config
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.holders import holders_of
from leverd.bootstrap.kept_settings import keep
from leverd.bootstrap.leased import LeasedTuner, Post
from leverd.bootstrap.paper import open_paper
from leverd.bootstrap.places import PAPER, Places, resolve, without
from leverd.bootstrap.remembering import foresight_remembering
from leverd.bootstrap.renewal import Renewal
from leverd.bootstrap.seating import guards_only, own_agents, seats_of
from leverd.bootstrap.signing_alone import SignerLock, nobody_signs, signer_lock
from leverd.bootstrap.sources import Source
from leverd.bootstrap.subjects import is_the_loops
from leverd.bootstrap.timing import timing_of
from leverd.bootstrap.tuning import FileTuner, Hands, tuned
from leverd.bootstrap.watchers import watcher_of
from leverd.domain.events import AlertRaised, Event
from leverd.domain.money import Asset
from leverd.domain.position import Mandate
from leverd.engine import accounting, whereabouts
from leverd.engine.collect import snapshot_of
from leverd.engine.daemon import Charter, Daemon, World
from leverd.engine.memory_guard import MemoryGuard
from leverd.engine.pace import Pace
from leverd.engine.recorder import Recorder
from leverd.engine.stopwatch import TimedAgent
from leverd.errors import OwnerError
from leverd.execution.executor import Executor, Ways
from leverd.execution.slots import Policy
from leverd.execution.verify import StepDone
from leverd.interfaces.clock import Clock
from leverd.interfaces.journal import Binding
from leverd.interfaces.supervisor import Alone, Supervisor
from leverd.interfaces.watcher import Several, Watcher
from leverd.settings import Settings

STOP_GRACE_S: Final = 30.0
"""Wall seconds that a stop may take to settle what is in flight."""


_UPGRADE_S: Final = 60.0
_UPGRADED_A_S: Final = 20_000
"""Entries that an index is made over in a second, at least: a tenth of what was measured."""

_ALONE: Final = Alone()
_UNPOSTED: Final = 131


@dataclass(frozen=True, slots=True)
class Care:
    """How a daemon is kept: who looks after it, and where it may be told new settings."""

    source: Source | None = None  # None: settings do not change while it runs
    supervisor: Supervisor = _ALONE
    guards_only: bool = False
    post: Post | None = None  # what it acts under, where another machine has the key too
    apart: Collection[str] = ()  # positions left out, and with them what nobody else uses


@dataclass(frozen=True, slots=True)
class Opened:
    """A daemon and what has to be closed after it."""

    daemon: Daemon
    charter: Charter
    mandates: Sequence[Mandate]  # of every position, also where it keeps one alone
    chain: Chain
    recorder: Recorder
    requests: SqlRequests
    lock: SignerLock
    beside: Beside
    feeds: OutsideFeeds
    tuner: FileTuner | None = None
    renewal: Renewal | None = None

    def remember(self) -> None:
        """Fold the journal, and look for positions where it says that they are kept."""
        self.recorder.restore()
        self.chain.hold(whereabouts.kept(self.recorder.book, self.mandates))

    async def close(self) -> None:
        """Release the chain, the feeds, the journal and the locks."""
        await self.chain.venue.close()
        await self.feeds.close()
        self.beside.close()
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
        OwnerError: another machine has the key too, and it was not said who acts.
    """
    care = care or Care()
    post = care.post
    places = without(resolve(settings, apart=care.apart), care.apart)
    account = _account(settings, post)
    chain = (
        open_paper(settings, places, clock)
        if account is None
        else open_chain(settings, places, account, clock, None if post is None else post.lease)
    )
    async with AsyncExitStack() as undo:
        undo.push_async_callback(chain.venue.close)
        await chain.client.connect(deadline_s=wait_s)
        mine = nobody_signs() if account is None else signer_lock(places, account.address)
        lock = undo.enter_context(mine)
        journal = file_of(settings.journal.path)
        beside = beside_of(settings, journal, clock, post)
        recorder = Recorder(_journal(journal, clock, beside, care.supervisor))
        undo.callback(recorder.close)
        recorder.bind(Binding(settings.mode, places.chain_id, await chain.client.genesis()))
        if account is None:
            # A node behind the journal knows nothing of a paper position: wait as for a dead one.
            await chain.venue.observe(places.mandates)
        requests = SqlRequests(journal, clock)
        undo.callback(beside.close)
        beside.start()
        charter = charter_of(settings, places, clock, only)
        if care.guards_only:
            charter = replace(charter, seats=guards_only(settings, charter.seats))
        feeds = OutsideFeeds(clock, os.environ)
        undo.push_async_callback(feeds.close)
        renewal = Renewal(
            holders_of(None if account is None else str(account.address), beside, feeds)
        )
        tuner = _tuner(settings, places, chain, clock, care, renewal)
        dependencies = partial(_dependencies, chain, beside, feeds, post)
        world = World(
            clock,
            chain.venue,
            recorder,
            requests,
            beside.notifier,
            _executor(settings, chain, recorder, places),
            MemoryGuard(settings.memory.warn_mb, settings.memory.stop_mb),
            Heartbeat(journal).beat,
            supervisor=care.supervisor,
            dependencies=dependencies,
            watcher=_watcher(watcher_of(settings, journal, chain, dependencies), post),
            tuner=tuner if post is None else _leased(settings, post, tuner),
            foresight=(
                None
                if care.guards_only
                else foresight_remembering(
                    settings, journal, feeds, about=partial(is_the_loops, settings)
                )
            ),
        )
        undo.pop_all()  # from here on the caller closes
    daemon = Daemon(charter, world)
    if tuner is not None:
        tuner.rouse = daemon.wake
    care.supervisor.pace(charter.pace.look_s_max / charter.speed)
    return Opened(
        daemon,
        charter,
        places.mandates,
        chain,
        recorder,
        requests,
        lock,
        beside,
        feeds,
        tuner,
        renewal,
    )


def _journal(path: Path, clock: Clock, beside: Beside, supervisor: Supervisor) -> SqlJournal:
    """Return the journal; where an older leverd made its tables, their upgrade has its time."""

    def upgrading(entries: int) -> None:
        status = f"bringing the journal's tables up to date, {entries} entries"
        supervisor.starting(status, _UPGRADE_S + entries / _UPGRADED_A_S)

    return SqlJournal(path, clock, appended=beside.appended, upgrading=upgrading)


def _account(settings: Settings, post: Post | None) -> LocalAccount | None:
    """Return the key, None where nothing is signed.

    Raises:
        OwnerError: it is shared with another machine, and nobody asked for the lease.
    """
    if settings.mode == PAPER:
        return None
    if post is not None:
        return post.account
    if settings.shares_its_key:
        raise OwnerError(
            "another machine signs for this key too, and who acts holds a lease",
            number=_UNPOSTED,
            place="standby",
            remedy="ask the daemon that acts; leverd db lease says which it is",
        )
    return key_of(settings.key, os.environ)


def _leased(settings: Settings, post: Post, tuner: FileTuner | None) -> LeasedTuner:
    return LeasedTuner(post.lease, partial(guards_only, settings), tuner)


def _watcher(outside: Watcher, post: Post | None) -> Watcher:
    return outside if post is None else Several((post.watcher, outside))


def _dependencies(
    chain: Chain, beside: Beside, feeds: OutsideFeeds, post: Post | None
) -> Mapping[str, str]:
    """Return what each dependency's breaker lets through."""
    leased = {} if post is None else post.circuits()
    return {**chain.circuits(), **beside.circuits(), **feeds.circuits(), **leased}


def _tuner(
    settings: Settings,
    places: Places,
    chain: Chain,
    clock: Clock,
    care: Care,
    renewal: Renewal,
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
        renewal=renewal,
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


def ways(recorder: Recorder, native: Asset, source: str) -> Ways:
    """Return how the executor describes its steps to the journal."""

    def mark(mandate: Mandate, done: StepDone) -> Sequence[Event]:
        page = recorder.book.page(mandate.position_id)
        return accounting.marks_around(page, done, native, source)

    def others(mandate: Mandate, done: StepDone) -> tuple[Event, ...]:
        page = recorder.book.page(mandate.position_id)
        return accounting.others_before(page, done, source)

    return Ways(snapshot_of, mark, others)


def _say(code: str, message: str) -> None:
    LogNotifier().notify(AlertRaised("", code, message))
