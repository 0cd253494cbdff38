"""A path of pools: executable bid and ask with fee and impact in them, rounded against us."""

from __future__ import annotations

import pytest
from tests.spots import INJ, USDC, pool

from leverd.domain.fixed_point import WAD
from leverd.domain.money import Asset
from leverd.domain.pool import ConstantProductPool
from leverd.domain.quotes import NOTHING_TO_SWAP
from leverd.domain.route import executable
from leverd.errors import ImpossibleError

WETH = Asset("WETH", 18)
SECOND = ConstantProductPool("w", WETH, USDC, 3_000, 10**22, 3 * 10**13)  # 3000 USDC for one
FIRST = ConstantProductPool("i", INJ, WETH, 500, 10**24, 7 * 10**21)  # 0.007 WETH for one


def test_one_pool_is_quoted_at_its_price_less_the_fee_on_each_side():
    bid, middle, ask = executable([pool("20", depth="1e9", fee=3_000)], INJ, 100 * WAD)
    assert middle == 20 * WAD
    assert bid == pytest.approx(19.94 * WAD)
    assert ask == pytest.approx(20 * WAD / 0.997)


def test_two_pools_multiply_their_prices_and_their_fees():
    bid, middle, ask = executable([FIRST, SECOND], INJ, 100 * WAD)
    assert middle == 21 * WAD
    assert bid == pytest.approx(0.9995 * 0.997 * 21 * WAD, rel=1e-4)
    assert bid * ask == pytest.approx(middle**2, rel=1e-4)


def test_the_larger_the_size_the_wider():
    widths = []
    for size in (1, 1_000, 1_000_000):
        bid, middle, ask = executable([FIRST, SECOND], INJ, size * WAD)
        assert bid < middle < ask
        widths.append(ask - bid)
    assert widths == sorted(set(widths))


def test_it_is_rounded_against_us_to_the_last_unit():
    coarse = ConstantProductPool("c", Asset("A", 0), Asset("B", 0), 0, 10**6, 3 * 10**6)
    bid, middle, ask = executable([coarse], coarse.token0, 100 * WAD)
    assert (bid, middle, ask) == (98 * WAD // 33, 3 * WAD, -(-100 * WAD // 33))


@pytest.mark.parametrize(
    ("pools", "size"),
    [
        ([SECOND], 100 * WAD),
        ([FIRST, FIRST], 0),
        ([FIRST, SECOND], 0),
        ([pool("20")], WAD // 10**6),  # the fee takes the last unit
        ([ConstantProductPool("e", INJ, USDC, 500, 0, 0)], WAD),
        ([ConstantProductPool("d", INJ, USDC, 500, 10**9, 2 * 10**14)], WAD // 10**6),
    ],
)
def test_what_is_no_path_or_no_trade_is_refused(pools, size):
    with pytest.raises(ImpossibleError):
        executable(pools, INJ, size)


def test_a_size_finer_than_the_quote_is_rounded_up_to_what_can_be_paid():
    wide = ConstantProductPool("c", Asset("A", 0), Asset("B", 6), 0, 10**12, 3 * 10**18)
    _, _, ask = executable([wide], wide.token0, 100 * WAD + 1)
    assert ask == -(-100_000_001 * 10**12 // 33)  # 33 of A for 100.000001 of B


def test_a_quote_of_many_decimals_is_brought_to_eighteen():
    fine = ConstantProductPool("c", Asset("A", 0), Asset("B", 24), 0, 10**9, 3 * 10**33)
    bid, middle, ask = executable([fine], fine.token0, 3_000 * WAD)
    assert middle == 3 * WAD
    paid = 3_000 * 10**24
    got = 3 * 10**33 * 1_000 // (10**9 + 1_000)
    bought = 10**9 * paid // (3 * 10**33 + paid)
    assert (bid, ask) == (got // 10**6 // 1_000, -(-paid // (10**6 * bought)))


def test_what_leaves_nothing_says_so_by_its_number():
    with pytest.raises(ImpossibleError) as caught:
        executable([pool("20")], INJ, WAD // 10**6)
    assert caught.value.number == NOTHING_TO_SWAP
