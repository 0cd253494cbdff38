"""Records of automated market makers. Amounts are raw; the fee is taken from the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from leverd.domain.money import Asset


@dataclass(frozen=True, slots=True)
class ConcentratedPool:
    """A concentrated-liquidity pool at one block (Uniswap V3 arithmetic)."""

    pool_id: str
    token0: Asset
    token1: Asset
    fee: int  # hundredths of a basis point of the input, 500 is 5 bp
    tick_spacing: int
    sqrt_price: int  # sqrt(token1 raw per token0 raw) as Q64.96
    tick: int
    liquidity: int  # active at `tick`
    ticks: tuple[tuple[int, int], ...]  # (tick, net liquidity), ascending, within the window
    window: tuple[int, int]  # ticks between which `ticks` is complete; beyond is unknown


@dataclass(frozen=True, slots=True)
class ConstantProductPool:
    """An x * y = k pool at one block."""

    pool_id: str
    token0: Asset
    token1: Asset
    fee: int  # hundredths of a basis point of the input, 3000 is 30 bp
    reserve0: int
    reserve1: int


Pool: TypeAlias = ConcentratedPool | ConstantProductPool


@dataclass(frozen=True, slots=True)
class Quote:
    """What a swap takes, gives and does to the pool."""

    sold: int  # raw input, fee included
    bought: int  # raw output
    fee: int  # raw input kept by liquidity providers
    after: Pool
