"""The market stands on real contracts, and stands the same each time."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.chain import ACCOUNT_DATA, OPENING, LocalMarket, local, market

from leverd.devnet import abi
from leverd.devnet.market import deploy, start
from leverd.errors import NonsenseError, RevertedError

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

QUOTE = (
    "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
    "->(uint256,uint160,uint32,uint256)"
)
RESERVE = "getReserveConfigurationData(address)->(" + "uint256," * 5 + "bool,bool,bool,bool,bool)"
WAD = 10**18


def test_the_reserves_have_the_terms_the_market_is_specified_with(local):
    for symbol, ltv, threshold, bonus in (
        ("WETH", 8050, 8300, 10500),
        ("USDC", 7500, 7800, 10450),
        ("wstETH", 7850, 8100, 10600),
    ):
        terms = local.chain.read(local.deployment.data_provider, RESERVE, local.token(symbol))
        assert terms[1:4] == (ltv, threshold, bonus)
        assert terms[6] is True  # borrowing enabled


def test_the_residents_stand_where_aave_says_they_do(local):
    roles = local.deployment.roles
    assert local.health(roles.borrower) > 2 * WAD
    assert WAD < local.health(roles.looper) < 12 * WAD // 10
    collateral, debt, *_ = local.account_data(roles.looper)
    assert collateral == pytest.approx(3_000_000 * 10**8, rel=1e-3)
    assert debt == pytest.approx(2_220_000 * 10**8, rel=1e-3)


def test_the_quoter_answers_near_the_price_and_a_large_trade_crosses_ticks(local):
    weth, usdc = local.token("WETH"), local.token("USDC")
    small = local.chain.read(local.deployment.quoter, QUOTE, (weth, usdc, WAD, 500, 0))
    assert small[0] == pytest.approx(3_000 * 0.9995 * 10**6, rel=1e-4)
    large = local.chain.read(local.deployment.quoter, QUOTE, (weth, usdc, 40_000 * WAD, 500, 0))
    assert large[2] >= 2
    assert large[0] > 40_000 * 1_000 * 10**6  # a crash stays quoted


def test_rates_are_real_because_others_borrow(local):
    signature = "getReserveData(address)->(" + ",".join(["uint256"] * 12) + ")"
    for symbol in ("WETH", "USDC", "wstETH"):
        data = local.chain.read(local.deployment.data_provider, signature, local.token(symbol))
        supply_rate, borrow_rate = data[5], data[6]
        assert 0 < supply_rate < borrow_rate


def test_wrapped_ether_is_backed(local):
    weth = local.token("WETH")
    supply = local.chain.read(weth, "totalSupply()->(uint256)")
    assert int(local.node.rpc.ask("eth_getBalance", weth, "latest"), 16) == supply


def test_staked_ether_is_priced_by_its_rate(local):
    before = local.chain.read(local.deployment.feeds["wstETH"], "latestAnswer()->(int256)")
    assert before == 3_000 * 10**8 * 1145 // 1000
    keeper = local.deployment.roles.keeper
    local.chain.send(keeper, local.token("wstETH"), "report(uint256)", 12 * WAD // 10)
    local.chain.mine()
    oracle = "getAssetPrice(address)->(uint256)"
    price = local.chain.read(local.deployment.oracle, oracle, local.token("wstETH"))
    assert price == 3_600 * 10**8


def test_only_the_keeper_posts(local):
    feed = local.deployment.feeds["WETH"]
    with pytest.raises(Exception, match="not the keeper"):
        local.chain.read(feed, "post(int256)->()", 1, sender=local.deployment.roles.owner)


def test_a_posted_price_carries_its_round_and_time(local):
    local.post_price("WETH", 2_500)
    feed = local.deployment.feeds["WETH"]
    signature = "latestRoundData()->(uint80,int256,uint256,uint256,uint80)"
    round_id, answer, _, updated_at, _ = local.chain.read(feed, signature)
    assert (round_id, answer, updated_at) == (3, 2_500 * 10**8, local.now())
    old = local.chain.read(feed, "getRoundData(uint80)->(uint80,int256,uint256,uint256,uint80)", 1)
    assert old[1] == 3_000 * 10**8


def test_a_test_starts_from_the_deployment_whatever_another_did(local):
    assert local.now() == OPENING.at
    assert local.pool_price() == pytest.approx(Fraction(3_000), rel=1e-9)
    local.pass_time(5_000)
    assert local.now() == OPENING.at + 5_000


def test_the_same_opening_gives_the_same_chain_and_another_generation_another(local):
    twin, deployment = start(OPENING)
    try:
        assert deployment == local.deployment
    finally:
        twin.stop()
    reset, other = start(type(OPENING)(OPENING.seed, OPENING.price, OPENING.at, generation=1))
    try:
        assert other.genesis_hash != local.deployment.genesis_hash
        assert other.pool == local.deployment.pool
    finally:
        reset.stop()


def test_a_chain_in_use_is_not_deployed_on(local):
    with pytest.raises(NonsenseError, match="already has blocks"):
        deploy(local.node, OPENING)


AGGREGATE = "aggregate3((address,bool,bytes)[])->((bool,bytes)[])"


def test_aggregate3_answers_each_call_and_says_which_failed(local):
    deployment = local.deployment
    data = abi.encode_call(ACCOUNT_DATA.split("->", maxsplit=1)[0], deployment.roles.looper)
    quote = abi.encode_call(
        QUOTE.split("->", maxsplit=1)[0],
        (local.token("WETH"), local.token("USDC"), WAD, 500, 0),
    )
    calls = [
        (deployment.pool, False, data),
        (deployment.pool, True, b"\x12\x34\x56\x78"),
        (deployment.quoter, True, quote),
        (deployment.tokens["USDC"].address, False, abi.encode_call("symbol()")),
        (deployment.roles.owner, False, b""),  # no code: succeeds, says nothing
    ]
    answers = local.chain.read(deployment.multicall, AGGREGATE, calls)
    assert [done for done, _ in answers] == [True, False, True, True, True]
    assert abi.decode_answer(ACCOUNT_DATA, answers[0][1]) == local.account_data(
        deployment.roles.looper
    )
    assert abi.decode_answer("symbol()->(string)", answers[3][1]) == ("USDC",)
    assert answers[4][1] == b""


def test_aggregate3_reverts_whole_when_a_call_fails_that_may_not(local):
    pool = local.deployment.pool
    with pytest.raises(Exception, match="Multicall3: call failed"):
        local.chain.read(
            local.deployment.multicall, AGGREGATE, [(pool, False, b"\x12\x34\x56\x78")]
        )


def test_aggregate3_of_nothing_is_nothing(local):
    assert local.chain.read(local.deployment.multicall, AGGREGATE, []) == ()


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("getBlockNumber()->(uint256)", lambda head: int(head["number"], 16)),
        ("getCurrentBlockTimestamp()->(uint256)", lambda head: int(head["timestamp"], 16)),
        ("getCurrentBlockGasLimit()->(uint256)", lambda head: int(head["gasLimit"], 16)),
        ("getLastBlockHash()->(uint256)", lambda head: int(head["parentHash"], 16)),
        ("getChainId()->(uint256)", lambda _: 31337),
    ],
)
def test_the_reader_tells_the_block(local: LocalMarket, signature, expected):
    assert local.chain.read(local.deployment.multicall, signature) == expected(local.head())


def test_the_reader_tells_balances_and_refuses_what_it_does_not_know(local):
    owner, reader = local.deployment.roles.owner, local.deployment.multicall
    wei = local.chain.read(reader, "getEthBalance(address)->(uint256)", owner)
    assert wei == int(local.node.rpc.ask("eth_getBalance", owner, "latest"), 16)
    with pytest.raises(Exception, match="revert"):
        local.chain.read(reader, "nothing()->(uint256)")


def test_a_transaction_that_reverts_in_set_up_says_why(local):
    pool, looper = local.deployment.pool, local.deployment.roles.looper
    signature = "withdraw(address,uint256,address)"
    local.chain.send(looper, pool, signature, local.token("WETH"), 900 * WAD, looper)
    with pytest.raises(RevertedError, match="35"):  # Aave 3.0: health below 1
        local.chain.mine()


def test_a_transaction_left_out_of_its_block_leaves_no_gap_behind(local):
    who = local.deployment.roles.spare[0]
    local.chain.send(who, who, "", value=1)
    handed = local.chain.hand_over()
    local.chain.settle([])
    local.mine()
    assert local.node.rpc.ask("eth_getTransactionReceipt", handed[0]) is None
    local.chain.send(who, who, "", value=1)
    local.chain.mine()
    assert int(local.node.rpc.ask("eth_getTransactionCount", who, "latest"), 16) == 1
