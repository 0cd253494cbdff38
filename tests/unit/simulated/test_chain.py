"""The chain in memory behaves like a chain."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from tests import worlds
from tests.executions import approve, wish
from tests.simulated import chain_at, venue_at

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.clock import SimulatedClock
from leverd.adapters.simulated.faults import Fault, PlannedFaults, SeededFaults
from leverd.adapters.simulated.transaction import Transaction, of_payload
from leverd.domain import quotes
from leverd.domain.pool import ConstantProductPool
from leverd.errors import NonsenseError, OwnerError, RefusedError, RevertedError
from leverd.interfaces.venue import Fees, Inclusion

WETH, USDC = worlds.WETH, worlds.USDC


async def test_a_payload_says_everything():
    venue = venue_at()
    approved, _ = await approve(venue, wish(2))
    sent = Transaction(3, 5, Fees(7, 2), "0xAccount", approved.plan.steps[0], 4, 9)
    assert of_payload(sent.payload) == sent
    assert of_payload(Transaction(3, 5, Fees(7, 2)).payload).step is None


async def test_sleeping_brings_the_blocks_that_time_would_have_brought():
    chain, seen = chain_at(), []
    clock = SimulatedClock(chain, lambda each: seen.append(each.head.number))
    await clock.sleep(30)
    assert (chain.head.number, seen) == (3, [1, 2])
    await clock.sleep(6)
    assert chain.head.number == 4
    assert clock.monotonic() == 36
    assert clock.now().timestamp() == chain.head.ledger.at == worlds.NOON + 36


@pytest.mark.parametrize("price", [2_000, 3_000, "3456.78"])
def test_a_pool_trades_at_the_price_it_was_moved_to(price):
    product = ConstantProductPool("product", WETH, USDC, 3_000, 10**21, 3 * 10**12)
    inverse = ConstantProductPool("inverse", USDC, WETH, 3_000, 3 * 10**12, 10**21)
    chain = chain_at()
    ledger = replace(
        chain.head.ledger,
        pools={**chain.head.ledger.pools, "product": product, "inverse": inverse},
    )
    for name in ledger.pools:
        moved = markets.traded(name, WETH, Decimal(price))(ledger).pools[name]
        found = quotes.spot_price(moved, WETH, USDC)
        assert abs(found / Decimal(price) - 1) < Decimal("1e-9")


def test_a_price_is_posted_to_every_market_that_knows_the_asset():
    ledger = chain_at().head.ledger
    ledger = replace(
        ledger, lending={**ledger.lending, "bare": replace(worlds.market(), reserves={})}
    )
    moved = markets.priced(WETH, 10)(ledger)
    assert moved.lending["aave"].reserves[WETH].price == 10 * 10**8
    assert moved.lending["bare"].reserves == {}


def test_a_dropped_blocks_events_happen_again_and_under_another_hash():
    chain = chain_at()
    chain.change(markets.given("0xAccount", WETH, 5))
    chain.mine()
    before = chain.head
    chain.reorganise(1)
    chain.mine()
    assert chain.head.block_hash != before.block_hash
    assert chain.head.ledger == before.ledger
    assert chain.block(before.block_hash) is None


def test_a_key_without_money_is_refused():
    chain = chain_at()
    with pytest.raises(RefusedError) as error:
        chain.send(Transaction(0, 10**9, Fees(10**18, 1)))
    assert error.value.reason == "insufficient_funds"


async def test_what_is_not_in_this_chain_makes_no_sense():
    venue = venue_at()
    lost = Inclusion("0x1", 1, "0x2", 3, True, "", 1, 1)
    with pytest.raises(NonsenseError):
        await venue.fills(worlds.mandate(), None, lost)
    with pytest.raises(NonsenseError):
        await venue.state_after(worlds.mandate(), lost)
    await venue.close()


async def test_a_plain_account_does_one_thing_at_a_time():
    venue = venue_at()
    approved, _ = await approve(venue, wish(2))
    venue._atomic = False
    with pytest.raises(OwnerError):
        await venue.rehearse(worlds.mandate(), approved.plan.steps[0], 0, 2**40)


async def test_a_step_with_too_dear_a_purchase_reverts():
    venue = venue_at(worlds.at_leverage(2))
    approved, _ = await approve(venue, wish(1))
    venue.chain.change(markets.traded("weth-usdc", WETH, 2_900))
    venue.chain.mine()
    with pytest.raises(RevertedError) as error:
        await venue.rehearse(worlds.mandate(), approved.plan.steps[0], 0, 2**40)
    assert error.value.reason == "sold too much"


def test_the_same_seed_has_the_same_faults():
    one, other = (SeededFaults(Random(7), 0.5) for _ in range(2))
    faults = [one.next("send") for _ in range(60)]
    assert faults == [other.next("send") for _ in range(60)]
    assert set(faults) == set(Fault)
    assert {SeededFaults(Random(7), 1.0).next("look")} == {Fault.UNREACHABLE}


def test_planned_faults_come_first_and_then_none():
    planned = PlannedFaults({"look": [Fault.UNREACHABLE]})
    assert [planned.next("look") for _ in range(2)] == [Fault.UNREACHABLE, Fault.NONE]
    assert planned.next("send") is Fault.NONE
