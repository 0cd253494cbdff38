"""A position on paper: real markets at every look, and what we do is done in memory alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import approve, wish
from tests.papers import ETHER, RealChain, holding, paper_on
from tests.simulated import chain_at

from leverd.adapters.simulated import markets, paper
from leverd.domain import loans
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import LendingAccount
from leverd.domain.valuation import leverage
from leverd.errors import ForgottenError, UnreachableError
from leverd.interfaces.venue import Fees, Order

WETH, USDC = worlds.WETH, worlds.USDC
MANDATE = worlds.mandate()
YEAR_S = 365 * 86_400
GAS = 2_000_000


@pytest.fixture
def real() -> RealChain:
    return RealChain(chain_at())


def levered(to="2.5", *, equity=10, **changes):
    """Return a beginning at that leverage, at 3,000 dollars."""
    posted = Decimal(equity) * Decimal(to)
    loan = LendingAccount(
        {WETH: int(posted * WETH.unit)},
        {USDC: int((posted - equity) * 3_000 * USDC.unit)},
        frozenset({WETH}),
    )
    begin = holding(MANDATE, **changes)
    holder = replace(begin.holders[MANDATE.account], loans={"aave": loan}, idle={})
    return replace(begin, holders={MANDATE.account: holder})


async def seen(venue):
    found = await venue.observe([MANDATE])
    return found, found.positions["loop"].state


async def sent(venue, target=2, **changes):
    """Send the plan for `target`; return the slot, and what was sent."""
    approved, nonce = await approve(venue, wish(target))
    found, _ = await seen(venue)
    sequence = found.positions["loop"].sequence
    fees = await venue.fees(urgency=0.5)
    order = Order(MANDATE, approved.plan.steps[0], nonce, sequence, 2**40, GAS, fees)
    attempt = await venue.sign(replace(order, **changes))
    await venue.send(attempt.payload)
    return nonce, attempt


def health(state):
    return loans.summarise(state.market, state.position.loan, state.at).health


async def test_what_is_seen_is_the_real_block_and_what_is_held_is_ours(real):
    venue = paper_on(real)
    real.chain.mine(7)
    found, state = await seen(venue)
    head = real.chain.head
    assert (found.stamp.block, found.stamp.block_hash) == (head.number, head.block_hash)
    assert found.stamp.source == "a node"
    assert found.gas == replace(real.sight().gas, operator_balance=10 * ETHER)
    assert state.position.idle == {WETH: 10 * WETH.unit}
    assert (venue.name, found.positions["loop"].atomic) == ("paper", True)


async def test_what_is_doubtful_about_the_real_look_is_doubtful_here(real):
    real.trusted, real.agree = False, 3
    found, _ = await seen(paper_on(real))
    assert (found.positions["loop"].trusted, found.sources_agree) == (False, 3)


@pytest.mark.parametrize("blocks", [1, 2, 5])
async def test_a_transaction_is_included_after_as_many_real_blocks_as_said(real, blocks):
    venue = paper_on(real, inclusion_blocks=blocks)
    slot, attempt = await sent(venue)
    for _ in range(blocks - 1):
        real.chain.mine()
        assert (await venue.look(slot, [attempt.tx_hash])).inclusion is None
    real.chain.mine()
    found = (await venue.look(slot, [attempt.tx_hash])).inclusion
    assert found is not None
    assert (found.block, found.block_hash) == (real.chain.head.number, real.chain.head.block_hash)
    assert found.succeeded
    _, state = await seen(venue)
    assert abs(leverage(state) - 2) < Decimal("0.01")
    assert real.chain.pool == {}, "the real chain never heard of it"
    assert real.chain.head.ledger.nonce == 0


async def test_gas_costs_what_the_real_base_fee_makes_it(real):
    venue = paper_on(real)
    slot, attempt = await sent(venue)
    real.chain.base_fee = 33 * worlds.GWEI
    real.chain.mine()
    found = (await venue.look(slot, [attempt.tx_hash])).inclusion
    assert found.gas_price == 33 * worlds.GWEI + attempt.fees.priority_fee
    after, _ = await seen(venue)
    assert after.gas.operator_balance == 10 * ETHER - found.gas_used * found.gas_price


async def test_a_bid_below_the_real_base_fee_waits_until_it_falls(real):
    venue = paper_on(real)
    slot, attempt = await sent(venue, fees=Fees(20 * worlds.GWEI, worlds.GWEI))
    real.chain.base_fee = 21 * worlds.GWEI
    real.chain.mine()
    waits = await venue.look(slot, [attempt.tx_hash])
    assert (waits.inclusion, waits.known) == (None, {attempt.tx_hash})
    real.chain.base_fee = 19 * worlds.GWEI
    real.chain.mine()
    assert (await venue.look(slot, [attempt.tx_hash])).inclusion.succeeded


@pytest.mark.parametrize(("price", "succeeds"), [(3_000, True), (3_040, False)])
async def test_a_swap_fills_by_the_pool_as_it_stands_when_it_is_included(real, price, succeeds):
    venue = paper_on(real)
    slot, attempt = await sent(venue)
    real.chain.change(markets.traded("weth-usdc", WETH, price))
    real.chain.mine()
    found = (await venue.look(slot, [attempt.tx_hash])).inclusion
    assert found.succeeded is succeeds
    after, state = await seen(venue)
    assert after.gas.operator_balance < 10 * ETHER, "it pays for gas all the same"
    assert (leverage(state) > 1) is succeeds


async def test_what_our_own_swap_did_to_the_pool_lasts_until_the_next_look(real):
    venue = paper_on(real)
    slot, attempt = await sent(venue)
    real.chain.mine()
    await venue.look(slot, [attempt.tx_hash])
    _, state = await seen(venue)
    assert state.pools != real.sight().pools
    real.chain.mine()
    _, state = await seen(venue)
    assert state.pools == real.sight().pools
    assert state.lending == real.sight().lending


async def test_interest_over_a_year_unseen_is_what_the_real_index_says(real):
    begun = levered()
    _, state = await seen(paper_on(real, begin=begun))
    real.chain.mine(seconds=YEAR_S)
    later = paper_on(real, begin=begun)  # another process, a year on
    _, after = await seen(later)
    owed, posted = (fn(after.market, after.position.loan, asset, after.at)
                    for fn, asset in ((loans.owed, USDC), (loans.supplied, WETH)))  # fmt: skip
    assert after.position.loan == state.position.loan, "scaled balances do not drift"
    assert owed == pytest.approx(45_000 * USDC.unit * 1.0304, rel=1e-3)
    assert posted == pytest.approx(25 * WETH.unit * 1.02, rel=1e-3)


async def test_below_health_1_a_liquidator_was_faster_and_above_it_nobody_is(real):
    venue = paper_on(real, begin=levered())
    real.chain.change(markets.priced(WETH, 2_200))
    real.chain.mine()
    _, before = await seen(venue)
    assert health(before) > WAD
    assert before.position.loan == levered().holders[MANDATE.account].loans["aave"]
    real.chain.change(markets.priced(WETH, 2_100))
    real.chain.mine()
    _, after = await seen(venue)
    assert after.position.loan.debts[USDC] < before.position.loan.debts[USDC]
    assert after.position.loan.supplies[WETH] < before.position.loan.supplies[WETH]


async def test_a_crash_while_nobody_looked_is_liquidated_at_the_first_look(real):
    real.chain.change(markets.priced(WETH, 2_100))
    real.chain.mine()
    _, state = await seen(paper_on(real, begin=levered()))
    assert state.position.loan.debts[USDC] < 45_000 * USDC.unit


async def test_a_crash_that_came_back_before_anybody_looked_was_none(real):
    """It is a look that finds a position below 1: between two of them nothing is known."""
    venue = paper_on(real, begin=levered())
    await seen(venue)
    for price in (2_100, 3_000):
        real.chain.change(markets.priced(WETH, price))
        real.chain.mine()
    _, state = await seen(venue)
    assert state.position.loan.debts[USDC] == 45_000 * USDC.unit


async def test_where_no_liquidator_can_act_nothing_is_taken(real):
    frozen = worlds.market(2_100)
    reserves = {
        asset: replace(each, params=replace(each.params, paused=True))
        for asset, each in frozen.reserves.items()
    }
    stuck = replace(frozen, reserves=reserves)
    real.chain.change(lambda ledger: replace(ledger, lending={"aave": stuck}))
    real.chain.mine()
    _, state = await seen(paper_on(real, begin=levered()))
    assert health(state) < WAD
    assert state.position.loan.debts[USDC] == 45_000 * USDC.unit


async def test_what_waits_is_included_after_a_liquidation_never_with_it(real):
    venue = paper_on(real, begin=levered())
    slot, attempt = await sent(venue, 2)
    real.chain.change(markets.priced(WETH, 2_100), markets.traded("weth-usdc", WETH, 2_100))
    real.chain.mine()
    assert (await venue.look(slot, [attempt.tx_hash])).inclusion is None
    real.chain.mine()
    found = (await venue.look(slot, [attempt.tx_hash])).inclusion
    assert found is not None
    assert found.block == real.chain.head.number


async def test_a_node_that_is_behind_the_journal_is_waited_for(real):
    block = real.chain.head
    for number, block_hash in ((block.number, "0xother"), (block.number + 1, "0xlater")):
        begun = holding(MANDATE, block=number, block_hash=block_hash)
        venue = paper_on(real, begin=begun)
        with pytest.raises(UnreachableError) as behind:
            await venue.observe([MANDATE])
        assert behind.value.code == "LVD-NET-006"
    real.chain.mine(2)
    found, _ = await seen(venue)
    assert found.stamp.block == 3
    known = holding(MANDATE, block=3, block_hash=real.chain.head.block_hash)
    assert (await seen(paper_on(real, begin=known)))[0].stamp.block == 3


async def test_a_node_that_lags_or_is_on_another_branch_changes_nothing(real):
    venue = paper_on(real)
    real.chain.mine(3)
    slot, attempt = await sent(venue)
    real.chain.mine()
    assert (await venue.look(slot, [attempt.tx_hash])).inclusion is not None
    kept, state = await seen(venue)
    real.chain.reorganise(2)
    for _ in range(2):
        again, same = await seen(venue)
        assert (again.stamp, same) == (kept.stamp, state)
        assert await venue.replaced(kept.stamp.block, kept.stamp.block_hash) is False
        real.chain.mine()
    real.chain.mine()
    found, _ = await seen(venue)
    assert found.stamp.block == kept.stamp.block + 1


async def test_a_dead_node_is_said_and_forgets_nothing(real):
    venue = paper_on(real)
    slot, attempt = await sent(venue)
    real.dead = True
    with pytest.raises(UnreachableError):
        await venue.look(slot, [attempt.tx_hash])
    real.dead = False
    real.chain.mine(40)
    assert (await venue.look(slot, [attempt.tx_hash])).inclusion.succeeded


async def test_looking_for_long_takes_no_more_memory(real, monkeypatch):
    monkeypatch.setattr(paper, "RECEIPTS_KEPT", 100)
    venue = paper_on(real)
    slot, attempt = await sent(venue)
    real.chain.mine()
    found = (await venue.look(slot, [attempt.tx_hash])).inclusion
    for _ in range(98):
        real.chain.mine()
        await venue.observe([MANDATE])
    assert (await venue.look(slot, [attempt.tx_hash])).inclusion == found
    with pytest.raises(ForgottenError):
        await venue.state_after(MANDATE, found)
    blocks = venue.follow(real.sight()).chain.blocks
    assert len([each for each in blocks if each.ledger.lending]) == paper.STATES_KEPT
    for _ in range(5):
        real.chain.mine()
        await venue.observe([MANDATE])
    assert len(venue.follow(real.sight()).chain.blocks) == 100


async def test_the_window_is_shut_at_the_end(real):
    await paper_on(real).close()
    assert real.shut
