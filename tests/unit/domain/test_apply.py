import pytest
from tests import worlds

from leverd.domain.apply import apply, apply_step, modelled_fills
from leverd.domain.fills import Fill
from leverd.domain.money import Amount
from leverd.domain.plan import Borrow, Step, StepKind, Supply, Swap
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
