"""The venue on real contracts: what it reads is what is there, what it does is what was meant."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from tests.account_contract import hostile
from tests.account_contract.test_changed_market import name_pool, upgrade
from tests.chain import LocalMarket, local, market
from tests.evm.accounts import Deployed, deploy_account, give
from tests.evm.proxy import changed, proxied
from tests.evm.worlds import (
    KEY,
    PATIENT,
    USDC,
    WETH,
    WSTETH,
    SystemClock,
    client_for,
    config_for,
    mandate_of,
    signer_for,
    venue_for,
)

from leverd.adapters.evm import account_calls, erc20, preflight, scope
from leverd.adapters.evm.findings import Severity
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.simulation import Rehearsals
from leverd.adapters.evm.sources import Sources
from leverd.adapters.evm.survey import ask
from leverd.adapters.evm.transport import Endpoint
from leverd.adapters.evm.uniswap import swaps
from leverd.adapters.evm.uniswap.swaps import Trade
from leverd.adapters.evm.venue import EvmVenue
from leverd.devnet.terms import STAKING_RATE
from leverd.domain import loans, quotes, valuation
from leverd.domain.apply import apply_step
from leverd.domain.decision import SetLeverage, Unwind
from leverd.domain.plan import (
    Approve,
    Borrow,
    BuyExact,
    Plan,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.position import LegKind, Mandate
from leverd.engine import accounting, collect, planner
from leverd.engine.book import Book, Page
from leverd.engine.terms import Terms
from leverd.errors import OwnerError, RefusedError, RevertedError, SigningRefusedError
from leverd.interfaces.signer import UnsignedTransaction
from leverd.interfaces.venue import Fees, Inclusion, Order, Trace

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

WAD = 10**18
ME = Account.from_key(KEY).address
FOREVER = 2**40
TERMS = Terms(
    slippage=Decimal("0.005"),
    impact_max=Decimal("0.01"),
    health_min=Decimal("1.15"),
    health_step_min=Decimal("1.02"),
    delay_s=36,
    deadline_s=10**6,
    dust_usd=10**8,
)


@asynccontextmanager
async def venue_on(local: LocalMarket, *accounts: str, hashes=frozenset(), rules=()):
    local.node.rpc.ask("anvil_setBalance", ME, hex(10**22))
    config = config_for(local, accounts=accounts, account_code_hashes=hashes)
    client = client_for(local.url, chain_id=config.chain_id, final_depth=config.final_depth)
    venue = EvmVenue(config, client, signer_for(local, *rules), SystemClock())
    try:
        yield venue
    finally:
        await venue.close()


@asynccontextmanager
async def account_on(local: LocalMarket, *, emode: int = 0):
    made: Deployed = deploy_account(local, ME, emode=emode)
    rules = account_calls.rules(made.address)
    async with venue_on(
        local, made.address, hashes=frozenset({made.code_hash}), rules=rules
    ) as venue:
        yield venue, mandate_of(made.address, emode=emode)


async def carry_out(local: LocalMarket, venue: EvmVenue, mandate: Mandate, step: Step) -> Inclusion:
    """Rehearse, sign, send and mine `step`; check that our arithmetic foretold all of it."""
    seen = await venue.observe([mandate])
    sequence = seen.positions[mandate.position_id].sequence
    gas_limit = await venue.rehearse(mandate, step, sequence, FOREVER)
    bid = await venue.fees(urgency=0.5)
    order = Order(mandate, step, seen.nonce, sequence, FOREVER, gas_limit, bid)
    attempt = await venue.sign(order)
    await venue.send(attempt.payload)
    local.node.rpc.ask("evm_mine")
    sighting = await venue.look(seen.nonce, [attempt.tx_hash])
    found = sighting.inclusion
    assert found is not None
    assert sighting.spent
    assert sighting.canonical
    assert found.succeeded, found.reason
    assert found.gas_used <= gas_limit
    await verify(venue, mandate, step, found)
    return found


async def verify(venue: EvmVenue, mandate: Mandate, step: Step, found: Inclusion) -> None:
    fills = await venue.fills(mandate, step, found)
    before = await venue.state_before(mandate, found)
    after = await venue.state_after(mandate, found)
    told = apply_step(before, step, fills, verified=True)
    assert list(told.position.legs()) == list(after.position.legs())
    assert told.position.loan == after.position.loan
    for asset in (WETH, USDC):
        ours, theirs = told.market.reserves[asset], after.market.reserves[asset]
        assert (ours.scaled_supply, ours.scaled_debt) == (theirs.scaled_supply, theirs.scaled_debt)
        assert (ours.liquidity_index, ours.borrow_index) == (
            theirs.liquidity_index,
            theirs.borrow_index,
        )


def single(action, health_min: int = 0) -> Step:
    return Step(StepKind.SINGLE, (action,), health_min)


async def test_our_summary_of_a_position_is_the_pools_own_to_the_wei(local):
    roles = local.deployment.roles
    mandates = [mandate_of(roles.looper, "loop"), mandate_of(roles.borrower, "borrow")]
    async with venue_on(local, roles.looper, roles.borrower) as venue:
        for seconds in (12, 3_600, 86_400 * 30):
            local.pass_time(seconds)
            seen = await venue.observe(mandates)
            for mandate in mandates:
                one = seen.positions[mandate.position_id]
                ours = loans.summarise(one.state.market, one.state.position.loan, seen.stamp.at)
                assert (
                    ours.collateral_value,
                    ours.debt_value,
                    ours.available_borrows,
                    ours.threshold,
                    ours.ltv,
                    ours.health,
                ) == local.account_data(mandate.account)
                assert ours.health == one.health_reported


async def test_all_assets_of_an_account_are_found_though_the_mandate_names_two(local):
    roles = local.deployment.roles
    async with venue_on(local, roles.borrower) as venue:
        seen = await venue.observe([mandate_of(roles.borrower)])
        loan = seen.positions["eth-loop"].state.position.loan
        assert {asset.symbol for asset in loan.collaterals} == {"wstETH"}
        assert loans.summarise(
            seen.positions["eth-loop"].state.market, loan, seen.stamp.at
        ).health == local.health(roles.borrower)


async def test_what_a_staked_token_earned_by_its_own_contract_s_word_is_a_line_of_pnl(local):
    roles, staked = local.deployment.roles, local.deployment.tokens["wstETH"].address
    async with venue_on(local, roles.borrower) as venue:
        mandate = mandate_of(roles.borrower)
        seen = await venue.observe([mandate])
        state = seen.positions["eth-loop"].state
        assert state.market.staking == {WSTETH: STAKING_RATE}
        first = accounting.mark(Page(), state, seen.stamp, 0)
        grown = STAKING_RATE // 1_000
        local.chain.send(roles.keeper, staked, "report(uint256)", STAKING_RATE + grown)
        local.mine(at=local.now() + 86_400)
        seen = await venue.observe([mandate])
        second = accounting.mark(
            Page(marked=first), seen.positions["eth-loop"].state, seen.stamp, 0
        )
    lines = second.attribution
    assert second.flow == 0
    assert sum(lines.values()) == second.snapshot.equity - first.snapshot.equity
    held = sum(
        leg.held if leg.kind is not LegKind.OWED else -leg.held
        for leg in state.position.legs()
        if leg.asset == WSTETH
    )
    worth = held * state.market.reserves[WSTETH].price // 10**20  # USDC raw, at indexes near 1
    assert lines["staking"] == pytest.approx(worth / 1_000, rel=1e-4)
    assert abs(lines["price"]) < abs(lines["staking"]) / 1_000  # ether itself stood still


async def test_the_pool_we_read_quotes_as_the_quoter_does(local):
    roles = local.deployment.roles
    async with venue_on(local, roles.looper) as venue:
        seen = await venue.observe([mandate_of(roles.looper)])
        pool = seen.positions["eth-loop"].state.pool
        quoter = local.deployment.quoter
        for asset, other, sizes in (
            (WETH, USDC, (1, 10**18, 500 * 10**18, 8_000 * 10**18)),
            (USDC, WETH, (1, 10**9, 10**12, 2 * 10**13)),
        ):
            trade = Trade(local.token(asset.symbol), local.token(other.symbol), 500)
            for size in sizes:
                theirs, _ = await ask(venue._client, swaps.quote_in(quoter, trade, size))
                assert quotes.quote_exact_in(pool, asset, size).bought == theirs
                if size > 1:
                    bought, _ = await ask(venue._client, swaps.quote_out(quoter, trade, theirs))
                    assert quotes.quote_exact_out(pool, other, theirs).sold == bought


async def test_the_window_of_ticks_follows_a_moving_price(local):
    roles, deployment = local.deployment.roles, local.deployment
    async with venue_on(local, roles.looper) as venue:
        before = await venue.observe([mandate_of(roles.looper)])
        give(local, "WETH", roles.arbitrageur, 60_000 * WAD)
        weth, usdc = local.token("WETH"), local.token("USDC")
        approve = "approve(address,uint256)"
        local.chain.send(roles.arbitrageur, weth, approve, deployment.router, 60_000 * WAD)
        swap = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
        sold = (weth, usdc, 500, roles.arbitrageur, FOREVER, 60_000 * WAD, 0, 0)
        local.chain.send(roles.arbitrageur, deployment.router, swap, sold)
        local.chain.mine()
        after = await venue.observe([mandate_of(roles.looper)])
        pools = [one.positions["eth-loop"].state.pool for one in (before, after)]
        assert abs(pools[0].tick - pools[1].tick) > 1_000
        for pool in pools:
            low, high = pool.window
            assert low < pool.tick - 1_000
            assert pool.tick + 1_000 < high
        trade = Trade(usdc, weth, 500)
        theirs, _ = await ask(venue._client, swaps.quote_in(deployment.quoter, trade, 10**13))
        assert quotes.quote_exact_in(pools[1], USDC, 10**13).bought == theirs


async def test_an_account_contract_opens_boosts_lowers_and_closes_in_one_transaction_each(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        seen = (await venue.observe([mandate])).positions["eth-loop"]
        assert (seen.sequence, seen.atomic, seen.trusted) == (0, True, True)
        for dollars in (15_000, 5_000):
            sell = USDC.amount(dollars)
            raised = (
                Swap(mandate.pool, sell, WETH.amount(1)),
                Supply("aave", WETH.amount(1), all_idle=True),
                Borrow("aave", sell),
            )
            await carry_out(local, venue, mandate, Step(StepKind.RAISE, raised, 12 * WAD // 10))
            local.pass_time(86_400)
        lowered = (
            Swap(mandate.pool, WETH.amount(1), USDC.amount(2_000)),
            Repay("aave", USDC.amount(2_900), all_idle=True),
            Withdraw("aave", WETH.amount(1)),
        )
        await carry_out(local, venue, mandate, Step(StepKind.LOWER, lowered, 0))
        local.pass_time(86_400)
        closed = (
            BuyExact(mandate.pool, USDC.amount(17_000), WETH.amount(8), live_debt=True),
            Repay("aave", USDC.amount(17_000), everything=True),
            Withdraw("aave", WETH.amount(1), everything=True),
        )
        await carry_out(local, venue, mandate, Step(StepKind.CLOSE, closed, 0))
        left = (await venue.observe([mandate])).positions["eth-loop"]
        assert left.sequence == 4
        assert [leg.kind for leg in left.state.position.legs()] == ["idle"]
        assert local.balance("WETH", mandate.account) == left.state.position.idle[WETH]


async def order_of(venue: EvmVenue, mandate: Mandate, step: Step) -> Order:
    seen = await venue.observe([mandate])
    sequence = seen.positions[mandate.position_id].sequence
    gas_limit = await venue.rehearse(mandate, step, sequence, FOREVER)
    bid = await venue.fees(urgency=0.5)
    return Order(mandate, step, seen.nonce, sequence, FOREVER, gas_limit, bid)


async def test_what_a_node_took_and_showed_to_nobody_is_mined_by_another(local):
    """The first node answers every read, and keeps what it is sent to itself."""
    swallowed = []

    def selfish(method, params):
        if method == "eth_sendRawTransaction":
            swallowed.append(params[0])
            return "0x" + keccak(hexstr=params[0]).hex()
        try:
            return local.node.rpc.ask(method, *params)
        except RefusedError as error:
            return {"error": {"code": -32601, "message": str(error)}}

    async with account_on(local) as (venue, mandate), proxied(selfish) as first:
        await venue._client.close()
        venue._client._sources = Sources(
            [Endpoint(first.url), Endpoint(local.url)], SystemClock(), PATIENT
        )
        venue._client._rehearsals = Rehearsals(venue._client._sources)
        give(local, "WETH", mandate.account, 10 * WAD)

        async def mined(attempt) -> bool:
            local.node.rpc.ask("evm_mine")
            return (await venue.look(attempt.slot, [attempt.tx_hash])).inclusion is not None

        supply = await venue.sign(
            await order_of(venue, mandate, single(Supply("aave", WETH.amount(9))))
        )
        await venue.send(supply.payload)
        assert (len(swallowed), await mined(supply)) == (1, False), "one node was asked"
        await venue.send(supply.payload)
        assert await mined(supply), "the same bytes, by the other"
        borrow = await venue.sign(
            await order_of(
                venue, mandate, single(Borrow("aave", USDC.amount(9_000)), 12 * WAD // 10)
            )
        )
        await venue.send(borrow.payload)
        assert not await mined(borrow)
        cancel = await venue.sign_cancel(
            borrow.slot, Fees(2 * borrow.fees.max_fee, 2 * borrow.fees.priority_fee)
        )
        await venue.send(cancel.payload)
        assert await mined(cancel), "a second payload for a slot goes to all"
        again = await order_of(
            venue, mandate, single(Borrow("aave", USDC.amount(9_000)), 12 * WAD // 10)
        )
        borrow = await venue.sign(again)
        bump = await venue.sign(replace(again, fees=cancel.fees, repeats=borrow.payload))
        await venue.send(bump.payload)
        assert await mined(bump), "so does a higher bid"
        lowered = (
            Swap(mandate.pool, WETH.amount(1), USDC.amount(2_000)),
            Repay("aave", USDC.amount(2_900), all_idle=True),
            Withdraw("aave", WETH.amount(1)),
        )
        lower = await venue.sign(await order_of(venue, mandate, Step(StepKind.LOWER, lowered, 0)))
        await venue.send(lower.payload)
        assert await mined(lower), "what lowers goes to all at once"


async def test_a_block_that_holds_our_act_is_told_though_its_receipt_is_kept_no_more(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        step = single(Supply("aave", WETH.amount(9)))
        attempt = await venue.sign(await order_of(venue, mandate, step))
        stranger = "0x" + "77" * 32
        await venue.send(attempt.payload)
        waiting = await venue.look(attempt.slot, [attempt.tx_hash])
        assert (waiting.spent, waiting.trace) == (False, None)
        local.node.rpc.ask("evm_mine")
        seen = await venue.look(attempt.slot, [stranger, attempt.tx_hash])
        found = seen.inclusion
        assert found is not None
        assert seen.trace is None
        async with proxied(local.url) as proxy:
            proxy.fault = changed(
                lambda method, result: None if method == "eth_getTransactionReceipt" else result
            )
            await venue._client.close()
            venue._client._sources = Sources([Endpoint(proxy.url)], SystemClock(), PATIENT)
            pruned = await venue.look(attempt.slot, [stranger, attempt.tx_hash])
            assert (pruned.spent, pruned.inclusion) == (True, None)
            assert pruned.trace == Trace(
                found.tx_hash, found.block, found.block_hash, found.at, found.gas_price
            )
            unknown = await venue.look(attempt.slot, [stranger])
            assert (unknown.spent, unknown.trace) == (True, None)

            def elsewhere(method, result):
                if method == "eth_getTransactionReceipt":
                    return None
                if method == "eth_getTransactionByHash" and result:
                    return {**result, "blockHash": stranger}
                return result

            proxy.fault = changed(elsewhere)
            assert (await venue.look(attempt.slot, [attempt.tx_hash])).trace is None
            await venue._client._sources.close()


REVERTING = "0x60006000fd"


async def test_one_dead_oracle_leaves_those_who_do_not_use_it_their_way_down(local):
    """The oracle has nobody else to turn to, so its price and every health built on it revert."""
    stranger = mandate_of(local.deployment.roles.borrower, "staked")
    async with account_on(local) as (venue, mandate):
        venue._config = replace(venue._config, accounts=(mandate.account, stranger.account))
        venue._watcher._config = venue._config
        give(local, "WETH", mandate.account, 10 * WAD)
        raised = await planned(venue, mandate, SetLeverage("test", Decimal(2), "up"))
        assert raised is not None
        for step in raised.steps:
            await carry_out(local, venue, mandate, step)
        both = [mandate, stranger]
        assert (await venue.observe(both)).positions["staked"].health_reported
        local.node.rpc.ask("anvil_setCode", local.deployment.feeds["wstETH"], REVERTING)
        seen = await venue.observe(both)
        ours, other = (seen.positions[one.position_id] for one in both)
        assert valuation.unpriced(other.state) == WSTETH, "it is told, and waited for"
        assert other.health_reported == 0
        assert valuation.unpriced(ours.state) is None
        assert ours.trusted
        assert ours.health_reported == local.health(mandate.account)
        views = collect.views(seen, Book(), open_slots=0, apart={"staked"})
        lowered = planner.plan(
            SetLeverage("test", Decimal("1.5"), "down"), views["eth-loop"], TERMS
        )
        assert lowered is not None
        for step in lowered.steps:
            await carry_out(local, venue, mandate, step)


async def test_gas_is_reckoned_at_the_last_price_told_while_the_oracle_has_none(local):
    async with account_on(local) as (venue, mandate):
        before = await venue.observe([mandate])
        local.node.rpc.ask("anvil_setCode", local.deployment.feeds["WETH"], REVERTING)
        after = await venue.observe([mandate])
        assert after.gas.native_price == before.gas.native_price > 0
        assert valuation.unpriced(after.positions["eth-loop"].state) == WETH


async def test_a_pool_that_cannot_tell_a_health_of_priced_assets_is_not_trusted(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        await carry_out(local, venue, mandate, single(Supply("aave", WETH.amount(9))))
        look = await venue._watcher.look([mandate])
        held = replace(look.world.holdings["eth-loop"], health_reported=None)
        silent = replace(look.world, holdings={"eth-loop": held})
        assert venue._observed(mandate, look.world, look.survey).trusted
        assert not venue._observed(mandate, silent, look.survey).trusted


async def test_a_close_without_debt_takes_all_collateral_back(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        await carry_out(
            local, venue, mandate, single(Supply("aave", WETH.amount(9), all_idle=True))
        )
        local.pass_time(86_400)
        everything = Withdraw("aave", WETH.amount(9), everything=True)
        await carry_out(local, venue, mandate, Step(StepKind.CLOSE, (everything,), 0))
        left = (await venue.observe([mandate])).positions["eth-loop"]
        assert [leg.kind for leg in left.state.position.legs()] == ["idle"]


async def test_an_account_whose_owner_knew_another_revision_is_seen_at_the_first_look(local):
    async with account_on(local) as (venue, mandate):
        before = (await venue.observe([mandate])).positions["eth-loop"]
        assert (before.trusted, before.closes_only) == (True, False)
        upgrade(SimpleNamespace(local=local))
        for _ in range(2):
            after = (await venue.observe([mandate])).positions["eth-loop"]
            assert (after.trusted, after.closes_only) == (False, True)


async def levered(local, venue, mandate):
    give(local, "WETH", mandate.account, 10 * WAD)
    plan = await planned(venue, mandate, SetLeverage("test", Decimal(2), "up"))
    assert plan is not None
    for step in plan.steps:
        await carry_out(local, venue, mandate, step)


async def closed(local, venue, mandate):
    plan = await planned(venue, mandate, Unwind("test", "down", urgent=True))
    assert plan is not None
    for step in plan.steps:
        await carry_out(local, venue, mandate, step)
    return (await venue.observe([mandate])).positions["eth-loop"]


@pytest.mark.parametrize("pool", ["0x" + "77" * 20, "another"], ids=["nobody", "contract"])
async def test_a_position_is_watched_and_closed_where_it_is_kept_whatever_the_provider_names(
    local, pool
):
    if pool == "another":
        pool = local.deployment.oracle
    async with account_on(local) as (venue, mandate):
        await levered(local, venue, mandate)
        before = (await venue.observe([mandate])).positions["eth-loop"]
        assert (before.moved_to, before.closes_only) == ("", False)
        name_pool(local, pool)
        for _ in range(3):
            after = (await venue.observe([mandate])).positions["eth-loop"]
            assert after.moved_to.lower() == pool.lower()
            assert (after.trusted, after.closes_only) == (False, True)
            assert after.state.market.kept_at == before.state.market.kept_at
            assert after.state.position.loan == before.state.position.loan
        left = await closed(local, venue, mandate)
        assert not left.state.position.loan.debts
        name_pool(local, local.deployment.pool)
        await venue.observe([mandate])
        back = (await venue.observe([mandate])).positions["eth-loop"]
        assert (back.moved_to, back.trusted, back.closes_only) == ("", True, False)


async def test_a_start_looks_for_a_position_where_the_journal_says_that_it_is_kept(local):
    mandate, nobody = mandate_of(ME), "0x" + "77" * 20
    async with venue_on(local, ME) as venue:
        await levered(local, venue, mandate)
        before = (await venue.observe([mandate])).positions["eth-loop"]
    name_pool(local, nobody)
    async with venue_on(local, ME) as venue:
        venue.hold({"aave": before.state.market.kept_at})
        after = (await venue.observe([mandate])).positions["eth-loop"]
        assert after.state.position.loan == before.state.position.loan
        assert (after.moved_to.lower(), after.trusted) == (nobody, False)
        (found,) = await preflight.check(venue.config, venue._client, ME, [mandate])
        assert (found.code, found.severity) == ("LVD-CHN-017", Severity.REDUCING)
        left = await closed(local, venue, mandate)
        assert not left.state.position.loan.debts


async def test_a_pool_of_another_provider_is_not_looked_into(local):
    """Whoever names another market in the settings is told by the journal, and not here."""
    async with venue_on(local, ME) as venue:
        venue.hold({"aave": local.token("USDC")})
        assert (await venue.survey()).markets["aave"].pool == local.deployment.pool


async def test_an_account_contract_does_every_single_step(local):
    async with account_on(local, emode=1) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        give(local, "USDC", mandate.account, 100 * 10**6)
        for step in (
            single(Supply("aave", WETH.amount(9))),
            single(Supply("aave", WETH.amount(1), all_idle=True)),
            single(SetEMode("aave", 1)),
            single(SetEMode("aave", 0)),
            single(Borrow("aave", USDC.amount(10_000)), 12 * WAD // 10),
            single(Swap(mandate.pool, USDC.amount(4_000), WETH.amount(1))),
            single(BuyExact(mandate.pool, WETH.amount("0.5"), USDC.amount(1_600))),
            single(Repay("aave", USDC.amount(1_000))),
            single(Repay("aave", USDC.amount(1), all_idle=True)),
            single(Withdraw("aave", WETH.amount("0.25")), 105 * WAD // 100),
        ):
            await carry_out(local, venue, mandate, step)
            local.pass_time(3_600)


async def planned(venue: EvmVenue, mandate: Mandate, decision) -> Plan | None:
    """Return the plan for `decision` from a fresh look."""
    seen = await venue.observe([mandate])
    (view,) = collect.views(seen, Book(), open_slots=0).values()
    return planner.plan(decision, view, TERMS)


async def test_a_plain_address_opens_and_unwinds_in_rounds_with_exact_approvals(local):
    mandate = mandate_of(ME)
    async with venue_on(local, ME) as venue:
        give(local, "WETH", ME, 10 * WAD)
        seen = (await venue.observe([mandate])).positions["eth-loop"]
        assert (seen.sequence, seen.atomic, seen.plain, seen.trusted) == (0, False, True, True)
        for decision in (SetLeverage("test", Decimal(2), "up"), Unwind("test", "down")):
            plan = await planned(venue, mandate, decision)
            assert plan is not None
            for step in plan.steps:
                await carry_out(local, venue, mandate, step)
        state = (await venue.observe([mandate])).positions["eth-loop"].state
        assert {leg.kind for leg in state.position.legs()} == {"idle"}
        assert state.position.idle[WETH] > 99 * WAD // 10
        pool, router = local.deployment.pool, local.deployment.router
        left = "allowance(address,address)->(uint256)"
        assert local.chain.read(local.token("WETH"), left, ME, pool) == 0
        assert local.chain.read(local.token("USDC"), left, ME, router) == 0


def make_picky(local: LocalMarket, symbol: str) -> None:
    """Have a token's approvals pass through zero from now on."""
    rpc, token = local.node.rpc, local.token(symbol)
    before = "0x" + "7e" * 20
    rpc.ask("anvil_setCode", before, rpc.ask("eth_getCode", token, "latest"))
    picky = hostile.deploy(local, "PickyToken", "(address)", before)
    rpc.ask("anvil_setCode", token, rpc.ask("eth_getCode", picky, "latest"))


async def test_a_plain_address_gets_out_again_and_again_of_a_token_as_picky_as_usdt(local):
    mandate = mandate_of(ME)
    make_picky(local, "USDC")
    async with venue_on(local, ME) as venue:
        give(local, "WETH", ME, 10 * WAD)
        for _ in range(2):
            for decision in (SetLeverage("test", Decimal(2), "up"), Unwind("test", "down")):
                plan = await planned(venue, mandate, decision)
                assert plan is not None
                for step in plan.steps:
                    await carry_out(local, venue, mandate, step)
            seen = (await venue.observe([mandate])).positions["eth-loop"]
            assert {leg.kind for leg in seen.state.position.legs()} == {"idle"}
            assert seen.allowances["aave", USDC] > 0  # a full repayment leaves some of it


async def test_what_a_plain_address_allows_already_is_not_approved_again(local):
    mandate = mandate_of(ME)
    async with venue_on(local, ME) as venue:
        give(local, "WETH", ME, 10 * WAD)
        await carry_out(local, venue, mandate, single(Approve("aave", WETH.amount(10))))
        plan = await planned(venue, mandate, SetLeverage("test", Decimal(2), "up"))
        assert plan is not None
        assert isinstance(plan.steps[0].actions[0], Supply)
        for step in plan.steps:
            await carry_out(local, venue, mandate, step)


async def test_a_plain_address_approves_no_more_than_the_step_at_hand_needs(local):
    mandate = mandate_of(ME)
    async with venue_on(local, ME) as venue:
        give(local, "WETH", ME, 10 * WAD)
        bid = await venue.fees(urgency=0.0)
        await venue.observe([mandate])
        step = single(Approve("aave", WETH.amount(3)))
        order = Order(mandate, step, 0, 0, FOREVER, 100_000, bid)
        assert (await venue.sign(order)).payload
        more = UnsignedTransaction(
            venue._config.chain_id,
            0,
            local.token("WETH"),
            erc20.APPROVE.encode(local.deployment.pool, 3 * WAD + 1),
            0,
            100_000,
            bid.max_fee,
            bid.priority_fee,
        )
        with pytest.raises(SigningRefusedError) as refused:
            venue._signer.sign(more)
        assert refused.value.code == "LVD-SGN-007"


async def test_a_plain_address_does_one_thing_at_a_time(local):
    mandate = mandate_of(ME)
    async with venue_on(local, ME) as venue:
        both = Step(StepKind.RAISE, (Borrow("aave", USDC.amount(1)),), 0)
        with pytest.raises(OwnerError) as refused:
            await venue.rehearse(mandate, both, 0, FOREVER)
        assert refused.value.code == "LVD-OWN-061"


async def test_a_step_that_would_revert_is_named_before_it_is_signed(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        await carry_out(local, venue, mandate, single(Supply("aave", WETH.amount(10))))
        too_much = single(Borrow("aave", USDC.amount(29_000)))
        with pytest.raises(RevertedError) as refused:
            await venue.rehearse(mandate, too_much, 1, FOREVER)
        assert refused.value.reason == "CollateralCannotCoverNewBorrow"
        fine = single(Borrow("aave", USDC.amount(1_000)))
        for sequence, deadline, reason in ((0, FOREVER, "wrong sequence"), (1, 1, "too late")):
            with pytest.raises(RevertedError) as refused:
                await venue.rehearse(mandate, fine, sequence, deadline)
            assert refused.value.reason == reason


async def test_a_mined_revert_keeps_its_reason(local):
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        seen = await venue.observe([mandate])
        step = single(Supply("aave", WETH.amount(1)))
        bid = await venue.fees(urgency=0.0)
        for deadline, gas_limit, reason in (
            (seen.stamp.at + 5, 400_000, "too late"),
            (FOREVER, 60_000, "OutOfGas"),
        ):
            nonce = (await venue.observe([mandate])).nonce
            order = Order(mandate, step, nonce, 0, deadline, gas_limit, bid)
            attempt = await venue.sign(order)
            await venue.send(attempt.payload)
            local.node.rpc.ask("evm_mine")
            found = (await venue.look(nonce, [attempt.tx_hash])).inclusion
            assert found is not None
            assert (found.succeeded, found.reason) == (False, reason)


async def test_a_slot_is_waiting_then_included_then_final(local):
    async with account_on(local) as (venue, _):
        bid = await venue.fees(urgency=0.0)
        attempt = await venue.sign_cancel(0, bid)
        await venue.send(attempt.payload)
        waiting = await venue.look(0, [attempt.tx_hash])
        assert (waiting.spent, waiting.inclusion) == (False, None)
        assert waiting.known == {attempt.tx_hash}
        local.node.rpc.ask("evm_mine")
        included = await venue.look(0, [attempt.tx_hash])
        assert included.spent
        assert included.inclusion is not None
        assert included.final_block < included.inclusion.block
        local.pass_time(12)
        local.pass_time(12)
        final = await venue.look(0, [attempt.tx_hash])
        assert final.inclusion is not None
        assert final.final_block >= final.inclusion.block


async def test_a_slot_spent_by_a_transaction_not_ours_is_said(local):
    async with account_on(local) as (venue, _):
        bid = await venue.fees(urgency=0.0)
        ours = await venue.sign_cancel(0, bid)
        local.node.rpc.ask("anvil_impersonateAccount", ME)
        local.chain.send(ME, ME, "", value=1)
        local.chain.mine()
        seen = await venue.look(0, [ours.tx_hash])
        assert (seen.spent, seen.inclusion, seen.known) == (True, None, frozenset())


async def test_an_account_with_other_code_or_another_operator_is_not_trusted(local):
    made = deploy_account(local, ME)
    foreign = deploy_account(local, local.deployment.roles.operator)
    for account, hashes in (
        (made.address, frozenset()),
        (foreign.address, frozenset({foreign.code_hash})),
    ):
        async with venue_on(local, account, hashes=hashes) as venue:
            seen = (await venue.observe([mandate_of(account)])).positions["eth-loop"]
            assert not seen.trusted
    async with venue_on(local, made.address, hashes=frozenset({made.code_hash})) as venue:
        seen = (await venue.observe([mandate_of(made.address)])).positions["eth-loop"]
        assert seen.trusted


async def test_a_market_whose_pool_was_replaced_is_not_trusted_and_found_anew(local):
    async with account_on(local) as (venue, mandate):
        assert (await venue.observe([mandate])).positions["eth-loop"].trusted
        provider = local.deployment.provider
        oracle = local.deployment.oracle
        local.chain.send(local.deployment.roles.deployer, provider, "setPriceOracle(address)", ME)
        local.chain.mine()
        seen = (await venue.observe([mandate])).positions["eth-loop"]
        assert not seen.trusted
        local.chain.send(
            local.deployment.roles.deployer, provider, "setPriceOracle(address)", oracle
        )
        local.chain.mine()
        assert (await venue.observe([mandate])).positions["eth-loop"].trusted


async def test_the_key_signs_nothing_for_an_account_that_is_not_on_the_list(local):
    async with account_on(local) as (venue, mandate):
        other = deploy_account(local, ME, emode=3).address
        venue._watcher._survey = None
        both = replace(venue._config, accounts=(mandate.account, other))
        venue._config = venue._watcher._config = both
        bid = await venue.fees(urgency=0.0)
        step = single(Supply("aave", WETH.amount(1)))
        order = Order(mandate_of(other), step, 0, 0, FOREVER, 300_000, bid)
        with pytest.raises(SigningRefusedError) as refused:
            await venue.sign(order)
        assert refused.value.code == "LVD-SGN-002"


async def test_a_bid_outlives_full_blocks_and_grows_with_urgency(local):
    async with account_on(local) as (venue, _):
        calm, urgent = await venue.fees(urgency=0.0), await venue.fees(urgency=1.0)
        base_fee, _ = await venue._client.fee_history(1)
        assert base_fee * 2 < calm.max_fee < urgent.max_fee
        assert 0 < calm.priority_fee <= urgent.priority_fee <= urgent.max_fee


def round_code(answer: int, started_at: int) -> str:
    """Return code that answers any call with a feed's round."""
    words = {0x00: 1, 0x20: answer, 0x40: started_at, 0x60: started_at, 0x80: 1}
    stores = [f"63{word:08x}60{at:02x}52" for at, word in words.items()]
    return "0x" + "".join(stores) + "60a06000f3"


async def test_a_sequencer_that_is_down_or_just_back_means_no_new_risk(local):
    feed = "0x" + "5e" * 20
    local.node.rpc.ask("anvil_setBalance", ME, hex(10**22))
    profile = replace(PROFILES["local"], sequencer_feed=feed)
    config = config_for(local, accounts=(ME,), profile=profile)
    client = client_for(local.url, chain_id=config.chain_id)
    venue = EvmVenue(config, client, signer_for(local), SystemClock())
    mandate = mandate_of(ME)
    now = local.now()
    for answer, started_at, trusted in ((1, now - 10**5, False), (0, now, False), (0, 1, True)):
        local.node.rpc.ask("anvil_setCode", feed, round_code(answer, started_at))
        seen = await venue.observe([mandate])
        assert seen.positions["eth-loop"].trusted == trusted
    for silent in ("0x60006000fd", "0x", "0x60016000f3"):  # it reverts, is no contract, or stammers
        local.node.rpc.ask("anvil_setCode", feed, silent)
        seen = await venue.observe([mandate])
        assert not seen.positions["eth-loop"].trusted
    await venue.close()


async def test_a_turn_is_one_request_for_any_number_of_positions(local):
    roles = local.deployment.roles
    accounts = (roles.looper, roles.borrower, *roles.spare)
    mandates = [mandate_of(account, f"p{i}") for i, account in enumerate(accounts)]
    async with proxied(local.url) as proxy:
        venue = venue_for(local, url=proxy.url, accounts=accounts)
        for few in (mandates[:1], mandates):
            await venue.observe(few)
            proxy.forget()
            for _ in range(3):
                local.pass_time(12)
                seen = await venue.observe(few)
                assert len(seen.positions) == len(few)
            assert proxy.requests == 3
            assert proxy.methods.count("eth_call") == 3
        await venue.close()


async def test_the_pools_own_healths_are_checked_in_turns_and_a_difference_is_not_trusted(
    local, monkeypatch
):
    roles = local.deployment.roles
    accounts = (roles.looper, roles.borrower, roles.lender)
    mandates = [mandate_of(account, f"p{i}") for i, account in enumerate(accounts)]
    monkeypatch.setattr(scope, "CHECKS_MAX", 2)
    async with venue_on(local, *accounts) as venue:
        asked = []
        for _ in range(2):
            seen = await venue.observe(mandates)
            asked.append([bool(one.health_reported) for one in seen.positions.values()])
        assert asked == [[True, True, False], [False, False, True]]
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WAD)
        await carry_out(local, venue, mandate, single(Supply("aave", WETH.amount(10))))
        await carry_out(local, venue, mandate, single(Borrow("aave", USDC.amount(1_000))))
        assert (await venue.observe([mandate])).positions["eth-loop"].trusted
        monkeypatch.setattr(loans, "summarise", lambda *_: SimpleNamespace(health=1))
        assert not (await venue.observe([mandate])).positions["eth-loop"].trusted
