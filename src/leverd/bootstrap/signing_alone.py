"""One process signs for a key on a chain, whoever runs it and wherever its files are."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from leverd.adapters import machine_name
from leverd.adapters.sql_journal import acquire_lock
from leverd.bootstrap.places import Places


class SignerLock:
    """The right to sign. `release` it, or let the process end."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held

    def become(self, other: SignerLock) -> None:
        """Hold what `other` holds, and no more what was held; `other` is spent."""
        self._held.close()
        self._held = other._held

    def release(self) -> None:
        """Let another process sign."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def nobody_signs() -> SignerLock:
    """Return the lock of a process that has no key."""
    return SignerLock(ExitStack())


def signer_lock(places: Places, address: str) -> SignerLock:
    """Return the lock that makes us the machine's only process to sign for a key on a chain.

    It lies apart from any journal, so that two journals do not hide two signers. Local
    chains all have one id; what tells them apart is where they answer. Two kinds of lock are
    taken: the kernel's name reaches across users and private temporary folders, the file
    across network namespaces of one user, and to systems without such names.

    Raises:
        JournalLockedError: another process has it.
    """
    local = f"-{urlsplit(places.rpc[0]).port}" if places.profile == "local" else ""
    who = f"signer-{places.chain_id}{local}-{address}"
    what = f"the key {address} on chain {places.chain_id}"
    return _held(who, what)


def spot_lock(chain_id: str, address: str) -> SignerLock:
    """Return the lock that makes us the machine's only process to trade for an account.

    Raises:
        JournalLockedError: another process has it.
    """
    return _held(f"trader-{chain_id}-{address}", f"the account {address} on {chain_id}")


def _held(who: str, what: str) -> SignerLock:
    folder = Path(tempfile.gettempdir()) / f"leverd-{os.getuid()}"
    with ExitStack() as held:
        held.enter_context(acquire_lock(folder / f"{who}.lock", what=what))
        held.enter_context(machine_name.claim(f"leverd-{who.lower()}", what=what))
        return SignerLock(held.pop_all())
    raise AssertionError("an exit stack swallows nothing here")
