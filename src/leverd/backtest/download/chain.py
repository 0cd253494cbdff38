"""What a chain remembers of reserves, oracles, staking rates and base fees, block by block."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi, chainlink
from leverd.adapters.evm.aave import reserves
from leverd.adapters.evm.reads import Read, number, together
from leverd.backtest.download.partial import Column, Partial, Request, Row
from leverd.backtest.download.patience import Sleep, patiently
from leverd.backtest.history import codes
from leverd.backtest.history.words import moment
from leverd.errors import DataError
from leverd.interfaces.chain_client import ChainClient, Head, Reply

AT_ONCE: Final = 8
"""Blocks that are asked for together."""

_INCOME: Final = abi.Function("getReserveNormalizedIncome(address)")
_DEBT: Final = abi.Function("getReserveNormalizedVariableDebt(address)")
_GETTER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\(\)", re.ASCII)
_E8: Final = 10**8

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """What is read at each block: the columns, and their values by the block's own replies."""

    columns: tuple[str, ...]
    read: Read[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Every `step`-th block from `first` to `last`."""

    first: int
    last: int
    step: int


def reserve(pool: str, token: str) -> Sample:
    """Return the sample of a reserve's two rates and two indexes, ray.

    The indexes have grown to the block's own time: balances at that block are scaled by them.
    """
    parts = together(
        [
            reserves.reserve_data(pool, token),
            number(pool, _INCOME, token),
            number(pool, _DEBT, token),
        ]
    )

    def decode(replies: Sequence[Reply]) -> tuple[int, ...]:
        data, income, debt = parts.decode(replies)
        return data.liquidity_rate, data.borrow_rate, income, debt

    columns = ("supply_rate", "borrow_rate", "supply_index", "borrow_index")
    return Sample(columns, Read(parts.calls, decode))


def oracle(feed: str) -> Sample:
    """Return the sample of a Chainlink feed's newest answer, USD 1e-8 floored, and its time."""
    newest = chainlink.latest_round(feed)

    def decode(replies: Sequence[Reply]) -> tuple[int, ...]:
        found = newest.decode(replies)
        return found.answer * _E8 // int(10**found.decimals), found.updated_at

    return Sample(("answer", "updated_at"), Read(newest.calls, decode))


def staking_rate(contract: str, getter: str) -> Sample:
    """Return the sample of what one staked token is worth, wad, as `getter` of `contract` says.

    Raises:
        DataError: `getter` is no function without arguments.
    """
    if _GETTER.fullmatch(getter) is None:
        raise DataError(
            f"{getter!a} is no function without arguments",
            number=codes.REQUEST,
            remedy="e.g. stEthPerToken() of wstETH, getRate() of weETH, getExchangeRate() of rETH",
        )
    rate = number(contract, abi.Function(getter))
    return Sample(("rate",), Read(rate.calls, lambda replies: (rate.decode(replies),)))


def base_fee() -> Sample:
    """Return the sample of nothing but the block's own base fee."""
    return Sample(("base_fee",), Read((), lambda _: ()))


def request(what: str, chain_id: int, said: dict[str, str | int], sample: Sample) -> Request:
    """Return the request that a partial file of samples belongs to."""
    columns: dict[str, Column] = dict.fromkeys(("block", *sample.columns), "int")
    return Request(what, {"chain": chain_id, **said}, columns)


async def blocks_between(
    client: ChainClient, since: int, until: int, step: int, sleep: Sleep = asyncio.sleep
) -> Blocks:
    """Return the final blocks of [since, until), unix seconds, found by halving.

    Raises:
        DataError: there is none.
    """
    newest = await patiently(client.final_number, sleep)
    first = await _first_at(client, since, newest, sleep)
    last = await _first_at(client, until, newest, sleep) - 1
    if first > last:
        raise DataError(
            f"no final block is between {moment(since)} and {moment(until)}",
            number=codes.REQUEST,
            remedy="choose other times",
        )
    return Blocks(first, last, step)


async def download_samples(
    client: ChainClient,
    sample: Sample,
    blocks: Blocks,
    partial: Partial,
    *,
    advance: Advance,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Fetch `sample` at each of `blocks` into `partial`, from where that stands.

    Raises:
        UnreachableError: no node answers; what was fetched is kept.
        NonsenseError: what was asked for is not there, or no node remembers that block.
    """
    at = blocks.first if partial.last is None else int(partial.last[1]) + blocks.step
    last_at = 0 if partial.last is None else int(partial.last[0])
    while at <= blocks.last:
        numbers = range(at, min(at + blocks.step * AT_ONCE, blocks.last + 1), blocks.step)
        rows = await patiently(lambda chosen=numbers: _rows(client, sample, chosen), sleep)  # type: ignore[misc]  # a default pins the loop's variable
        fresh: list[Row] = []
        for row in rows:
            if row[0] > last_at:  # of blocks in one second the first
                fresh.append(row)
                last_at = int(row[0])
        partial.append(fresh)
        at = numbers[-1] + blocks.step
        advance(min(at, blocks.last) - blocks.first, blocks.last - blocks.first)


async def _rows(client: ChainClient, sample: Sample, numbers: Sequence[int]) -> list[Row]:
    return list(await asyncio.gather(*(_row(client, sample, each) for each in numbers)))


async def _row(client: ChainClient, sample: Sample, block: int) -> Row:
    head = await _head(client, block)
    if not sample.read.calls:
        return head.at, block, head.base_fee
    read = await client.read(sample.read.calls, head=head)
    return (head.at, block, *sample.read.decode(read.replies))


async def _first_at(client: ChainClient, ts: int, newest: int, sleep: Sleep) -> int:
    """Return the first block at or after `ts`, one beyond `newest` if there is none."""
    low, high = 0, newest + 1
    while low < high:
        middle = (low + high) // 2
        head = await patiently(lambda number=middle: _head(client, number), sleep)  # type: ignore[misc]  # as above
        if head.at < ts:
            low = middle + 1
        else:
            high = middle
    return low


async def _head(client: ChainClient, block: int) -> Head:
    head = await client.block(block)
    if head is None:
        raise DataError(f"the node has no block {block}", number=codes.REQUEST)
    return head
