"""Two daemons on two machines, one of which acts: wait for the lease, take over, act, wait again.

While another holds the lease we follow its journal and sign nothing. Who takes the lease first
brings its own journal up to the copy: what the predecessor left under way is in there, and is
settled on chain as after any restart. While the server does not answer, nobody can be given the
lease; then we guard, as far as the chain itself lets an act happen only once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount
from loguru import logger

from leverd.adapters.evm.client import EvmClient
from leverd.adapters.sql_journal import Server, acquire_lock, lease, lock_path
from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.sql_journal.following import SET_ASIDE, Followed, follow
from leverd.adapters.sql_journal.lease import LeaseRow, Seen
from leverd.adapters.sql_journal.lease_file import STANDBY, WITHOUT, LeaseFile, Standing
from leverd.adapters.sql_journal.tenure import RAN_OUT, Tenure, Terms
from leverd.adapters.system_clock import lasting
from leverd.bootstrap.beside import server_at_start
from leverd.bootstrap.chain import key_of, open_client, venue_config
from leverd.bootstrap.leased import Post
from leverd.bootstrap.places import resolve
from leverd.errors import JournalError, NonsenseError, UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.supervisor import Supervisor
from leverd.settings import Settings

_FOLLOW_S: Final = 5.0
"""Between two looks at what the holder's journal says: the rest is taken with the lease."""

_CHAIN_S: Final = 2.0
"""For how long a node may think: who cannot see the chain leaves the lease to others."""

_WAIT_S_MIN: Final = 0.05


@dataclass(slots=True)
class Candidate:
    """One machine's wish to act. Its threads never touch the row at the same time."""

    settings: Settings
    clock: Clock
    supervisor: Supervisor
    account: LocalAccount
    path: Path
    server: Server
    terms: Terms
    name: str
    file: LeaseFile
    client: EvmClient
    prepared: bool = False
    not_before: float = 0.0  # by our lasting clock: we had our time, let another try first
    followed_at: float | None = None
    set_aside: list[Path] = field(default_factory=list)

    async def post(self, stop: asyncio.Event) -> Post | None:
        """Return once there is something to act under: the lease, or a server that is gone.

        None when told to stop first.

        Raises:
            JournalError: our journal is another story than the copy's, or one of them is damaged.
        """
        row = LeaseRow(self.server, limit_s=self.terms.limit_s)
        heard = lasting()
        with acquire_lock(lock_path(self.path), what=f"the journal {self.path}"):
            while not stop.is_set():
                wait = self.terms.renew_s
                try:
                    seen = await asyncio.to_thread(self._look, row)
                    heard = lasting()
                    tenure = await self._taken(row, seen)
                    if tenure is not None:
                        return Post(self.account, tenure, self._news(tenure, seen), self.server)
                    wait = min(wait, max(seen.left_s, _WAIT_S_MIN)) if seen.is_held else wait
                except UnreachableError as error:
                    self.followed_at = None
                    if lasting() - heard >= self.terms.ttl_s:
                        return self._alone(row, error)
                    self.supervisor.turned(f"standby, no answer: {error}", fresh=True)
                await _pause(self.clock, wait, stop)
        row.close()
        return None

    async def until_answered(self, told: Callable[[], None]) -> None:
        """Ask for the lease's row until the server answers, and tell."""
        row = LeaseRow(self.server, limit_s=self.terms.limit_s)
        while True:
            await self.clock.sleep(self.terms.renew_s)
            try:
                await asyncio.to_thread(self._seen, row)
            except (UnreachableError, JournalError):
                continue
            row.close()
            told()
            return

    def _look(self, row: LeaseRow) -> Seen:
        """Return how the lease stands; follow the holder's journal where it is time to."""
        seen = self._seen(row)
        whose = seen.holder if seen.is_held and seen.holder else "nobody"
        status = f"standby: {whose} holds the lease, epoch {seen.epoch}"
        self.supervisor.turned(status, fresh=True)
        if seen.is_held:
            self.file.say(Standing(STANDBY, seen.epoch, seen.holder))
            if self.followed_at is None or lasting() - self.followed_at >= _FOLLOW_S:
                self._follow()
        return seen

    def _seen(self, row: LeaseRow) -> Seen:
        if not self.prepared:
            lease.prepare(self.server)
            self.prepared = True
        return row.look()

    async def _taken(self, row: LeaseRow, seen: Seen) -> Tenure | None:
        """Return the lease, with our journal brought up to the copy; None if it is not to be had.

        Raises:
            UnreachableError: the server fell silent on the way.
        """
        if seen.is_held or lasting() < self.not_before or not await self._chain_answers():
            return None
        began = lasting()
        title = await asyncio.to_thread(row.take, self.name, self.terms.ttl_s)
        if title is None:
            return None
        tenure = Tenure(row, title, self.terms, began, now=lasting, file=self.file)
        tenure.start()
        try:
            await asyncio.to_thread(self._follow)
        except BaseException:
            await asyncio.to_thread(tenure.close)
            raise
        return tenure

    async def _chain_answers(self) -> bool:
        try:
            await self.client.connect(deadline_s=_CHAIN_S)
        except (UnreachableError, NonsenseError) as error:
            logger.warning("the lease is free, and left to others: {}", error)
            return False
        return True

    def _follow(self) -> None:
        followed: Followed = follow(self.path, self.server)
        self.followed_at = lasting()
        if followed.set_aside is not None:
            self.set_aside.append(followed.set_aside)
            logger.warning(
                "{} the copy has gone on without this journal's last entries: it is in {} now",
                SET_ASIDE,
                followed.set_aside,
            )

    def _news(self, tenure: Tenure, seen: Seen) -> str:
        before = seen.holder or "nobody"
        text = f"took the lease, epoch {tenure.title.epoch}; before it was {before}'s"
        aside = "; ".join(str(each) for each in self.set_aside)
        self.set_aside.clear()
        return f"{text}; an older journal of this machine was set aside: {aside}" if aside else text

    def _alone(self, row: LeaseRow, error: Exception) -> Post:
        row.close()
        self.file.say(Standing(WITHOUT, 0, ""))
        logger.warning(
            "{} without the lease: only deleverages that the chain itself lets happen once are"
            " signed: {}",
            RAN_OUT,
            error,
        )
        news = "no server gave the lease: guarding alone"
        return Post(self.account, None, news, self.server)


async def run(
    settings: Settings,
    clock: Clock,
    supervisor: Supervisor,
    stop: asyncio.Event,
    act: Callable[[Post, asyncio.Event], Awaitable[None]],
) -> None:
    """Have `act` run, with the event that ends it, whenever there is something to act under.

    Raises:
        LeverdError: `act` could not begin, or our journal is not the copy's.
    """
    async with candidate(settings, clock, supervisor) as ours:
        while not stop.is_set():
            post = await ours.post(stop)
            if post is not None and not await _acted(ours, post, stop, act):
                return  # it ended by itself, as when memory is full: whoever started us begins anew


@asynccontextmanager
async def candidate(
    settings: Settings, clock: Clock, supervisor: Supervisor
) -> AsyncIterator[Candidate]:
    """Yield what may wait for the lease: key unlocked, chain and server named.

    Raises:
        SecretError: the key is missing or wrong.
    """
    server = server_at_start(settings)
    assert server is not None, "the form check wants it"
    path = file_of(settings.journal.path)
    places = resolve(settings)
    terms = Terms(float(settings.standby.ttl_s), float(settings.standby.renew_s))
    client = open_client(venue_config(settings, places, settings.limits.limits()), clock)
    try:
        yield Candidate(
            settings,
            clock,
            supervisor,
            account=key_of(settings.key, os.environ),
            path=path,
            server=server,
            terms=terms,
            name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
            file=LeaseFile(path),
            client=client,
        )
    finally:
        await client.close()


async def _acted(
    ours: Candidate,
    post: Post,
    stop: asyncio.Event,
    act: Callable[[Post, asyncio.Event], Awaitable[None]],
) -> bool:
    """Act until told to stop, the lease is another's, or the server answers; return if so."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    bells = [asyncio.create_task(_passed_on(stop, ending))]
    if post.tenure is None:
        bells.append(asyncio.create_task(ours.until_answered(ending.set)))
    else:
        post.tenure.on_end(partial(_ring, loop, ending))
    try:
        await act(post, ending)
        return ending.is_set()
    finally:
        for bell in bells:
            bell.cancel()
        await asyncio.gather(*bells, return_exceptions=True)
        if post.tenure is not None:
            if post.tenure.is_over():
                ours.not_before = lasting() + 2 * ours.terms.ttl_s
            await asyncio.to_thread(post.tenure.close)


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    """Set `bell` from another thread; a loop that is gone needs no bell any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(bell.set)


async def _passed_on(one: asyncio.Event, other: asyncio.Event) -> None:
    await one.wait()
    other.set()


async def _pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Wait on our clock, but no longer than until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        nap = group.create_task(clock.sleep(seconds))
        bell = group.create_task(stop.wait())
        await asyncio.wait((nap, bell), return_when=asyncio.FIRST_COMPLETED)
        nap.cancel()
        bell.cancel()
