"""Gas of each thing an account does, sent as the daemon sends it, on the real artifacts.

Run: python -m benchmarks.gas_table
Ten ether at $3,000, planned by the planner, then rehearsed, signed and sent by the venue; every
on-chain check in. Gas is what the receipt says, after refunds. The last column is the same call
on a chain whose profile forgoes the access list (EIP-2930).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from eth_account import Account
from tests.account_contract.vault import DOLLAR, ETHER, fund, mined
from tests.chain import OPENING, LocalMarket
from tests.evm.accounts import Deployed, deploy_account, give
from tests.evm.worlds import (
    KEY,
    USDC,
    WETH,
    SystemClock,
    client_for,
    config_for,
    mandate_of,
    signer_for,
)

from leverd.adapters.evm import account_calls
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.venue import EvmVenue
from leverd.devnet import artifacts
from leverd.devnet.chain import Chain
from leverd.devnet.market import start
from leverd.domain.decision import Decision, SetLeverage, Unwind
from leverd.domain.money import Amount
from leverd.domain.plan import Action, Borrow, Repay, Step, StepKind, Supply, Swap, Withdraw
from leverd.domain.position import Mandate
from leverd.engine import collect, planner
from leverd.engine.book import Book
from leverd.engine.terms import Terms
from leverd.interfaces.venue import Order

HOUR = 3600
FOREVER = 2**40
ME = Account.from_key(KEY).address
HEAD = "| flow | transactions | gas | goal | without access list |\n|---|---|---|---|---|"
TERMS = Terms(
    slippage=Decimal("0.005"),
    impact_max=Decimal("0.01"),
    health_min=Decimal("1.12"),
    health_step_min=Decimal("1.05"),
    delay_s=36,
    deadline_s=600,
    dust_usd=10**8,
)


@dataclass(frozen=True)
class Row:
    flow: str
    transactions: int
    gas: int
    bare: int | None = None  # gas of the same without an access list
    goal: int | None = None

    @property
    def met(self) -> bool:
        return self.goal is None or self.gas <= self.goal

    def __str__(self) -> str:
        within = "" if self.goal is None else f"<= {self.goal:,}"
        missed = "" if self.met else ", missed"
        bare = "" if self.bare is None else f"{self.bare:,}"
        return f"| {self.flow} | {self.transactions} | {self.gas:,} | {within}{missed} | {bare} |"


@dataclass(frozen=True)
class Desk:
    """An account with ten ether, and the daemon's own way to act on it."""

    local: LocalMarket
    mandate: Mandate
    venue: EvmVenue
    bare: EvmVenue  # the same, on a chain where no access list is attached

    async def steps(self, decision: Decision, *, atomic: bool = True) -> tuple[Step, ...]:
        """Return what the planner makes of `decision` now, in rounds unless `atomic`."""
        seen = await self.venue.observe([self.mandate])
        (view,) = collect.views(seen, Book(), open_slots=0).values()
        plan = planner.plan(decision, replace(view, atomic=atomic), TERMS)
        return () if plan is None else plan.steps

    async def sent(self, step: Step, venue: EvmVenue | None = None) -> int:
        """Return what `step` costs, rehearsed, signed, sent and mined."""
        by = venue or self.venue
        seen = await by.observe([self.mandate])
        sequence = seen.positions[self.mandate.position_id].sequence
        deadline = seen.stamp.at + TERMS.deadline_s
        gas = await by.rehearse(self.mandate, step, sequence, deadline)
        bid = await by.fees(urgency=0.5)
        order = Order(self.mandate, step, seen.nonce, sequence, deadline, gas, bid)
        attempt = await by.sign(order)
        await by.send(attempt.payload)
        self.local.node.rpc.ask("evm_mine")
        found = (await by.look(seen.nonce, [attempt.tx_hash])).inclusion
        assert found is not None
        assert found.succeeded, found.reason
        return found.gas_used

    async def measured(self, flow: str, step: Step, goal: int | None = None) -> Row:
        """Do a step an hour after the last and return its row."""
        self.local.pass_time(HOUR)
        with undone(self.local):
            bare = await self.sent(step, self.bare)
        return Row(flow, 1, await self.sent(step), bare, goal)

    async def planned(self, flow: str, goal: int, decision: Decision) -> Row:
        """Do what the planner makes of `decision`, which must be one transaction."""
        self.local.pass_time(HOUR)
        (step,) = await self.steps(decision)
        return await self.measured(flow, step, goal)

    async def brought_to(self, leverage: str) -> None:
        for step in await self.steps(to(leverage)):
            await self.sent(step)


@contextmanager
def undone(local: LocalMarket) -> Iterator[None]:
    """Set the chain back afterwards."""
    snapshot = local.node.rpc.ask("evm_snapshot")
    yield
    local.node.rpc.ask("evm_revert", snapshot)
    local.node.rpc.ask("anvil_setTime", local.now())
    local.chain.forget()


def to(leverage: str) -> SetLeverage:
    return SetLeverage("benchmark", Decimal(leverage), "measured")


OUT = Unwind("benchmark", "measured")


async def atomic(desk: Desk) -> AsyncIterator[Row]:
    """Yield the one-transaction flows; each starts where the last ended."""
    yield await desk.planned("first open to 3x", 500_000, to("3"))
    yield await desk.planned("close from 3x", 425_000, OUT)
    yield await desk.planned("re-open to 3x", 450_000, to("3"))
    await desk.brought_to("2.5")
    yield await desk.planned("boost 2.5x to 3x", 430_000, to("3"))
    await desk.brought_to("3.5")
    yield await desk.planned("repay 3.5x to 3x", 450_000, to("3"))


async def single(desk: Desk) -> AsyncIterator[Row]:
    """Yield the single steps, on an open account."""
    fund(desk.local, desk.mandate.account, 2 * ETHER)
    half = Swap(desk.mandate.pool, Amount(WETH, ETHER // 2), Amount(USDC, 1))
    for flow, action in (
        ("supply", Supply("aave", Amount(WETH, ETHER))),
        ("borrow", Borrow("aave", Amount(USDC, 1_000 * DOLLAR))),
        ("swap", half),
        ("repay", Repay("aave", Amount(USDC, DOLLAR), all_idle=True)),
        ("withdraw", Withdraw("aave", Amount(WETH, ETHER))),
    ):
        yield await desk.measured(flow, alone(action))


def alone(action: Action) -> Step:
    return Step(StepKind.SINGLE, (action,), health_min=0)


async def sequential(desk: Desk) -> AsyncIterator[Row]:
    """Yield opening to 3x and closing in single steps, rounds of them."""
    for flow, decision in (("open to 3x in rounds", to("3")), ("close from 3x in rounds", OUT)):
        steps = await desk.steps(decision, atomic=False)
        spent = [await desk.sent(step) for step in steps]
        yield Row(flow, len(spent), sum(spent))


async def rows(desk: Desk, other: Desk) -> AsyncIterator[Row]:
    for part in (atomic(desk), single(desk), sequential(other)):
        async for row in part:
            yield row


def settle_in(local: LocalMarket) -> None:
    """Let others use both reserves and the pool, as they have in any market not minutes old."""
    lender, pool = local.deployment.roles.lender, local.deployment.pool
    for who in (lender, local.deployment.roles.arbitrageur):
        local.node.rpc.ask("anvil_setBalance", who, hex(100_000 * ETHER))  # for gas
    for symbol, raw in (("WETH", ETHER), ("USDC", 1_000 * DOLLAR)):
        local.pass_time(HOUR)
        fund(local, lender, raw, symbol)
        words = (local.token(symbol), raw, lender, 0)
        mined(local, lender, pool, "supply(address,uint256,address,uint16)", *words)
        trade(local, symbol, raw)


def plain_feeds(local: LocalMarket) -> None:
    """Give the oracle Aave's own stand-ins, one storage slot each, as in the reference figures."""
    deployment, maker = local.deployment, local.deployment.roles.deployer
    local.node.rpc.ask("anvil_setBalance", maker, hex(100_000 * ETHER))
    code = artifacts.creation(artifacts.AAVE, "mocks/oracle/CLAggregators/MockAggregator")
    assets = [local.token("WETH"), local.token("USDC")]
    feeds = [local.chain.deploy(maker, code, "(int256)", price * 10**8) for price in (3_000, 1)]
    local.chain.mine()
    signature = "setAssetSources(address[],address[])"
    mined(local, maker, deployment.oracle, signature, assets, feeds)


def trade(local: LocalMarket, symbol: str, raw: int) -> None:
    """Have somebody sell `raw` of a token for the other one of the pair."""
    roles, router = local.deployment.roles, local.deployment.router
    other = {"WETH": "USDC", "USDC": "WETH"}[symbol]
    words = (local.token(symbol), local.token(other), 500, roles.arbitrageur, 2**64, raw, 0, 0)
    signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    mined(local, roles.arbitrageur, router, signature, words)


@asynccontextmanager
async def desk_at(local: LocalMarket) -> AsyncIterator[Desk]:
    """Give a new account ten ether, and a venue to act on it."""
    local.node.rpc.ask("anvil_setBalance", ME, hex(100 * ETHER))
    made = deploy_account(local, ME)
    give(local, "WETH", made.address, 10 * ETHER)
    venue, bare = venue_at(local, made), venue_at(local, made, lists=False)
    try:
        yield Desk(local, mandate_of(made.address), venue, bare)
    finally:
        await venue.close()
        await bare.close()


def venue_at(local: LocalMarket, made: Deployed, *, lists: bool = True, url: str = "") -> EvmVenue:
    config = config_for(
        local,
        accounts=(made.address,),
        account_code_hashes=frozenset({made.code_hash}),
        profile=replace(PROFILES["local"], l1_data_fee=not lists),
    )
    client = client_for(url or local.url, chain_id=config.chain_id)
    signer = signer_for(local, *account_calls.rules(made.address))
    return EvmVenue(config, client, signer, SystemClock())


async def table(local: LocalMarket) -> bool:
    """Print every row and return whether each met its goal."""
    met = True
    plain_feeds(local)
    async with desk_at(local) as desk, desk_at(local) as other:
        settle_in(local)
        sys.stdout.write(f"{HEAD}\n")
        async for row in rows(desk, other):
            sys.stdout.write(f"{row}\n")
            met = met and row.met
    return met


def main() -> int:
    """Return 0 if the goals are met."""
    node, deployment = start(OPENING)
    try:
        met = asyncio.run(table(LocalMarket(node, deployment, Chain(node.rpc))))
    finally:
        node.stop()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
