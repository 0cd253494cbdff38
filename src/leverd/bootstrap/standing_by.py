"""Two daemons on two machines, one of which acts: wait for the lease, take over, act, wait again.

While another holds the lease we follow its journal and sign nothing. Who takes the lease first
brings its own journal up to the copy: what the predecessor left under way is in there, and is
settled on chain as after any restart. While the server does not answer, or answers and will not
write, nobody can be given the lease; then we guard, as far as the chain itself lets an act happen
only once.
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
from leverd.errors import (
    JournalRefusedError,
    LeverdError,
    NonsenseError,
    OwnerError,
    UnreachableError,
)
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
    silence: str = ""  # the code of why no lease is to be had, as it was last said

    async def post(self, stop: asyncio.Event) -> Post | None:
        """Return once there is something to act under: the lease, or a server that gives none.

        None when told to stop first. Somebody acts as long as the lease is seen to be held; else
        what counts is that it can be taken, not that the server answers.

        Raises:
            JournalError: our journal is another story than the copy's, or one of them is damaged.
        """
        row = LeaseRow(self.server, limit_s=self.terms.limit_s)
        heard = lasting()
        with acquire_lock(lock_path(self.path), what=f"the journal {self.path}"):
            while not stop.is_set():
                wait, seen = self.terms.renew_s, None
                try:
                    seen = await asyncio.to_thread(self._look, row)
                    if seen.is_held:
                        heard, wait = lasting(), min(wait, max(seen.left_s, _WAIT_S_MIN))
                        await asyncio.to_thread(self._keep_up)
                    else:
                        tenure = await self._taken(row)
                        if tenure is not None:
                            return self._given(tenure, seen)
                        heard = lasting()
                    self.silence = ""
                except (UnreachableError, JournalRefusedError, OwnerError) as error:
                    self._say_silence(error)
                    if lasting() - heard >= self.terms.ttl_s:
                        if seen is not None:
                            await self._read_on()
                        return self._alone(row, error)
                await _pause(self.clock, wait, stop)
        row.close()
        return None

    async def until_given(self, told: Callable[[], None]) -> None:
        """Ask until another holds the lease, or the server would let us have it, and tell."""
        row = LeaseRow(self.server, limit_s=self.terms.limit_s)
        try:
            while not await self._would_be_given(row):
                """Nobody can have it."""
        finally:
            row.close()
        told()

    async def _would_be_given(self, row: LeaseRow) -> bool:
        await self.clock.sleep(self.terms.renew_s)
        try:
            await asyncio.to_thread(self._rehearse, row)
        except LeverdError:
            self.prepared = False  # what comes back may be another database, and empty
            return False
        return True

    def _rehearse(self, row: LeaseRow) -> None:
        if not self._seen(row).is_held:
            row.rehearse()

    def _look(self, row: LeaseRow) -> Seen:
        """Return how the lease stands, and tell whoever looks after us."""
        seen = self._seen(row)
        whose = seen.holder if seen.is_held and seen.holder else "nobody"
        status = f"standby: {whose} holds the lease, epoch {seen.epoch}"
        self.supervisor.turned(status, fresh=True)
        if seen.is_held:
            self.file.say(Standing(STANDBY, seen.epoch, seen.holder))
        return seen

    def _seen(self, row: LeaseRow) -> Seen:
        if not self.prepared:
            lease.prepare(self.server)
            self.prepared = True
        return row.look()

    def _keep_up(self) -> None:
        """Follow the holder's journal where it is time to."""
        if self.followed_at is None or lasting() - self.followed_at >= _FOLLOW_S:
            self._follow()

    async def _taken(self, row: LeaseRow) -> Tenure | None:
        """Return the free lease, with our journal brought up to the copy; None if left to others.

        Raises:
            UnreachableError: the server fell silent on the way.
            JournalRefusedError: it would give the lease to nobody.
        """
        if lasting() < self.not_before or not await self._chain_answers():
            await asyncio.to_thread(row.rehearse)
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

    async def _read_on(self) -> None:
        """Follow a last time: a server that writes nothing may still tell what is under way."""
        with contextlib.suppress(UnreachableError, JournalRefusedError, OwnerError):
            await asyncio.to_thread(self._follow)

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

    def _given(self, tenure: Tenure, seen: Seen) -> Post:
        before = seen.holder or "nobody"
        news = f"took the lease, epoch {tenure.title.epoch}; before it was {before}'s"
        if self.set_aside:
            aside = "; ".join(str(each) for each in self.set_aside)
            news += f"; an older journal of this machine was set aside: {aside}"
            self.set_aside.clear()
        self.silence = ""
        return Post(self.account, tenure, news, self.server)

    def _say_silence(self, error: LeverdError) -> None:
        """Say that the lease is not to be had from the server; the same reason is said once."""
        self.followed_at = None
        self.supervisor.turned(f"standby, no lease to be had: {error}", fresh=True)
        if self.silence != error.code:
            logger.warning("no lease is to be had for now: {}", error)
        self.silence = error.code

    def _alone(self, row: LeaseRow, error: Exception) -> Post:
        row.close()
        self.file.say(Standing(WITHOUT, 0, ""))
        logger.warning(
            "{} without the lease: only deleverages that the chain itself lets happen once are"
            " signed: {}",
            RAN_OUT,
            error,
        )
        news = f"no server gave the lease: guarding alone ({error})"
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
    """Act until told to stop, or the lease is another's or to be had again; return if so."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    bells = [asyncio.create_task(_passed_on(stop, ending))]
    if post.tenure is None:
        bells.append(asyncio.create_task(ours.until_given(ending.set)))
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
