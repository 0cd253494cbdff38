"""Reading a pool: its price, its liquidity, and every initialised tick near the price.

The ticks that are initialised are only known from the bitmap, so a read asks for the ticks
seen last time together with the bitmap, and says afterwards whether that was all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi
from leverd.adapters.evm.reads import Read
from leverd.adapters.evm.uniswap import functions
from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool
from leverd.domain.tick_math import MAX_TICK, MIN_TICK
from leverd.interfaces.chain_client import Call, Reply

_WORD_TICKS: Final = 256
_SLOT0_WORDS: Final = 7
_TICK_WORDS: Final = 2
_EDGE: Final = 200  # the widest tick spacing: beyond the last whole one no tick fits


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """One deployed pool, as start-up found it."""

    pool_id: str
    address: str
    token0: Asset
    token1: Asset
    fee: int  # hundredths of a basis point
    tick_spacing: int

    @property
    def reach(self) -> int:
        """How many ticks to each side of the price are read: 5 % to 28 % of price.

        Pools of correlated assets have narrow ticks, and prices that move little.
        """
        return min(max(250 * self.tick_spacing, 500), 2_500)


@dataclass(frozen=True, slots=True)
class Known:
    """Which part of the bitmap to read, and the ticks that were initialised in it last time."""

    words: range
    ticks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolRead:
    """A pool as read, and what to read next time."""

    pool: ConcentratedPool
    complete: bool  # every initialised tick of the window was read, and the window is wide enough
    next: Known


def around(place: PoolPlace, tick: int, ticks: Sequence[int] = ()) -> Known:
    """Return what to read of `place` when the price is at `tick`."""
    lowest = max(tick - place.reach, MIN_TICK) // place.tick_spacing // _WORD_TICKS
    highest = min(tick + place.reach, MAX_TICK) // place.tick_spacing // _WORD_TICKS
    words = range(lowest, highest + 1)
    inside = (one for one in ticks if one // place.tick_spacing // _WORD_TICKS in words)
    return Known(words, tuple(inside))


def price(place: PoolPlace) -> Read[tuple[int, int]]:
    """Return the read of sqrt price (Q64.96) and tick."""
    return Read((Call(place.address, functions.SLOT0.selector),), lambda got: _slot0(got[0]))


def pool(place: PoolPlace, known: Known) -> Read[PoolRead]:
    """Return the read of a pool; its ticks are complete only if `complete` says so."""
    calls = (
        Call(place.address, functions.SLOT0.selector),
        Call(place.address, functions.LIQUIDITY.selector),
        *(Call(place.address, functions.BITMAP.encode(word)) for word in known.words),
        *(Call(place.address, functions.TICK.encode(tick)) for tick in known.ticks),
    )

    def decode(replies: Sequence[Reply]) -> PoolRead:
        sqrt_price, tick = _slot0(replies[0])
        first_tick = 2 + len(known.words)
        initialised = _initialised(place, known.words, replies[2:first_tick])
        nets = {
            one: abi.signed(abi.words(reply.data, _TICK_WORDS)[1], 128)
            for one, reply in zip(known.ticks, replies[first_tick:], strict=True)
        }
        found = ConcentratedPool(
            pool_id=place.pool_id,
            token0=place.token0,
            token1=place.token1,
            fee=place.fee,
            tick_spacing=place.tick_spacing,
            sqrt_price=sqrt_price,
            tick=tick,
            liquidity=abi.word(replies[1].data),
            ticks=tuple((one, nets[one]) for one in initialised if one in nets),
            window=_window(place, known.words),
        )
        wide = _reaches(found.window, tick, place.reach // 2)
        complete = wide and all(one in nets for one in initialised)
        return PoolRead(found, complete, _again(place, known, tick, initialised))

    return Read(calls, decode)


def _again(place: PoolPlace, read: Known, tick: int, initialised: Sequence[int]) -> Known:
    """Return what to read next: the same words while they are wide enough, so that it repeats."""
    wanted = around(place, tick)
    inside = wanted.words.start >= read.words.start and wanted.words.stop <= read.words.stop
    close = len(read.words) <= len(wanted.words) + 1
    words = read.words if inside and close else wanted.words
    ticks = (one for one in initialised if one // place.tick_spacing // _WORD_TICKS in words)
    return Known(words, tuple(ticks))


def swap_of(place: PoolPlace, amounts: tuple[int, int], sold: Asset) -> tuple[int, int]:
    """Return what was sold and bought (raw), given the pool's changes of token0 and token1."""
    zero, one = amounts
    paid, got = (zero, one) if sold == place.token0 else (one, zero)
    if paid < 0 or got > 0:
        raise abi.malformed(f"a swap of {paid} for {-got}", place.address)
    return paid, -got


def swap_amounts(data: bytes) -> tuple[int, int]:
    """Return the pool's changes of token0 and token1 (raw) from a Swap event's data."""
    zero, one = abi.words(data, 2)
    return abi.signed(zero), abi.signed(one)


def _slot0(reply: Reply) -> tuple[int, int]:
    found = abi.words(reply.data, _SLOT0_WORDS)
    return found[0], abi.signed(found[1], 24)


def _initialised(place: PoolPlace, words: range, replies: Sequence[Reply]) -> list[int]:
    """Return the initialised ticks of the bitmap's words, ascending."""
    ticks = []
    for word, reply in zip(words, replies, strict=True):
        bits = abi.word(reply.data)
        while bits:
            lowest = bits & -bits
            ticks.append((word * _WORD_TICKS + lowest.bit_length() - 1) * place.tick_spacing)
            bits ^= lowest
    return ticks


def _window(place: PoolPlace, words: range) -> tuple[int, int]:
    low = words.start * _WORD_TICKS * place.tick_spacing
    high = (words.stop * _WORD_TICKS - 1) * place.tick_spacing
    edge = MAX_TICK // place.tick_spacing * place.tick_spacing
    return max(low, -edge), min(high, edge)


def _reaches(window: tuple[int, int], tick: int, margin: int) -> bool:
    low, high = window
    return low <= max(tick - margin, MIN_TICK + _EDGE) and high >= min(
        tick + margin, MAX_TICK - _EDGE
    )
