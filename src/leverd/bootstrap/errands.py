"""One transaction of a person: tried first, priced, shown, signed for that alone, waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from leverd.adapters.evm import codes, fees, keystore
from leverd.adapters.evm.allow_list import GAS_MAX, AllowList, Rule
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.signer import LocalSigner
from leverd.adapters.secrets import EnvironmentSecrets
from leverd.bootstrap.chain import Chain, key_of
from leverd.bootstrap.looking import Memory, address_of
from leverd.bootstrap.places import Places
from leverd.bootstrap.signing_alone import SignerLock, signer_lock
from leverd.bootstrap.undumpable import undumpable
from leverd.domain.fixed_point import mul_div_up
from leverd.errors import JournalLockedError, OwnerError, RevertedError, UnreachableError
from leverd.interfaces.chain_client import Call, Receipt
from leverd.interfaces.clock import Clock
from leverd.interfaces.secrets import Secret
from leverd.interfaces.signer import UnsignedTransaction
from leverd.interfaces.venue import Fees
from leverd.settings import Settings

_MARGIN: Final = (5, 4)  # of gas: what a rehearsal used is not quite what it will use
_URGENCY: Final = 0.5  # people wait, but not for hours
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Errand:
    """What a transaction does, in words and in bytes."""

    what: str
    call: Call


@dataclass(frozen=True, slots=True)
class Priced:
    """An errand that works as of now, and what it takes."""

    errand: Errand
    sender: str
    nonce: int
    gas: int
    fees: Fees

    @property
    def cost_max(self) -> int:
        """What it may cost at most, wei."""
        return self.gas * self.fees.max_fee


@dataclass(frozen=True, slots=True)
class Wallet:
    """Whose transactions they are; without a key they are only shown."""

    address: str
    key: LocalAccount | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait for a block, and whom to tell meanwhile."""

    seconds: float  # wall
    tell: Callable[[str], None]
    busy: Callable[[str], AbstractContextManager[object]]  # shows that something goes on


def owner_wallet(path: Path, password: Secret) -> Wallet:
    """Return the wallet kept in the keystore at `path`.

    Raises:
        SecretError: there is none, or the password does not open it.
    """
    undumpable()
    account = keystore.unlock(path, password)
    return Wallet(str(account.address), account)


def environment_wallet(name: str) -> Wallet:
    """Return the wallet whose key is in the environment's variable `name`.

    Raises:
        SecretError: it is not set, or holds no key.
    """
    undumpable()
    account = keystore.account_of(EnvironmentSecrets(os.environ).get(name))
    return Wallet(str(account.address), account)


def operator_wallet(settings: Settings) -> Wallet:
    """Return the daemon's own wallet.

    Raises:
        SecretError: its key is not where the settings say.
    """
    account = key_of(settings.key, os.environ)
    return Wallet(str(account.address), account)


def operator_address(settings: Settings) -> str:
    """Return the address of the daemon's key, without its password where that is possible.

    Raises:
        SecretError: the key is not where the settings say.
    """
    return address_of(settings.key)


def alone_with(places: Places, wallet: Wallet, memory: Memory) -> SignerLock:
    """Return the lock that makes us the only process to sign for `wallet`.

    Raises:
        JournalLockedError: a daemon signs for it.
        OwnerError: the journal knows transactions of it that are not settled.
    """
    try:
        lock = signer_lock(places, wallet.address)
    except JournalLockedError as error:
        remedy = "use the owner's wallet, or stop that process first"
        raise JournalLockedError(
            error.message, number=error.number, place=error.place, remedy=remedy
        ) from error
    if memory.open_slots:
        lock.release()
        raise OwnerError(
            f"{memory.open_slots} transaction(s) of this key are not settled yet",
            number=codes.SLOTS_OPEN,
            place=wallet.address,
            remedy="let run_agent settle them first; a stop waits for them",
        )
    return lock


async def priced(chain: Chain, errand: Errand, sender: str) -> Priced:
    """Return what `errand` takes, having tried it on the newest block.

    Raises:
        RevertedError: it would revert, and why.
        OwnerError: the sender cannot pay for it, or has another one waiting.
    """
    client = chain.client
    try:
        used = await client.rehearse(errand.call, sender=sender)
    except RevertedError as error:
        raise RevertedError(
            error.reason,
            number=error.number,
            place=errand.what,
            remedy="it was only tried: nothing of it was sent",
        ) from error
    gas = min(mul_div_up(used, *_MARGIN), GAS_MAX)
    base_fee, tips = await client.recent_fees(fees.BLOCKS)
    bid = fees.bid(
        base_fee,
        tips,
        _URGENCY,
        profile=chain.config.profile,
        price_max=chain.config.gas_price_wei_max,
    )
    found = Priced(errand, sender, await _free_nonce(client, sender), gas, bid)
    balance = await client.balance(sender)
    if balance < found.cost_max:
        raise OwnerError(
            f"{sender} has {balance} wei, and gas may cost {found.cost_max}",
            number=codes.NO_GAS,
            place=sender,
            remedy="send it native tokens first",
        )
    return found


async def carried_out(
    chain: Chain, item: Priced, key: LocalAccount, clock: Clock, wait: Wait
) -> Receipt:
    """Return the receipt of `item`, signed by a signer that signs nothing else.

    Raises:
        RevertedError: it reverted in its block after all.
        RefusedError: the node did not take it; nothing was done.
        UnreachableError: it is in no block in time; it may still be mined.
    """
    call, client = item.errand.call, chain.client
    rule = Rule(call.to, call.data[:4], only=call.data)
    allow = AllowList(chain.config.chain_id, (rule,), max_fee=item.fees.max_fee)
    signed = LocalSigner(key, allow).sign(
        UnsignedTransaction(
            chain_id=chain.config.chain_id,
            nonce=item.nonce,
            to=call.to,
            data=call.data,
            value=0,
            gas=item.gas,
            max_fee=item.fees.max_fee,
            priority_fee=item.fees.priority_fee,
        )
    )
    wait.tell(f"sent as {signed.tx_hash}")  # before it is: whatever happens next, it has a name
    try:
        await client.send(signed.payload)
    except UnreachableError as error:
        wait.tell(f"no clear answer ({error.message}); looking for it all the same")
    with wait.busy("waiting for a block"):
        receipt = await _mined(client, signed.tx_hash, clock, wait)
    if not receipt.succeeded:
        raise RevertedError(
            f"it worked when tried, and reverted in block {receipt.block}",
            number=codes.REVERTED,
            place=signed.tx_hash,
            remedy="look what is true now, and try again",
        )
    return receipt


async def _mined(client: EvmClient, tx_hash: str, clock: Clock, wait: Wait) -> Receipt:
    deadline = clock.monotonic() + wait.seconds
    while (receipt := await client.receipt(tx_hash)) is None:
        if clock.monotonic() >= deadline:
            raise UnreachableError(
                f"in no block after {wait.seconds:.0f} s; it may still be mined",
                number=codes.NOT_MINED,
                place=tx_hash,
                remedy="look the hash up before trying again; the same nonce acts only once",
            )
        await clock.sleep(_LOOK_S)
    return receipt


async def _free_nonce(client: EvmClient, sender: str) -> int:
    nonce = await client.nonce(sender)
    if await client.nonce(sender, pending=True) > nonce:
        raise OwnerError(
            f"another transaction of {sender} waits for a block",
            number=codes.WAITING,
            place=f"nonce {nonce}",
            remedy="wait until it is mined, or cancel it in your wallet",
        )
    return nonce
