"""What a path of pools would really trade an asset for, at a size, and its price before."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.money import Asset
from leverd.domain.pool import Pool
from leverd.domain.quotes import NOTHING_TO_SWAP, bought_for, other, spot_ratio
from leverd.errors import ImpossibleError


def executable(pools: Sequence[Pool], base: Asset, size: int) -> tuple[int, int, int]:
    """Return bid, middle and ask of `base` in the asset at the path's end; 1e-18s of it for one.

    `size` is what is paid for the ask, 1e-18s of that asset; the bid sells as much as that is
    worth in the middle. Every fee and every impact on the way is in them, rounded against us.

    Raises:
        ImpossibleError: the pools do not hold so much, nothing comes out, or they are no path.
    """
    path = [base]
    ratio = Fraction(1)
    for pool in pools:
        ratio *= spot_ratio(pool, path[-1])
        path.append(other(pool, path[-1]))
    scale = Fraction(base.unit, path[-1].unit) * WAD
    paid = mul_div_up(size, path[-1].unit, WAD)
    sold = int(paid / ratio)
    got = _through(pools, path[:-1], sold)
    bought = _through(pools[::-1], path[:0:-1], paid)
    bid = mul_div_down(got, scale.numerator, sold * scale.denominator)
    ask = mul_div_up(paid, scale.numerator, bought * scale.denominator)
    return bid, int(ratio * scale), ask


def _through(pools: Sequence[Pool], sells: Sequence[Asset], amount: int) -> int:
    """Return what is left of `amount` behind all `pools`, raw."""
    for pool, sell in zip(pools, sells, strict=True):
        amount = bought_for(pool, sell, amount)
    if not amount:
        raise ImpossibleError("so little is traded that nothing is left", number=NOTHING_TO_SWAP)
    return amount
