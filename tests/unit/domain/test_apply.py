from dataclasses import replace

import pytest
from tests import worlds

from leverd.domain.apply import apply, apply_step, modelled_fills
from leverd.domain.fills import Fill
from leverd.domain.lending import EMode
from leverd.domain.money import Amount
from leverd.domain.plan import Borrow, SetEMode, Step, StepKind, Supply, Swap
from leverd.errors import ImpossibleError

SELL = Amount(worlds.USDC, 1_000 * 10**6)


def test_a_fill_below_zero_cannot_be():
    swap = Swap("weth-usdc", SELL, Amount(worlds.WETH, 1))
    with pytest.raises(ImpossibleError, match="a fill of -1"):
        apply(worlds.state(idle=1), swap, Fill(worlds.NOON, sold=-1, bought=1))


def test_a_flash_swap_may_owe_inside_a_step_and_not_after_it():
    swap = Swap("weth-usdc", SELL, Amount(worlds.WETH, 1))
    post = Supply("aave", Amount(worlds.WETH, 0), all_idle=True)
    whole = Step(StepKind.RAISE, (swap, post, Borrow("aave", SELL)), 0)
    state = worlds.state(idle=1)
    after = apply_step(state, whole, modelled_fills(state, whole, state.at))
    assert after.position.idle[worlds.USDC] == 0
    unpaid = Step(StepKind.RAISE, (swap, post), 0)
    with pytest.raises(ImpossibleError, match="idle USDC"):
        apply_step(state, unpaid, modelled_fills(state, unpaid, state.at))


def test_a_category_is_entered_and_left():
    ethers = frozenset({worlds.WETH})
    better = EMode(1, 9000, 9300, 10100, ethers, frozenset({worlds.USDC}))
    state = worlds.state(posted=10, debt=5_000)
    lending = {"aave": replace(state.lending["aave"], emodes={1: better})}
    state, nothing = replace(state, lending=lending), Fill(worlds.NOON)
    inside = apply(state, SetEMode("aave", 1), nothing)
    assert inside.position.loans["aave"].emode == 1
    assert apply(inside, SetEMode("aave", 0), nothing) == state
