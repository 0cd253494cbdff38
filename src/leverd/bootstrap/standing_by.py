"""Two daemons on two machines, one of which acts: wait for the lease, take over, act, wait again.

While another holds the lease we follow its journal and sign nothing. Who takes the lease first
brings its own journal up to the copy: what the predecessor left under way is in there, and is
settled on chain as after any restart. While the server does not answer, or answers and will not
write, nobody can be given the lease; then we guard, as far as the chain itself lets an act happen
only once. Who does not see the chain has no use for the lease, and lets who does have it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.sql_journal.lease_file import LeaseFile
from leverd.adapters.sql_journal.tenure import Terms
from leverd.bootstrap.beside import server_at_start
from leverd.bootstrap.candidate import Candidate
from leverd.bootstrap.chain import key_of, open_client, venue_config
from leverd.bootstrap.daemon import is_live
from leverd.bootstrap.leased import Post
from leverd.bootstrap.places import homeless, resolve
from leverd.interfaces.clock import Clock
from leverd.interfaces.supervisor import Supervisor
from leverd.settings import Settings


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
    places = resolve(settings, apart=homeless(settings))
    terms = Terms(float(settings.standby.ttl_s), float(settings.standby.renew_s))
    limits = settings.limits.limits()
    client = open_client(venue_config(settings, places, limits), clock)
    try:
        yield Candidate(
            clock,
            supervisor,
            account=key_of(settings.key, os.environ),
            path=path,
            server=server,
            terms=terms,
            name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
            file=LeaseFile(path),
            client=client,
            blind_s=float(settings.standby.blind_s),
            head_age_s_max=limits.view_age_s_max if is_live(settings) else None,
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
                ours.let_others(post)
            await asyncio.to_thread(post.tenure.close)


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    """Set `bell` from another thread; a loop that is gone needs no bell any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(bell.set)


async def _passed_on(one: asyncio.Event, other: asyncio.Event) -> None:
    await one.wait()
    other.set()
