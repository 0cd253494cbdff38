"""One machine's wish to act where two share a key: it waits for the lease, or to guard alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount
from loguru import logger

from leverd.adapters.evm.client import EvmClient
from leverd.adapters.sql_journal import Server, acquire_lock, lease, lock_path
from leverd.adapters.sql_journal.following import SET_ASIDE, Followed, follow
from leverd.adapters.sql_journal.lease import LeaseRow, Seen
from leverd.adapters.sql_journal.lease_file import STANDBY, WITHOUT, LeaseFile, Standing
from leverd.adapters.sql_journal.tenure import RAN_OUT, Tenure, Terms
from leverd.adapters.system_clock import lasting
from leverd.bootstrap.chain_sight import ChainSight, head_age_s
from leverd.bootstrap.leased import Post
from leverd.errors import (
    JournalRefusedError,
    LeverdError,
    NonsenseError,
    OwnerError,
    UnreachableError,
)
from leverd.interfaces.clock import Clock
from leverd.interfaces.supervisor import Supervisor

_FOLLOW_S: Final = 5.0
"""Between two looks at what the holder's journal says: the rest is taken with the lease."""

_LEFT_TTLS: Final = 3.0
"""For how long a free lease is left to who sees a newer block, in times of `ttl_s`."""

_WAIT_S_MIN: Final = 0.05


@dataclass(slots=True)
class Candidate:
    """One machine's wish to act. Its threads never touch the row at the same time."""

    clock: Clock
    supervisor: Supervisor
    account: LocalAccount
    path: Path
    server: Server
    terms: Terms
    name: str
    file: LeaseFile
    client: EvmClient
    blind_s: float  # wall seconds by which a holder's look at the chain may be late
    head_age_s_max: int | None  # None: a block's time says nothing of its age
    prepared: bool = False
    not_before: float = 0.0  # by our lasting clock: we had our time, let another try first
    followed_at: float | None = None
    set_aside: list[Path] = field(default_factory=list)
    silence: str = ""  # the code of why no lease is to be had, as it was last said
    is_left: bool = False  # it was said that a free lease is left to others
    free_since: float | None = None  # by our lasting clock; None while another holds the lease
    in_vain: int = 0  # tenures in a row that never saw the chain as it is
    sight: ChainSight | None = None  # of the last tenure

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
                    self._note(seen)
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
                    if lasting() - heard >= self.terms.ttl_s and await self._chain_answers():
                        if seen is not None:
                            await self._read_on()
                        return self._alone(row, error)
                await _pause(self.clock, wait, stop)
        row.close()
        return None

    def let_others(self, post: Post) -> None:
        """Leave the lease to others for a while: we had our time, or saw nothing in it."""
        self.not_before = lasting() + 2 * self.terms.ttl_s
        is_in_vain = post.sight is not None and post.sight.is_in_vain()
        self.in_vain = self.in_vain + 1 if is_in_vain else 0

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

    def _note(self, seen: Seen) -> None:
        if seen.is_held:
            self.free_since, self.is_left = None, False
        elif self.free_since is None:
            self.free_since = lasting()

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
        if lasting() < self.not_before or not await self._sees_enough():
            await asyncio.to_thread(row.rehearse)
            return None
        began = lasting()
        title = await asyncio.to_thread(row.take, self.name, self.terms.ttl_s)
        if title is None:
            return None
        self.sight = ChainSight(self.blind_s, self.in_vain, lasting)
        tenure = Tenure(
            row, title, self.terms, began, now=lasting, file=self.file, sight=self.sight
        )
        tenure.start()
        try:
            await asyncio.to_thread(self._follow)
        except BaseException:
            await asyncio.to_thread(tenure.close)
            raise
        return tenure

    async def _sees_enough(self) -> bool:
        """Return whether we see the chain as it is, or nobody who does took the free lease.

        By an old block nothing is opened, but it may be all that anybody sees.
        """
        try:
            age = await head_age_s(self.client, self.clock)
        except (UnreachableError, NonsenseError) as error:
            self._say_left(str(error))
            return False
        is_old = self.head_age_s_max is not None and age > self.head_age_s_max
        free_s = lasting() - (self.free_since or lasting())
        if is_old and free_s < _LEFT_TTLS * self.terms.ttl_s:
            self._say_left(f"the newest block we see is {age:.0f} s off our clock")
            return False
        return True

    async def _chain_answers(self) -> bool:
        """Return whether anything could be guarded, were it alone."""
        try:
            await head_age_s(self.client, self.clock)
        except (UnreachableError, NonsenseError):
            return False
        return True

    def _say_left(self, why: str) -> None:
        if not self.is_left:
            logger.warning("the lease is free, and left to others: {}", why)
        self.is_left = True

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
        self.silence, self.is_left = "", False
        return Post(self.account, tenure, news, self.server, self.sight)

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


async def _pause(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Wait on our clock, but no longer than until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        nap = group.create_task(clock.sleep(seconds))
        bell = group.create_task(stop.wait())
        await asyncio.wait((nap, bell), return_when=asyncio.FIRST_COMPLETED)
        nap.cancel()
        bell.cancel()
