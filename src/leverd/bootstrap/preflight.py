"""The chain's part of `leverd doctor`: ask it everything a start would ask, and sign nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from leverd.adapters.evm.findings import Severity
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import start_checks
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.checks import Check, Status
from leverd.bootstrap.daemon import is_live
from leverd.bootstrap.looking import address_of, check_binding, remembered, watching
from leverd.bootstrap.places import PAPER, Places, resolve
from leverd.errors import JournalForeignError, SecretError, UnreachableError
from leverd.risk.raising import deleverage_wei
from leverd.settings import Settings

_ETHER: Final = 10**18


def checks(settings: Settings) -> Sequence[Check]:
    """Return what is wrong with the chain the settings name, or that nothing is.

    Raises:
        UnreachableError: no node answers.
        JournalError: the journal cannot be read.
    """
    return asyncio.run(_asked(settings, resolve(settings)))


async def _asked(settings: Settings, places: Places) -> Sequence[Check]:
    async with watching(settings, places) as chain:
        found = [each async for each in _findings(places, chain)]
        if settings.mode != PAPER:
            found += [each async for each in _key(settings)]
        if not found:
            whose = "seen by nobody" if settings.mode == PAPER else f"for {chain.venue.signer}"
            text = f"chain {places.chain_id} is as the settings say, {whose}"
            found.append(Check("chain", Status.GOOD, text))
        found.append(await _reserve(settings, places, chain))
        found.append(await _binding(settings, chain))
        if is_live(settings):
            found.append(await _clock(settings, chain))
    return found


async def _findings(places: Places, chain: Chain) -> AsyncIterator[Check]:
    for each in await start_checks.findings(chain, places.mandates):
        status = Status.NOTE if each.severity is Severity.NOTE else Status.BAD
        yield Check(each.code, status, each.error.message, each.error.remedy)


async def _key(settings: Settings) -> AsyncIterator[Check]:
    """Yield a note where whose key it is can only be guessed from the account."""
    try:
        await asyncio.to_thread(address_of, settings.key)
    except (SecretError, UnreachableError) as error:
        text = f"{error.message}: here only the daemon may read it; the account's operator is taken"
        yield Check(error.code, Status.NOTE, text, error.remedy)


async def _reserve(settings: Settings, places: Places, chain: Chain) -> Check:
    """Return whether the key, or the paper purse, can pay for the deleverages kept back for."""
    on_paper = settings.mode == PAPER
    limits = settings.limits.limits()
    seen = await chain.venue.observe(places.mandates)
    atomic = all(each.atomic for each in seen.positions.values())
    one = deleverage_wei(limits, atomic=atomic)
    held = seen.gas.operator_balance
    needed = one * limits.gas_reserve_deleverages
    text = (
        f"the {'paper purse' if on_paper else 'key'} holds {_ether(held)} ETH for gas,"
        f" {held // one} deleverages at gas_price_gwei_worst; {_ether(needed)} are kept back for"
        f" {limits.gas_reserve_deleverages}"
    )
    if held < needed:
        missing = f"{_ether(needed - held)} ETH or more"
        way = f"raise paper.gas by {missing}, and restart"
        remedy = way if on_paper else f"send {missing} to {chain.venue.signer}"
        return Check("gas", Status.BAD, text, remedy)
    return Check("gas", Status.GOOD, text)


async def _binding(settings: Settings, chain: Chain) -> Check:
    memory = remembered(settings, chain.venue.signer)
    try:
        await check_binding(settings, memory, chain)
    except JournalForeignError as error:
        return Check(error.code, Status.BAD, error.message, error.remedy)
    if memory.binding is None:
        return Check("binding", Status.NOTE, "no journal is bound to this chain yet")
    flying = f"; {memory.open_slots} transaction(s) under way" if memory.open_slots else ""
    return Check("binding", Status.GOOD, f"the journal tells of this very chain{flying}")


async def _clock(settings: Settings, chain: Chain) -> Check:
    head = await chain.client.head()
    age = (SystemClock().now() - datetime.fromtimestamp(head.at, UTC)).total_seconds()
    text = f"the newest block is {age:.0f} s old by this machine's clock"
    if abs(age) > settings.limits.view_age_s_max:
        remedy = "set the clock (NTP), or replace a node that is stuck"
        return Check("clock", Status.BAD, text, remedy)
    return Check("clock", Status.GOOD, text)


def _ether(wei: int) -> str:
    return f"{Decimal(wei) / _ETHER:.4f}"
