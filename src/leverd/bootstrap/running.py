"""Run a person's errands one after another: show, ask, sign, send, wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from leverd.adapters.evm import codes
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.account_facts import AccountFacts, contract_of, facts
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.errands import (
    Errand,
    Priced,
    Wait,
    Wallet,
    alone_with,
    carried_out,
    priced,
)
from leverd.bootstrap.looking import check_binding, remembered, watching
from leverd.bootstrap.places import Places
from leverd.domain.position import Mandate
from leverd.errors import OwnerError
from leverd.interfaces.chain_client import Call, Receipt
from leverd.settings import Settings

_ETHER: Final = 10**18
_GWEI: Final = 10**9

Planner: TypeAlias = Callable[[Chain, str], Awaitable[Sequence[Errand]]]
"""Takes the chain and the sender's address, and says what is to be done."""

Review: TypeAlias = Callable[[Chain, Sequence["Done"]], Awaitable[Sequence[str]]]
"""Takes the chain and what was done, and says what has come of it; raises if the wrong thing."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to deal with the person who asked."""

    tell: Callable[[str], None]
    ask: Callable[[Sequence[str]], None]  # shows what will be done; raises unless it may
    busy: Callable[[str], AbstractContextManager[object]]  # shows that something goes on
    wait_s: float  # wall seconds for each block


@dataclass(frozen=True, slots=True)
class Done:
    """One errand, and the receipt of its transaction; None where it was only shown."""

    what: str
    sender: str
    call: Call
    receipt: Receipt | None


def run(
    settings: Settings,
    places: Places,
    wallet: Wallet,
    planner: Planner,
    manner: Manner,
    review: Review | None = None,
) -> Sequence[Done]:
    """Return what was done. Without a key in `wallet`, nothing is: each call is only returned.

    Raises:
        RevertedError: the next one would revert, or did; those before it are done.
        OwnerError: it cannot be done as asked.
        JournalLockedError: a daemon signs for the same key.
        UnreachableError: no node answers, or a transaction is in no block in time.
    """
    return asyncio.run(_run(settings, places, wallet, planner, manner, review))


async def _run(
    settings: Settings,
    places: Places,
    wallet: Wallet,
    planner: Planner,
    manner: Manner,
    review: Review | None,
) -> Sequence[Done]:
    async with watching(settings, places) as chain:
        errands = await planner(chain, wallet.address)
        if not errands:
            return []
        if wallet.key is None:
            await chain.client.rehearse(errands[0].call, sender=wallet.address)
            return [Done(each.what, wallet.address, each.call, None) for each in errands]
        memory = remembered(settings, wallet.address)
        await check_binding(settings, memory, chain)
        with alone_with(places, wallet, memory):
            first = await priced(chain, errands[0], wallet.address)
            manner.ask(_lines(errands, first))
            done = [await _do(chain, wallet, errand, manner) for errand in errands]
            for line in await review(chain, done) if review else ():
                manner.tell(line)
            return done


async def _do(chain: Chain, wallet: Wallet, errand: Errand, manner: Manner) -> Done:
    assert wallet.key is not None, "without a key nothing is carried out"
    manner.tell(errand.what)
    item = await priced(chain, errand, wallet.address)  # anew: the one before it changed things
    wait = Wait(manner.wait_s, lambda text: manner.tell(f"  {text}"), manner.busy)
    receipt = await carried_out(chain, item, wallet.key, SystemClock(), wait)
    spent = Decimal(receipt.paid) / _ETHER
    manner.tell(f"  in block {receipt.block}, {receipt.gas_used:,} gas, {spent:.6f} ETH")
    return Done(errand.what, wallet.address, errand.call, receipt)


def _lines(errands: Sequence[Errand], first: Priced) -> list[str]:
    most, price = Decimal(first.cost_max) / _ETHER, Decimal(first.fees.max_fee) / _GWEI
    gas = f"gas is paid by {first.sender}: at most {most:.6f} ETH ({price:.2f} gwei)"
    also = " for the first of them" if len(errands) > 1 else ""
    return [*(each.what for each in errands), gas + also]


def owned(
    mandate: Mandate, plan: Callable[[Chain, AccountFacts], Awaitable[Sequence[Errand]]]
) -> Planner:
    """Return `plan` for those who own the account of `mandate`; refuse all others."""

    async def planner(chain: Chain, sender: str) -> Sequence[Errand]:
        found = await facts(chain, mandate)
        owner = contract_of(found).state.owner
        if owner.lower() != sender.lower():
            raise OwnerError(
                f"{mandate.account} belongs to {owner}, not to {sender}",
                number=codes.NOT_OWNER,
                place=f"positions.{mandate.position_id}",
                remedy="name the owner's key, or --print for a wallet elsewhere",
            )
        return await plan(chain, found)

    return planner
