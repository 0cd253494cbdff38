"""P&L of a loop on the real contracts: the lines sum to what the balances say, to the unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest
from tests.domain_on_chain.chain_market import ChainMarket
from tests.domain_on_chain.market30 import deployed_market
from tests.domain_on_chain.node import GAS, Node, call_data

from leverd.devnet.deployment import Deployment
from leverd.devnet.market import Opening, start
from leverd.domain import loans, valuation
from leverd.domain.fixed_point import UINT256_MAX, WAD, mul_div_up
from leverd.domain.holdings import holdings_of
from leverd.domain.money import USD, Asset
from leverd.domain.pnl import Attribution, attribute, flow_value
from leverd.domain.pnl_facts import (
    Fact,
    FlowFact,
    GasFact,
    LendingFact,
    LiquidationFact,
    SwapFact,
)
from leverd.domain.pool import ConcentratedPool
from leverd.domain.position import Mandate, Position
from leverd.domain.state import State
from leverd.errors import ImpossibleError

pytestmark = pytest.mark.chain

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
OPENING = Opening(seed=1, price=2_987_65432101, at=1_700_000_000)
NEVER = 2**63
_SINGLE = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"


@dataclass
class Diary:
    """A position of a plain address: what it did, what its balances say, and its P&L."""

    node: Node
    market: ChainMarket
    deployment: Deployment
    owner: str
    liquidator: str
    share_class: Asset
    total: Attribution = field(default_factory=Attribution)
    flows: int = 0

    def __post_init__(self) -> None:
        self.began = self.state = self.read()

    def read(self) -> State:
        """Return the position and its market at the head."""
        mandate = Mandate(
            "loop", self.owner, "aave", "pool", WETH, USDC, share_class=self.share_class
        )
        loan = self.market.account(self.owner)
        idle = {asset: self.balance(asset, self.owner) for asset in self.market.tokens}
        position = Position(mandate, {"aave": loan}, idle)
        return State(self.now, {"aave": self.market.market()}, {"pool": self._pool()}, position)

    def wait(self, seconds: int) -> None:
        """Let time pass with nobody acting."""
        self.node.ask("evm_setNextBlockTimestamp", self.now + seconds)
        self.node.ask("evm_mine")
        self._close(())

    def move_price(self, permille: int, asset: Asset) -> None:
        """Have the oracle say `permille` of what it said."""
        price = self.state.market.reserves[asset].price * permille // 1000
        self.node.do(
            self.deployment.roles.deployer, self.market.tokens[asset].feed, "post(int256)", price
        )
        self._close(())

    def receive(self, asset: Asset, raw: int) -> None:
        """Have money arrive from outside."""
        token = self.market.tokens[asset]
        self.node.do(token.minter, token.underlying, "mint(address,uint256)", self.owner, raw)
        self._close((FlowFact(asset, raw),))

    def lend(self, verb: str, asset: Asset, raw: int) -> None:
        """Supply, withdraw, borrow or repay."""
        underlying = self.market.tokens[asset].underlying
        call = {
            "supply": ("supply(address,uint256,address,uint16)", (raw, self.owner, 0)),
            "withdraw": ("withdraw(address,uint256,address)", (raw, self.owner)),
            "borrow": (
                "borrow(address,uint256,uint256,uint16,address)",
                (raw, 2, 0, self.owner),
            ),
            "repay": ("repay(address,uint256,uint256,address)", (raw, 2, self.owner)),
        }
        signature, rest = call[verb]
        gas = self._act(self.market.pool, call_data(signature, underlying, *rest))
        self._close((LendingFact(asset), gas))

    def swap(self, sell: Asset, buy: Asset, raw: int) -> None:
        """Sell `raw` in the pool; the facts are what the balances tell."""
        tokens, fee = self.market.tokens, self.state.pool.fee
        pair = tokens[sell].underlying, tokens[buy].underlying
        before = self.balance(sell, self.owner), self.balance(buy, self.owner)
        terms = (*pair, fee, self.owner, NEVER, raw, 0, 0)
        gas = self._act(self.deployment.router, call_data(_SINGLE, terms))
        sold = before[0] - self.balance(sell, self.owner)
        bought = self.balance(buy, self.owner) - before[1]
        self._close((SwapFact(sell, sold, buy, bought, mul_div_up(sold, fee, 10**6)), gas))

    def be_liquidated(self) -> None:
        """Have the liquidator call; its purse and the treasury's tell what was taken."""
        tokens, treasury = self.market.tokens, self.deployment.treasury
        receipt = tokens[WETH].receipt
        before = (
            self.balance(USDC, self.liquidator),
            self.balance(WETH, self.liquidator),
            self._balance_of(receipt, treasury),
        )
        pair = tokens[WETH].underlying, tokens[USDC].underlying
        self.node.do(
            self.liquidator,
            self.market.pool,
            "liquidationCall(address,address,address,uint256,bool)",
            *(*pair, self.owner, UINT256_MAX, False),
        )
        cleared = before[0] - self.balance(USDC, self.liquidator)
        seized = self.balance(WETH, self.liquidator) - before[1]
        grown = self._balance_of(receipt, treasury) - before[2]
        self._close((LiquidationFact(USDC, cleared, WETH, seized + grown),))

    @property
    def now(self) -> int:
        """The head block's time."""
        return int(self.node.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    @property
    def health(self) -> int:
        """The health factor, wad."""
        return loans.summarise(self.state.market, self.state.position.loan, self.state.at).health

    def balance(self, asset: Asset, who: str) -> int:
        """Return how much of `asset` the chain says `who` holds."""
        return self._balance_of(self.market.tokens[asset].underlying, who)

    def equity_on_chain(self) -> int:
        """Return the dollars (1e8) that the tokens' own balances come to, each rounded."""
        value = 0
        for asset, token in self.market.tokens.items():
            price = self.state.market.reserves[asset].price
            for owned in (token.underlying, token.receipt):
                value += self._balance_of(owned, self.owner) * price // asset.unit
            value -= -(-self._balance_of(token.debt, self.owner) * price // asset.unit)
        return value

    def _act(self, to: str, data: str) -> GasFact:
        receipt = self.node.mine({"from": self.owner, "to": to, "data": data, "gas": hex(GAS)})
        assert int(receipt["status"], 16), "the act reverted"
        spent = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return GasFact(spent, self.state.market.reserves[WETH].price)

    def _close(self, facts: tuple[Fact, ...]) -> None:
        """Attribute the stretch that just ended, and hold it against the balances."""
        before, self.state = self.state, self.read()
        lines = attribute(before, self.state, facts)
        came = flow_value(holdings_of(self.state), facts)
        change = equity(self.state) - equity(before)
        assert lines.total == change - came + lines.gas
        assert valuation.equity(self.state) == self.equity_on_chain()
        self.total += lines
        self.flows += came

    def _pool(self) -> ConcentratedPool:
        place = self.deployment.pools["weth-usdc-500"]
        by_address = {token.underlying: a for a, token in self.market.tokens.items()}
        ((sqrt_price, tick),) = self.node.read(
            [(place.address, call_data("slot0()"), "uint160,int24")]
        )
        return ConcentratedPool(
            "pool",
            by_address[place.token0],
            by_address[place.token1],
            place.fee,
            10,
            sqrt_price,
            tick,
            liquidity=0,
            ticks=(),
            window=(tick, tick),
        )

    def _balance_of(self, token: str, who: str) -> int:
        ((balance,),) = self.node.read([(token, call_data("balanceOf(address)", who), "uint256")])
        return int(balance)


def equity(state: State) -> int:
    return valuation.equity_in_share_class(state)


@pytest.fixture
def chain() -> Iterator[tuple[Node, ChainMarket, Deployment]]:
    anvil, deployment = start(OPENING)
    node = Node(anvil.url)
    yield node, deployed_market(node, deployment), deployment
    node.close()
    anvil.stop()


def begin(chain: tuple[Node, ChainMarket, Deployment], share_class: Asset) -> Diary:
    """Return the diary of an empty address that may spend in pool and router."""
    node, market, deployment = chain
    owner, liquidator = deployment.roles.spare[:2]
    for asset in (WETH, USDC):
        token = market.tokens[asset]
        approve = "approve(address,uint256)"
        node.do(owner, token.underlying, approve, market.pool, UINT256_MAX)
        node.do(owner, token.underlying, approve, deployment.router, UINT256_MAX)
        node.do(liquidator, token.underlying, approve, market.pool, UINT256_MAX)
        rich = 10**6 * asset.unit
        node.do(token.minter, token.underlying, "mint(address,uint256)", liquidator, rich)
    return Diary(node, market, deployment, owner, liquidator, share_class)


@pytest.mark.parametrize("share_class", [USD, WETH])
def test_the_lines_of_a_loops_life_sum_to_what_its_balances_gained(chain, share_class):
    diary = begin(chain, share_class)
    random = Random(7)
    diary.receive(WETH, 10 * 10**18 + 1)
    diary.lend("supply", WETH, 10 * 10**18 + 1)
    for _ in range(3):
        diary.lend("borrow", USDC, random.randint(6_000 * 10**6, 7_000 * 10**6))
        diary.swap(USDC, WETH, diary.balance(USDC, diary.owner))
        diary.lend("supply", WETH, diary.balance(WETH, diary.owner))
        diary.wait(random.randint(1, 30 * 86_400))
    diary.move_price(1050, WETH)
    diary.receive(USDC, 777_777_777)
    diary.move_price(440, WETH)
    assert diary.health < WAD
    diary.be_liquidated()
    diary.wait(86_400)
    diary.move_price(2_160, WETH)
    while diary.state.position.loan.debts.get(USDC):
        owed = loans.owed(diary.state.market, diary.state.position.loan, USDC, diary.state.at)
        if diary.balance(USDC, diary.owner) <= owed:
            diary.lend("withdraw", WETH, 10**18)
            diary.swap(WETH, USDC, 10**18)
        diary.lend("repay", USDC, min(diary.balance(USDC, diary.owner), 10 * owed))
    diary.lend("withdraw", WETH, UINT256_MAX)
    assert not any(diary.state.position.loan.supplies.values())
    gained = equity(diary.state) - equity(diary.began) - diary.flows
    assert diary.total.total == gained + diary.total.gas
    lines = diary.total
    assert lines.supply_interest > 0 > lines.borrow_interest
    assert max(lines.swap_fees, lines.gas, lines.liquidation) < 0
    assert lines.price_impact != 0
    one_dollar = 10**8 if share_class == USD else 10**18 // 3_000
    assert abs(lines.rounding) < one_dollar // 10**4


def test_what_somebody_else_supplied_for_us_is_told_as_a_flow_to_the_unit(chain):
    diary = begin(chain, USD)
    diary.receive(WETH, 10**18)
    supply = call_data(
        "supply(address,uint256,address,uint16)",
        *(diary.market.tokens[WETH].underlying, 5 * 10**17 + 3, diary.owner, 0),
    )
    call = {"from": diary.liquidator, "to": diary.market.pool, "data": supply, "gas": hex(GAS)}
    assert int(diary.node.mine(call)["status"], 16)
    untold = diary.read()
    with pytest.raises(ImpossibleError, match="WETH") as error:
        attribute(diary.state, untold, ())
    assert error.value.code == "LVD-IMP-031"
    diary._close((FlowFact(WETH, 5 * 10**17 + 3),))
    assert diary.total.total == diary.total.rounding
