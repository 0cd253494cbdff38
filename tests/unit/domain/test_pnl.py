"""P&L lines of stretches worked out by hand, and what cannot be hidden in rounding."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.worlds import USDC, WETH

from leverd.domain import pnl
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import RAY
from leverd.domain.holdings import holdings_kept, holdings_of
from leverd.domain.lending import AAVE_3_0, AAVE_3_5
from leverd.domain.money import USD, Amount, Asset
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
from leverd.domain.pnl import Attribution, attribute, attribute_holdings, flow_value, unexplained
from leverd.domain.pnl_facts import (
    FlowFact,
    GasFact,
    LendingFact,
    LiquidationFact,
    StakingFact,
    SwapFact,
    facts_of,
)
from leverd.domain.snapshot import Snapshot
from leverd.errors import ImpossibleError

DOLLAR = 10**8
YEAR = 365 * 86_400


def counted_in(state, share_class):
    mandate = replace(state.position.mandate, share_class=share_class)
    return replace(state, position=replace(state.position, mandate=mandate))


def at_price(state, asset, dollars):
    reserve = replace(state.market.reserves[asset], price=dollars * DOLLAR)
    reserves = {**state.market.reserves, asset: reserve}
    return state.with_market(replace(state.market, reserves=reserves))


def at_indexes(state, *, weth=RAY, usdc=RAY):
    """Return the state with a WETH supply index and a USDC borrow index as given, rates 0."""
    still = {"liquidity_rate": 0, "borrow_rate": 0}
    reserves = {
        WETH: replace(state.market.reserves[WETH], liquidity_index=weth, **still),
        USDC: replace(state.market.reserves[USDC], borrow_index=usdc, **still),
    }
    return state.with_market(replace(state.market, reserves=reserves))


def holding(state, **idle):
    symbols = {"weth": WETH, "usdc": USDC}
    idles = {symbols[name]: raw for name, raw in idle.items()}
    return replace(state, position=replace(state.position, idle=idles))


LOOP = at_indexes(worlds.state(posted=30, debt=60_000))


def test_a_price_rise_is_earned_on_all_collateral():
    after = at_price(LOOP, WETH, 3300)
    assert attribute(LOOP, after, ()) == Attribution(price=9_000 * DOLLAR)


def test_in_its_own_share_class_the_collateral_earns_nothing_and_the_debt_shrinks():
    before = counted_in(LOOP, WETH)
    after = counted_in(at_price(LOOP, WETH, 4000), WETH)
    # 60,000 USDC were 20 WETH and are 15
    assert attribute(before, after, ()) == Attribution(price=5 * 10**18)


def test_interest_is_told_apart_by_side():
    after = at_indexes(LOOP, weth=RAY + RAY // 100, usdc=RAY + RAY // 50)
    # 1 % of 30 WETH at 3,000; 2 % of 60,000
    assert attribute(LOOP, after, ()) == Attribution(
        supply_interest=900 * DOLLAR, borrow_interest=-1_200 * DOLLAR
    )


def test_interest_counts_at_the_price_after():
    after = at_price(at_indexes(LOOP, weth=RAY + RAY // 100), WETH, 3300)
    assert attribute(LOOP, after, ()) == Attribution(
        price=9_000 * DOLLAR, supply_interest=990 * DOLLAR
    )


def test_a_swap_costs_its_fee_and_its_impact():
    before = holding(LOOP, weth=2 * 10**18)
    after = holding(LOOP, usdc=5_980 * 10**6)
    swap = SwapFact(WETH, 2 * 10**18, USDC, 5_980 * 10**6, fee=10**15)
    # 3 of the 20 dollars lost were the fee of 0.001 WETH
    assert attribute(before, after, (swap,)) == Attribution(
        swap_fees=-3 * DOLLAR, price_impact=-17 * DOLLAR
    )


def test_a_swap_at_a_pool_dearer_than_the_oracle_gains_on_impact():
    before = holding(LOOP, weth=10**18)
    after = holding(LOOP, usdc=3_030 * 10**6)
    swap = SwapFact(WETH, 10**18, USDC, 3_030 * 10**6, fee=0)
    assert attribute(before, after, (swap,)) == Attribution(price_impact=30 * DOLLAR)


def test_gas_is_a_cost_though_it_leaves_equity_alone():
    gas = GasFact(wei=10**16, native_price=3_000 * DOLLAR)
    assert attribute(LOOP, LOOP, (gas, gas)) == Attribution(gas=-60 * DOLLAR)
    in_weth = counted_in(LOOP, WETH)
    assert attribute(in_weth, in_weth, (gas,)) == Attribution(gas=-(10**16))


def test_a_deposit_is_no_profit():
    after = holding(LOOP, weth=5 * 10**18)
    deposit = FlowFact(WETH, 5 * 10**18)
    assert attribute(LOOP, after, (deposit,)) == Attribution()
    assert flow_value(holdings_of(after), (deposit,)) == 15_000 * DOLLAR
    assert attribute(after, LOOP, (FlowFact(WETH, -5 * 10**18),)) == Attribution()


def test_debt_that_somebody_else_repaid_is_a_deposit():
    after = at_indexes(worlds.state(posted=30, debt=50_000))
    assert attribute(LOOP, after, (FlowFact(USDC, 10_000 * 10**6),)) == Attribution()


def test_a_liquidation_costs_what_was_seized_less_what_was_cleared():
    after = at_indexes(worlds.state(posted="19.5", debt=30_000))
    taken = LiquidationFact(USDC, 30_000 * 10**6, WETH, 105 * 10**17)
    assert attribute(LOOP, after, (taken,)) == Attribution(liquidation=-1_500 * DOLLAR)


@pytest.mark.parametrize("price", [1_500, 2_500, 3_500])
def test_a_liquidation_at_a_price_gone_by_costs_its_bonus_and_the_rest_is_the_prices(price):
    after = at_price(at_indexes(worlds.state(posted="17.4", debt=30_000)), WETH, price)
    taken = LiquidationFact(USDC, 30_000 * 10**6, WETH, 126 * 10**17, bonus=500)  # at 2,500
    lines = attribute(LOOP, after, (taken,))
    assert lines.liquidation == -1_500 * DOLLAR
    # what was left fell (or rose) to the price after, what was seized to that of then
    assert lines.price == ((price - 3_000) * 174 - 500 * 126) * DOLLAR // 10
    assert lines.rounding == 0
    assert lines.total == after_less_before(after)


def after_less_before(after):
    return holdings_of(after).equity - holdings_of(LOOP).equity


def test_staking_is_taken_out_of_the_price_line():
    after = at_price(LOOP, WETH, 3300)
    earned = StakingFact(WETH, rate_before=100, rate_after=102)
    # 2 % of 90,000, and the other 8 % is price
    assert attribute(LOOP, after, (earned,)) == Attribution(
        price=7_200 * DOLLAR, staking=1_800 * DOLLAR
    )


def test_a_staking_token_earns_no_staking_in_its_own_terms():
    before = counted_in(LOOP, WETH)
    assert attribute(before, before, (StakingFact(WETH, 100, 102),)) == Attribution()


def test_what_nobody_told_of_is_named_and_refused():
    after = holding(LOOP, weth=5 * 10**18, usdc=-7)
    missing = (FlowFact(USDC, -7), FlowFact(WETH, 5 * 10**18))
    assert unexplained(holdings_of(LOOP), holdings_of(after), ()) == missing
    with pytest.raises(ImpossibleError, match="5000000000000000000 WETH") as error:
        attribute(LOOP, after, ())
    assert error.value.code == "LVD-IMP-031"
    assert attribute(LOOP, after, missing) == Attribution()


def test_a_token_without_a_price_comes_and_goes_unnoticed():
    junk = Asset("JUNK", 18)
    after = replace(LOOP, position=LOOP.position.with_idle(junk, 10**30))
    assert attribute(LOOP, after, ()) == Attribution()
    assert attribute(after, LOOP, ()) == Attribution()


@pytest.mark.parametrize(
    "line", ["_price", "_interest", "_swap_fees", "_price_impact", "_liquidation_loss", "_staking"]
)
def test_a_line_reckoned_wrong_does_not_pass_for_rounding(monkeypatch, line):
    before = holding(LOOP, weth=2 * 10**18)
    after = holding(at_price(at_indexes(LOOP, weth=2 * RAY), WETH, 3100), usdc=5_980 * 10**6)
    facts = (SwapFact(WETH, 2 * 10**18, USDC, 5_980 * 10**6, fee=10**15),)
    assert attribute(before, after, facts).total != 0
    right = getattr(pnl, line)
    monkeypatch.setattr(pnl, line, lambda *args: right(*args) + 100_000)
    if line == "_staking":  # it only moves value out of the price line
        assert attribute(before, after, facts).staking == 100_000
        return
    with pytest.raises(ImpossibleError, match="too much for rounding") as error:
        attribute(before, after, facts)
    assert error.value.code == "LVD-IMP-031"


def test_exactly_as_much_as_may_be_rounding_passes_for_it_and_no_unit_more(monkeypatch):
    before = holding(LOOP, weth=2 * 10**18)
    after = holding(LOOP, usdc=5_980 * 10**6)
    facts = (SwapFact(WETH, 2 * 10**18, USDC, 5_980 * 10**6, fee=10**15),)
    most = pnl.rounding_limit(holdings_of(before), holdings_of(after), facts)
    room = most - attribute(before, after, facts).rounding
    right = pnl._swap_fees
    monkeypatch.setattr(pnl, "_swap_fees", lambda *args: right(*args) + room)
    assert attribute(before, after, facts).rounding == most
    monkeypatch.setattr(pnl, "_swap_fees", lambda *args: right(*args) + room + 1)
    with pytest.raises(ImpossibleError, match="too much for rounding"):
        attribute(before, after, facts)


def test_attributions_add_up_line_by_line():
    both = Attribution(price=3, gas=-1) + Attribution(price=4, rounding=1)
    assert both == Attribution(price=7, gas=-1, rounding=1)
    assert both.total == 7
    assert sum(both.lines.values()) == both.total
    assert set(both.lines) == {
        "price",
        "supply_interest",
        "borrow_interest",
        "staking",
        "swap_fees",
        "price_impact",
        "gas",
        "liquidation",
        "rounding",
    }


def test_a_step_is_told_as_facts():
    raw = worlds.state(idle=10)
    usdc, weth = Amount(USDC, 6_000 * 10**6), Amount(WETH, 10**18)
    step = Step(
        StepKind.RAISE,
        (
            Swap("weth-usdc", usdc, weth),
            BuyExact("weth-usdc", usdc, weth),
            Supply("aave", weth),
            Withdraw("aave", weth),
            Borrow("aave", usdc),
            Repay("aave", usdc),
            SetEMode("aave", 1),
        ),
        health_min=0,
    )
    at = raw.at
    fills = (Fill(at, 6_000_000_001, 2 * 10**18), Fill(at, 3 * 10**18, 7), *[Fill(at)] * 5)
    assert facts_of(raw, step, fills) == (
        SwapFact(USDC, 6_000_000_001, WETH, 2 * 10**18, fee=3_000_001),
        SwapFact(WETH, 3 * 10**18, USDC, 7, fee=15 * 10**14),
        LendingFact(WETH),
        LendingFact(WETH),
        LendingFact(USDC),
        LendingFact(USDC),
    )


@pytest.mark.parametrize("share_class", [USD, WETH, USDC])
def test_opening_and_living_in_a_loop_is_accounted_for_to_the_unit(share_class):
    start = counted_in(worlds.state(idle=10), share_class)
    sell = Amount(USDC, 60_000 * 10**6)
    step = Step(
        StepKind.RAISE,
        (
            Swap("weth-usdc", sell, Amount(WETH, 1)),
            Supply("aave", Amount(WETH, 0), all_idle=True),
            Borrow("aave", sell),
        ),
        health_min=0,
    )
    fills = modelled_fills(start, step, start.at)
    opened = apply_step(start, step, fills)
    facts = (*facts_of(start, step, fills), GasFact(10**16, 3_000 * DOLLAR))
    opening = attribute(start, opened, facts)
    assert (opening.price, opening.supply_interest, opening.borrow_interest) == (0, 0, 0)
    if share_class == USD:
        assert opening.swap_fees == -30 * DOLLAR  # 5 bp of 60,000
        assert opening.gas == -30 * DOLLAR
        assert opening.price_impact < 0
    later = at_price(replace(opened, at=opened.at + YEAR), WETH, 2900)
    living = attribute(opened, later, ())
    assert living.supply_interest > 0 > living.borrow_interest
    assert living.swap_fees == living.price_impact == living.gas == living.liquidation == 0
    change = holdings_of(later).equity - holdings_of(start).equity
    assert (opening + living).total == change + opening.gas


def kept(state):
    """Return the snapshot that the journal keeps of `state`."""
    loan, reserves = state.position.loan, state.market.reserves
    picture = holdings_of(state)
    return Snapshot(
        block=1,
        block_hash="0xb10c",
        at=state.at,
        idle={asset.symbol: raw for asset, raw in state.position.idle.items()},
        supplied={asset.symbol: scaled for asset, scaled in loan.supplies.items()},
        owed={asset.symbol: scaled for asset, scaled in loan.debts.items()},
        prices={asset.symbol: reserve.price for asset, reserve in reserves.items()},
        supply_indexes={a.symbol: i for (_, a), i in picture.supply_indexes.items()},
        borrow_indexes={a.symbol: i for (_, a), i in picture.borrow_indexes.items()},
        health=0,
        equity=picture.equity,
    )


@pytest.mark.parametrize("rules", [AAVE_3_0, AAVE_3_5])
def test_a_kept_snapshot_serves_as_well_as_the_state_it_was_made_from(rules):
    before = worlds.state(posted=29, idle=1, debt=60_000, idle_debt=7)
    before = before.with_market(replace(before.market, rules=rules))
    after = at_price(replace(before, at=before.at + YEAR), WETH, 3100)
    restored = holdings_kept(kept(before), after)
    assert restored.equity == holdings_of(before).equity
    assert attribute_holdings(restored, holdings_of(after), ()) == attribute(before, after, ())


@pytest.mark.parametrize(
    "gone",
    [{"supplied": {"WBTC": 1}}, {"idle": {"WBTC": 1}, "prices": {"WETH": 1, "WBTC": 1}}],
)
def test_a_snapshot_of_something_of_value_unknown_now_is_refused(gone):
    with pytest.raises(ImpossibleError, match="WBTC") as error:
        holdings_kept(replace(kept(LOOP), **gone), LOOP)
    assert error.value.code == "LVD-IMP-030"


def test_a_worthless_token_that_is_gone_does_not_trouble_the_snapshot():
    snapshot = replace(kept(LOOP), idle={**kept(LOOP).idle, "JUNK": 10**30})
    assert holdings_kept(snapshot, LOOP).equity == holdings_of(LOOP).equity


def test_a_leg_whose_reserve_is_no_longer_shown_is_refused():
    snapshot = replace(kept(LOOP), supply_indexes={})
    with pytest.raises(ImpossibleError) as error:
        attribute_holdings(holdings_of(LOOP), holdings_kept(snapshot, LOOP), ())
    assert error.value.code == "LVD-IMP-032"
