"""Scaled balances against raw ones: each conversion rounds as its version does."""

from __future__ import annotations

import pytest

from leverd.domain import scaled
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import Rounding

NEAREST, AGAINST = Rounding.HALF_UP, Rounding.DIRECTED


@pytest.mark.parametrize(
    ("convert", "nearest", "against"),
    [
        # 3 and 5 scaled units at 1.5 are 4.5 and 7.5 raw ones
        (scaled.supply_balance, (5, 8), (4, 7)),
        (scaled.debt_balance, (5, 8), (5, 8)),
        # 4 and 5 raw ones are 2.67 and 3.33 scaled
        (scaled.supply_minted, (3, 3), (2, 3)),
        (scaled.supply_burned, (3, 3), (3, 4)),
        (scaled.debt_minted, (3, 3), (3, 4)),
        (scaled.debt_burned, (3, 3), (2, 3)),
    ],
)
def test_up_to_3_4_to_nearest_and_from_3_5_against_the_account(convert, nearest, against):
    index = 3 * RAY // 2
    amounts = (3, 5) if convert.__name__.endswith("balance") else (4, 5)

    assert tuple(convert(each, index, NEAREST) for each in amounts) == nearest
    assert tuple(convert(each, index, AGAINST) for each in amounts) == against


@pytest.mark.parametrize("rounding", [NEAREST, AGAINST])
def test_what_divides_is_exact(rounding):
    for convert, amount, found in (
        (scaled.supply_balance, 4, 6),
        (scaled.debt_balance, 4, 6),
        (scaled.supply_minted, 6, 4),
        (scaled.supply_burned, 6, 4),
        (scaled.debt_minted, 6, 4),
        (scaled.debt_burned, 6, 4),
    ):
        assert convert(amount, 3 * RAY // 2, rounding) == found
