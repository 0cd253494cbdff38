"""Look at the chain and the journal of the settings, beside a daemon or without one.

Nothing is signed, no lock is taken and no password is asked for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leverd.adapters.evm import account as contract
from leverd.adapters.evm import keystore, reads
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.onlooker import NOBODY, Onlooker
from leverd.adapters.evm.survey import ask
from leverd.adapters.evm.venue import EvmVenue
from leverd.adapters.sql_journal import SqlLedger
from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.chain import Chain, key_of, open_client, venue_config
from leverd.bootstrap.paper import open_paper
from leverd.bootstrap.places import PAPER, Places
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.errors import JournalForeignError, NonsenseError, SecretError, UnreachableError
from leverd.execution import recovery, slots
from leverd.execution.recovery import Known
from leverd.interfaces.journal import Binding, Entry
from leverd.settings import Key, Settings

CONNECT_S: Final = 10.0
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal says, folded; empty before the first start."""

    book: Book = field(default_factory=Book)
    known: Known = field(default_factory=Known)
    binding: Binding | None = None  # None before the first start

    @property
    def open_slots(self) -> int:
        """How many transactions were under way when it was read."""
        return len(slots.open_slots(self.known.slots))


@asynccontextmanager
async def watching(settings: Settings, places: Places) -> AsyncIterator[Chain]:
    """Yield the venue of `places`, connected, with an address but no key behind it.

    Raises:
        UnreachableError: no node answers.
        NonsenseError: it is another chain's.
    """
    clock = SystemClock()
    if settings.mode == PAPER:
        chain = open_paper(settings, places, clock)
        try:
            await chain.client.connect(deadline_s=CONNECT_S)
            yield chain
        finally:
            await chain.venue.close()
        return
    config = venue_config(settings, places, settings.limits.limits())
    client = open_client(config, clock)
    try:
        await client.connect(deadline_s=CONNECT_S)
        signer = Onlooker(await operator_of(settings.key, config, client))
        yield Chain(config, client, EvmVenue(config, client, signer, clock))
    finally:
        await client.close()


def address_of(key: Key) -> str:
    """Return the operator's address; a keystore tells it without its password.

    Raises:
        SecretError: the key is not where the settings say.
        UnreachableError: the place it comes from does not answer.
    """
    if key.keystore is not None:
        return keystore.address_in(Path(key.keystore))
    return str(key_of(key, os.environ).address)


async def operator_of(key: Key, config: EvmVenueConfig, client: EvmClient) -> str:
    """Return the operator's address: the key's, or where no key is the first account's own.

    A key that only the daemon may read is no reason to see nothing; one that would have to be
    fetched from elsewhere is not fetched only to look, unless nothing else tells.
    """
    is_elsewhere = key.aws is not None or key.command is not None
    if not is_elsewhere:
        with suppress(SecretError):
            return address_of(key)
    for account in config.accounts:
        try:
            return await ask(client, reads.address(account, contract.OPERATOR))
        except NonsenseError:
            continue  # no contract of ours: it names no operator
    if is_elsewhere:
        with suppress(SecretError, UnreachableError):
            return await asyncio.to_thread(address_of, key)
    return NOBODY


def remembered(settings: Settings, signer: str) -> Memory:
    """Return what the journal of `settings` says, read without its lock.

    Raises:
        JournalError: it cannot be read.
    """
    path = file_of(settings.journal.path)
    if not path.exists():
        return Memory()
    ledger = SqlLedger(path)
    try:
        binding, book, known = ledger.binding(), Book(), Known()
        for entry in _all(ledger):
            book = fold(book, entry.event, entry.chain_at)
            known = recovery.fold(known, entry.event, entry.chain_at, signer)
    finally:
        ledger.close()
    return Memory(book, known, binding)


async def check_binding(settings: Settings, memory: Memory, chain: Chain) -> None:
    """Check that the journal tells of the chain that is looked at.

    Raises:
        JournalForeignError: it tells of another.
    """
    if memory.binding is None:
        return
    here = Binding(settings.mode, chain.config.chain_id, await chain.client.genesis())
    if memory.binding != here:
        raise JournalForeignError(
            f"the journal belongs to {_named(memory.binding)}, not to {_named(here)}",
            number=3,
            place=settings.journal.path,
            remedy="name another file under journal.path, or connect to its own chain",
        )


def _all(ledger: SqlLedger) -> Iterator[Entry]:
    after = 0
    while batch := ledger.entries(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].seq


def _named(binding: Binding) -> str:
    return f"{binding.mode} on chain {binding.chain_id} ({binding.genesis})"
