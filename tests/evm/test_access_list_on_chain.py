"""On real contracts, an access list makes every flow cheaper, and no node can make it harmful."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from benchmarks.gas_table import ME, Desk, atomic, desk_at, plain_feeds, settle_in, undone, venue_at
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from tests.chain import LocalMarket, local, market
from tests.evm.accounts import deploy_account, give
from tests.evm.proxy import proxied
from tests.evm.worlds import USDC, WETH, mandate_of

from leverd.adapters.evm import simulation
from leverd.domain.plan import Borrow, Step, StepKind, Supply, Swap
from leverd.interfaces.venue import Attempt, Order

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

WAD = 10**18
FOREVER = 2**40
LIST_METHOD = "eth_createAccessList"
OPENING = Step(
    StepKind.RAISE,
    (
        Swap("weth-usdc-500", USDC.amount(15_000), WETH.amount(1)),
        Supply("aave", WETH.amount(1), all_idle=True),
        Borrow("aave", USDC.amount(15_000)),
    ),
    12 * WAD // 10,
)


def fields(payload: bytes):
    return TypedTransaction.from_bytes(HexBytes(payload)).as_dict()


async def first_order(venue, mandate) -> Order:
    gas = await venue.rehearse(mandate, OPENING, 0, FOREVER)
    return Order(mandate, OPENING, 0, 0, FOREVER, gas, await venue.fees(urgency=0.5))


async def mined(local: LocalMarket, venue, attempt: Attempt):
    """Return the gas of an attempt that succeeds."""
    await venue.send(attempt.payload)
    local.node.rpc.ask("evm_mine")
    found = (await venue.look(attempt.slot, [attempt.tx_hash])).inclusion
    assert found is not None
    assert found.succeeded, found.reason
    return found.gas_used


async def opened(desk: Desk):
    """Return the gas of opening without a list, and leave the chain as it was."""
    with undone(desk.local):
        order = await first_order(desk.bare, desk.mandate)
        return await mined(desk.local, desk.bare, await desk.bare.sign(order))


@asynccontextmanager
async def behind(local: LocalMarket, fault):
    """Give an account whose venue reaches the node through `fault`."""
    local.node.rpc.ask("anvil_setBalance", ME, hex(100 * WAD))
    made = deploy_account(local, ME)
    give(local, "WETH", made.address, 10 * WAD)
    async with proxied(local.url) as proxy:
        proxy.fault = fault
        venue, bare = venue_at(local, made, url=proxy.url), venue_at(local, made, lists=False)
        try:
            yield Desk(local, mandate_of(made.address), venue, bare)
        finally:
            await venue.close()
            await bare.close()


def saying(result):
    """Have the node answer so when it is asked for a list."""

    async def fault(_request, questions, answers):
        for question, found in zip(questions, answers, strict=True):
            if question["method"] == LIST_METHOD:
                del found["result"]
                found.update(result)

    return fault


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine's node takes its time over a list."""
    monkeypatch.setattr(simulation, "_LISTED_S", 30.0)


async def test_every_flow_meets_its_gas_goal_as_the_daemon_sends_it(local):
    plain_feeds(local)
    async with desk_at(local) as desk:
        settle_in(local)
        rows = [row async for row in atomic(desk)]
    assert len(rows) == 5
    assert [row.flow for row in rows if not row.met] == []
    assert all(row.bare - row.gas > 8_000 for row in rows)


async def test_the_list_is_attached_and_leaves_out_what_is_warm(local):
    async with desk_at(local) as desk:
        bare = await opened(desk)
        attempt = await desk.venue.sign(await first_order(desk.venue, desk.mandate))
        sent = fields(attempt.payload)
        listed = {"0x" + bytes(one["address"]).hex() for one in sent["accessList"]}
        assert local.token("WETH").lower() in listed
        assert local.deployment.pool.lower() in listed
        assert not listed & {desk.mandate.account.lower(), ME.lower()}
        entries = len(listed) + sum(len(one["storageKeys"]) for one in sent["accessList"])
        saved = bare - await mined(local, desk.venue, attempt)
        assert 100 * entries <= saved <= 200 * entries  # 200: a slot written before it is read


async def test_a_bump_differs_in_its_fees_alone_also_after_a_restart(local):
    async with desk_at(local) as desk:
        order = await first_order(desk.venue, desk.mandate)
        first = await desk.venue.sign(order)
        higher = replace(order.fees, max_fee=order.fees.max_fee * 2)
        again = replace(order, fees=higher, repeats=first.payload)
        # `bare` knows of no list, as a process that has just begun.
        for venue in (desk.venue, desk.bare):
            bump = await venue.sign(again)
            old, new = fields(first.payload), fields(bump.payload)
            changed = {name for name in old if old[name] != new[name]}
            assert changed <= {"maxFeePerGas", "v", "r", "s"}
            assert new["accessList"] == old["accessList"] != ()
            assert Account.recover_transaction(bump.payload) == ME
        assert await mined(local, desk.bare, bump) < order.gas_limit


async def test_a_cancel_carries_no_list(local):
    async with desk_at(local) as desk:
        order = await first_order(desk.venue, desk.mandate)
        cancel = await desk.venue.sign_cancel(0, order.fees)
        assert fields(cancel.payload)["accessList"] == ()
        assert await mined(local, desk.venue, cancel) == 21_000


async def test_a_node_without_the_method_is_used_as_ever(local):
    unknown = {"error": {"code": -32601, "message": f"the method {LIST_METHOD} does not exist"}}
    async with behind(local, saying(unknown)) as desk:
        bare = await opened(desk)
        order = await first_order(desk.venue, desk.mandate)
        attempt = await desk.venue.sign(order)
        assert fields(attempt.payload)["accessList"] == ()
        assert await mined(local, desk.venue, attempt) == bare


async def test_a_node_that_lies_about_the_list_costs_gas_and_nothing_else(local):
    wrong = [
        {"address": f"0x{one:040x}", "storageKeys": [hex(slot) for slot in range(3)]}
        for one in range(10**6, 10**6 + 50)
    ]
    price = 50 * (2_400 + 3 * 1_900)
    lie = {"result": {"accessList": wrong, "gasUsed": "0x5208"}}
    async with behind(local, saying(lie)) as desk:
        bare = await opened(desk)
        attempt = await desk.venue.sign(await first_order(desk.venue, desk.mandate))
        assert len(fields(attempt.payload)["accessList"]) == 50
        assert await mined(local, desk.venue, attempt) == bare + price < attempt.gas_limit


async def test_a_list_without_end_is_not_attached(local):
    many = [{"address": f"0x{one:040x}", "storageKeys": []} for one in range(10**6, 10**6 + 70)]
    lie = {"result": {"accessList": many, "gasUsed": "0x5208"}}
    async with behind(local, saying(lie)) as desk:
        attempt = await desk.venue.sign(await first_order(desk.venue, desk.mandate))
        assert fields(attempt.payload)["accessList"] == ()
        assert await mined(local, desk.venue, attempt) < attempt.gas_limit
