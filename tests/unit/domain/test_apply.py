from dataclasses import replace

import pytest
from tests import worlds

from leverd.domain import quotes
from leverd.domain.apply import (
    apply,
    apply_step,
    modelled_fill,
    modelled_fills,
    worst_fill,
    worst_fills,
)
from leverd.domain.fills import Fill
from leverd.domain.lending import EMode
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
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
    with pytest.raises(ImpossibleError, match="idle USDC") as caught:
        apply_step(state, unpaid, modelled_fills(state, unpaid, state.at))
    assert caught.value.number == 1


def test_a_category_is_entered_and_left():
    ethers = frozenset({worlds.WETH})
    better = EMode(1, 9000, 9300, 10100, ethers, frozenset({worlds.USDC}))
    state = worlds.state(posted=10, debt=5_000)
    lending = {"aave": replace(state.lending["aave"], emodes={1: better})}
    state, nothing = replace(state, lending=lending), Fill(worlds.NOON)
    inside = apply(state, SetEMode("aave", 1), nothing)
    assert inside.position.loans["aave"].emode == 1
    assert apply(inside, SetEMode("aave", 0), nothing) == state


WETH, USDC, NOON = worlds.WETH, worlds.USDC, worlds.NOON
ETHER, DOLLARS = Amount(WETH, 10**18), Amount(USDC, 10**9)
LEVERED = worlds.state(posted=30, debt=60_000, idle=5, idle_debt=5_000)


def with_params(state, **changes):
    """Return the state once every reserve's parameters have changed."""
    reserves = {
        asset: replace(each, params=replace(each.params, **changes))
        for asset, each in state.market.reserves.items()
    }
    return state.with_market(replace(state.market, reserves=reserves))


@pytest.mark.parametrize(
    "action",
    [
        Supply("aave", ETHER),
        Withdraw("aave", ETHER),
        Borrow("aave", DOLLARS),
        Repay("aave", DOLLARS),
        SetEMode("aave", 7),  # which there is not
    ],
)
def test_what_the_chain_accepted_is_not_refused_for_what_we_read(action):
    paused = with_params(LEVERED, paused=True)

    with pytest.raises(ImpossibleError):
        apply(paused, action, Fill(NOON))
    assert apply(paused, action, Fill(NOON), verified=True) != paused


def test_every_action_of_a_step_needs_its_fill():
    step = Step(StepKind.SINGLE, (Supply("aave", ETHER),), 0)

    for fills in ((), (Fill(NOON), Fill(NOON))):
        with pytest.raises(ValueError, match="zip"):
            apply_step(LEVERED, step, fills)


def test_a_purchase_at_its_worst_sells_all_it_may_and_buys_what_it_names_or_the_live_debt():
    named = BuyExact("weth-usdc", DOLLARS, ETHER)

    assert worst_fill(LEVERED, named, NOON) == Fill(NOON, sold=10**18, bought=10**9)
    live = worst_fill(LEVERED, replace(named, live_debt=True), NOON)
    assert live == Fill(NOON, sold=10**18, bought=60_000 * 10**6)


def test_a_sale_at_its_worst_gives_its_minimum():
    swap = Swap("weth-usdc", ETHER, DOLLARS)

    assert worst_fill(LEVERED, swap, NOON) == Fill(NOON, sold=10**18, bought=10**9)
    step = Step(StepKind.SINGLE, (swap, Supply("aave", ETHER)), 0)
    assert worst_fills(LEVERED, step, NOON) == (worst_fill(LEVERED, swap, NOON), Fill(NOON))


@pytest.mark.parametrize("live_debt", [False, True])
def test_a_modelled_fill_is_the_pools_own_quote_and_leaves_the_pool_moved(live_debt):
    pool = LEVERED.pools["weth-usdc"]
    buy = BuyExact("weth-usdc", DOLLARS, Amount(WETH, 10**20), live_debt=live_debt)
    wanted = 60_000 * 10**6 if live_debt else 10**9
    bought = quotes.quote_exact_out(pool, USDC, wanted)
    assert modelled_fill(LEVERED, buy, NOON) == Fill(
        NOON, sold=bought.sold, bought=wanted, pool_after=bought.after
    )
    sold = quotes.quote_exact_in(pool, WETH, 10**18)
    found = modelled_fill(LEVERED, Swap("weth-usdc", ETHER, DOLLARS), NOON)
    assert found == Fill(NOON, sold=10**18, bought=sold.bought, pool_after=sold.after)
    assert apply(LEVERED, buy, modelled_fill(LEVERED, buy, NOON)).pools["weth-usdc"] != pool


def test_a_second_swap_finds_the_pool_that_the_first_one_left():
    swap = Swap("weth-usdc", ETHER, DOLLARS)
    first, second = modelled_fills(LEVERED, Step(StepKind.SINGLE, (swap, swap), 0), NOON)

    assert second.bought < first.bought
    moved = LEVERED.with_pool(first.pool_after)
    assert second == modelled_fill(moved, swap, NOON)


@pytest.mark.parametrize("held", [None, 0, -5])
def test_where_nothing_is_idle_all_of_it_is_nothing(held):
    idle = {} if held is None else {USDC: held}
    bare = replace(LEVERED, position=replace(LEVERED.position, idle=idle))

    with pytest.raises(ImpossibleError, match="nothing to repay with"):
        apply(bare, Repay("aave", DOLLARS, all_idle=True), Fill(NOON))
    one = replace(LEVERED, position=replace(LEVERED.position, idle={USDC: 7}))
    after = apply(one, Repay("aave", DOLLARS, all_idle=True), Fill(NOON))
    assert after.position.idle == {USDC: 0}


@pytest.mark.parametrize(("sold", "bought"), [(0, 0), (1, 0), (0, 1), (5, 7)])
def test_what_a_swap_sold_and_bought_is_idle_less_and_more(sold, bought):
    swap = Swap("weth-usdc", ETHER, DOLLARS)
    after = apply(LEVERED, swap, Fill(NOON, sold=sold, bought=bought))

    assert after.position.idle[WETH] == 5 * 10**18 - sold
    assert after.position.idle[USDC] == 5_000 * 10**6 + bought
    for fill in (Fill(NOON, sold=-1, bought=1), Fill(NOON, sold=1, bought=-1)):
        with pytest.raises(ImpossibleError) as caught:
            apply(LEVERED, swap, fill)
        assert caught.value.number == 2
