"""The driver moves oracle, pools, rates and loans along the path, and mines."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from tests.chain import OPENING, LocalMarket, local, market

from leverd.devnet import demand
from leverd.devnet.driver import Driver, Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.path import UNIT, PricePath
from leverd.errors import OwnerError

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

WAD = 10**18
T0 = OPENING.at
FEE = 0.0005
QUIET = Habits(liquidates=False, borrows=False)


def path_of(*points: tuple[int, int]) -> PricePath:
    """A path through (seconds from the opening, dollars)."""
    return PricePath.of([(T0 + after, dollars * UNIT) for after, dollars in points])


def driver_of(local: LocalMarket, path: PricePath, habits: Habits = QUIET) -> Driver:
    return Driver(local.chain, local.deployment, path, habits)


def oracle(local: LocalMarket) -> int:
    return int(local.chain.read(local.deployment.feeds["WETH"], "latestAnswer()->(int256)"))


def borrow(local: LocalMarket, who: str, ether: int, dollars: int) -> None:
    """Open a loan of `dollars` on `ether`, from the account's own gas money."""
    weth, usdc, pool = local.token("WETH"), local.token("USDC"), local.deployment.pool
    local.chain.send(who, weth, "deposit()", value=ether * WAD)
    local.chain.send(who, weth, "approve(address,uint256)", pool, ether * WAD)
    supply = "supply(address,uint256,address,uint16)"
    local.chain.send(who, pool, supply, weth, ether * WAD, who, 0)
    loan = "borrow(address,uint256,uint256,uint16,address)"
    local.chain.send(who, pool, loan, usdc, dollars * 10**6, 2, 0, who)
    local.chain.mine()


def test_a_block_comes_at_its_time_and_every_twelve_seconds(local):
    driver = driver_of(local, path_of((0, 3_000), (3_600, 3_000)))
    first, second, later = driver.step(), driver.step(), driver.step(300)
    assert [block.at - T0 for block in (first, second, later)] == [12, 24, 324]
    assert [block.number for block in (second, later)] == [first.number + 1, first.number + 2]


def test_the_arbitrageur_keeps_the_pool_within_its_fee_of_the_market(local):
    driver = driver_of(local, path_of((0, 3_000), (1_800, 2_600), (3_600, 3_100)))
    for _ in range(60):
        block = driver.step(60)
        gap = abs(float(local.pool_price()) / (driver.path.price_at(block.at) / UNIT) - 1)
        assert gap <= FEE + 0.0002
    assert block.market == 3_100 * UNIT


def test_inside_the_fee_nobody_trades(local):
    driver = driver_of(local, path_of((0, 3_000), (3_600, 3_001)))
    before = local.pool_price()
    driver.advance_to(T0 + 600, stride=60)
    assert local.pool_price() == before


def test_a_crash_of_60_per_cent_stays_quoted_and_tracked(local):
    driver = driver_of(local, path_of((0, 3_000), (3_600, 1_200)))
    driver.advance_to(T0 + 3_660, stride=60)
    assert float(local.pool_price()) == pytest.approx(1_200, rel=2 * FEE)


def test_the_oracle_waits_for_its_deviation(local):
    path = path_of((0, 3_000), (12, 3_014), (36, 3_014), (48, 3_016), (600, 3_016))
    driver = driver_of(local, path, Habits(oracle=OracleRule(lag_s=0), liquidates=False))
    answers = []
    for _ in range(5):
        block = driver.step()
        answers.append((block.posted, oracle(local) // UNIT))
    assert answers == [(False, 3_000)] * 3 + [(True, 3_016), (False, 3_016)]


def test_the_oracle_speaks_after_its_heartbeat_though_nothing_moved(local):
    rule = OracleRule(heartbeat_s=3_600)
    habits = Habits(oracle=rule, liquidates=False, borrows=False)
    driver = driver_of(local, path_of((0, 3_000), (9_000, 3_000)), habits)
    feed, signature = local.deployment.feeds["WETH"], "latestTimestamp()->(uint256)"
    opened = local.chain.read(feed, signature)
    blocks = driver.advance_to(T0 + 7_200, stride=300)
    assert sum(block.posted for block in blocks) == 2
    assert local.chain.read(feed, signature) > opened


def test_the_oracle_is_as_late_as_it_is_set_to_be(local):
    path = path_of((0, 3_000), (12, 2_000), (600, 2_000))
    late = Habits(oracle=OracleRule(lag_s=60), liquidates=False, borrows=False)
    driver = driver_of(local, path, late)
    answers = {}
    for _ in range(7):
        block = driver.step()
        answers[block.at - T0] = oracle(local) // UNIT
    assert [answers[at] for at in (12, 24, 48, 60)] == [3_000] * 4
    assert answers[72] == 2_000
    assert float(local.pool_price()) == pytest.approx(2_000, rel=2 * FEE)  # the market never waits


def test_staked_ether_earns_once_a_day_and_its_pool_follows(local):
    driver = driver_of(local, path_of((0, 3_000), (5 * 86_400, 3_000)))
    rate = "stEthPerToken()->(uint256)"
    before = local.chain.read(local.token("wstETH"), rate)
    driver.advance_to(T0 + 4 * 86_400, stride=3_600)
    after = local.chain.read(local.token("wstETH"), rate)
    assert after / before - 1 == pytest.approx(4 * 0.03 / 365, rel=0.02)
    pool = float(local.pool_price("wsteth-weth-100"))
    assert pool == pytest.approx(after / WAD, rel=3e-4)


def test_staked_ether_trades_below_its_rate_while_ether_falls_and_the_oracle_does_not_care(local):
    driver = driver_of(local, path_of((0, 3_000), (7_200, 1_800)))
    driver.advance_to(T0 + 7_200, stride=60)
    rate = local.chain.read(local.token("wstETH"), "stEthPerToken()->(uint256)")
    assert float(local.pool_price("wsteth-weth-100")) < 0.99 * rate / WAD
    staked = local.chain.read(local.deployment.feeds["wstETH"], "latestAnswer()->(int256)")
    assert staked == oracle(local) * rate // WAD


def test_gas_grows_dear_in_a_crash_by_no_more_than_an_eighth_a_block(local):
    driver = driver_of(local, path_of((0, 3_000), (3_600, 3_000), (7_200, 2_400)))
    calm = driver.advance_to(T0 + 3_600)[-1].base_fee
    blocks = driver.advance_to(T0 + 7_200)
    assert blocks[-1].base_fee > 3 * calm
    for before, after in pairwise(blocks):
        assert before.base_fee * 7 // 8 <= after.base_fee <= before.base_fee * 9 // 8 + 1


def test_demand_moves_utilisation_and_with_it_the_rates(local):
    driver = driver_of(
        local, path_of((0, 3_000), (86_400, 3_000)), Habits(liquidates=False, borrows=True)
    )
    signature = "getReserveData(address)->(" + ",".join(["uint256"] * 12) + ")"
    rates, gaps = [], []
    for _ in range(24):
        driver.advance_to(driver.now + 3_600, stride=600)
        data = local.chain.read(local.deployment.data_provider, signature, local.token("USDC"))
        rates.append(data[6])
        goal = demand.wanted(OPENING.seed, driver.path, driver.now, demand.APPETITES[1])
        gaps.append(abs(data[4] / data[2] - goal))
    assert max(rates) > 1.05 * min(rates)
    assert max(gaps) < 0.02


def test_a_fall_makes_loans_dearer(local):
    driver = driver_of(
        local, path_of((0, 3_000), (7_200, 1_900)), Habits(liquidates=False, borrows=True)
    )
    signature = "getReserveData(address)->(" + ",".join(["uint256"] * 12) + ")"
    reader, usdc = local.deployment.data_provider, local.token("USDC")
    before = local.chain.read(reader, signature, usdc)[6]
    driver.advance_to(T0 + 7_200, stride=60)
    assert local.chain.read(reader, signature, usdc)[6] > 1.5 * before


def test_the_liquidator_liquidates_who_is_below_one_and_leaves_the_healthy_alone(local):
    weak, strong = local.deployment.roles.spare[0], local.deployment.roles.spare[1]
    borrow(local, weak, 100, 225_000)  # health 1.107
    borrow(local, strong, 100, 120_000)
    debt_before = local.account_data(strong)[1]
    driver = driver_of(local, path_of((0, 3_000), (600, 2_550), (1_800, 2_550)), Habits())
    blocks = driver.advance_to(T0 + 1_800)
    hit = [who for block in blocks for who in block.liquidated]
    assert weak in hit
    assert strong not in hit
    assert local.health(weak) > WAD
    assert local.account_data(weak)[1] < 200_000 * 10**8
    assert local.account_data(strong)[1] >= debt_before


def test_a_liquidation_is_a_real_call_that_pays_the_bonus_to_the_liquidator(local):
    looper = local.deployment.roles.looper
    topic = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
    driver = driver_of(local, path_of((0, 3_000), (12, 2_600), (1_800, 2_600)), Habits())
    driver.advance_to(T0 + 900)
    logs = local.node.rpc.ask(
        "eth_getLogs", {"fromBlock": "0x0", "address": local.deployment.pool, "topics": [topic]}
    )
    assert logs
    assert {log["topics"][3][-40:] for log in logs} == {looper[2:].lower()}
    repaid, seized = (int(logs[0]["data"][2 + 64 * i : 66 + 64 * i], 16) for i in (0, 1))
    price = oracle(local)
    worth = seized * price / WAD / (repaid * 100)
    assert 1.03 < worth < 1.06  # the bonus of 5 %, less the protocol's tenth of it


def test_what_was_seized_is_sold_again(local):
    own = local.deployment.roles.liquidator
    before = local.balance("WETH", own), local.balance("USDC", own)
    driver = driver_of(local, path_of((0, 3_000), (300, 2_600), (3_600, 2_600)), Habits())
    driver.advance_to(T0 + 3_600)
    assert local.balance("WETH", own) == pytest.approx(before[0], abs=2 * WAD)
    assert local.balance("USDC", own) > before[1]  # that is the liquidator's profit


def test_a_liquidator_that_is_switched_off_leaves_everyone(local):
    driver = driver_of(local, path_of((0, 3_000), (300, 2_400)), QUIET)
    driver.advance_to(T0 + 600)
    assert local.health(local.deployment.roles.looper) < WAD


def test_no_transaction_of_the_market_itself_fails(local):
    driver = driver_of(local, path_of((0, 3_000), (3_600, 2_000), (7_200, 2_600)), Habits())
    first = driver.number
    driver.advance_to(T0 + 7_200, stride=60)
    statuses = [
        local.node.rpc.ask("eth_getTransactionReceipt", sent)["status"]
        for number in range(first, driver.number + 1)
        for sent in local.node.rpc.block(hex(number))["transactions"]
    ]
    assert len(statuses) > 100
    assert set(statuses) == {"0x1"}


def test_two_markets_of_one_seed_are_the_same_to_the_block_hash(local):
    path = path_of((0, 3_000), (1_800, 2_300))
    snapshot = local.node.rpc.ask("evm_snapshot")
    once = driver_of(local, path, Habits()).advance_to(T0 + 1_800, stride=60)
    local.node.rpc.ask("evm_revert", snapshot)
    local.chain.forget()
    again = driver_of(local, path, Habits()).advance_to(T0 + 1_800, stride=60)
    assert once == again


def test_time_does_not_run_backwards(local):
    driver = driver_of(local, path_of((0, 3_000), (1_800, 2_300)))
    with pytest.raises(OwnerError, match="already at"):
        driver.advance_to(T0)


def test_the_price_stands_still_when_the_path_is_over(local):
    driver = driver_of(local, path_of((0, 3_000), (120, 2_900)))
    driver.advance_to(T0 + 600, stride=60)
    assert float(local.pool_price()) == pytest.approx(2_900, rel=2 * FEE)
    assert isinstance(local.pool_price(), Fraction)
