"""Moves the market along its path, one block after another. It owns the mining.

Everything random is drawn from the seed and the block's time or number, never from how often
something was asked: a devnet that was stopped and resumed goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final

from leverd.devnet import base_fee, demand, residents
from leverd.devnet.arbitrageur import correction, trade
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment
from leverd.devnet.feeds import OracleRule
from leverd.devnet.liquidator import Liquidator
from leverd.devnet.market_view import MarketView, look
from leverd.devnet.mempool import Mempool
from leverd.devnet.path import UNIT, PricePath
from leverd.devnet.traffic import Traffic
from leverd.errors import OwnerError

_DAY_S: Final = 86_400
_HOUR_S: Final = 3600
_GWEI: Final = 10**9
_POST_GAS: Final = 200_000
_DEPEG: Final = 0.04  # staked ether's market discount, for each whole price lost within a day
_STAKING_APR: Final = Fraction(3, 100)
_YEAR_S: Final = 365 * _DAY_S
_CHECK_BLOCKS: Final = 25  # between looks at healths while no price moved: interest alone is slow


@dataclass(frozen=True, slots=True)
class Habits:
    """How the market behaves; the same habits, path and seed give the same market."""

    block_s: int = 12
    oracle: OracleRule = field(default_factory=OracleRule)
    liquidates: bool = True
    borrows: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """What one step did: prices in dollars, 1e8."""

    number: int
    block_hash: str
    at: int
    base_fee: int
    market: int
    oracle: int  # as the block leaves it, if its posting succeeded
    posted: bool
    liquidated: tuple[str, ...]  # accounts that were below 1 at the block before


class Driver:
    """Steps a devnet's chain; the one that mines on it."""

    def __init__(
        self,
        chain: Chain,
        deployment: Deployment,
        path: PricePath,
        habits: Habits,
        mempool: Mempool | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.path = path
        self.habits = habits
        self.deployment = deployment
        self.liquidator = Liquidator(deployment)
        self._chain = chain
        self._mempool = mempool
        self._traffic = traffic or Traffic()
        self.gas_days: Mapping[str, str] = {}  # gwei by day, where recorded
        self._head: Any = None
        self._check_at = 0  # the block at which healths are looked at next
        self._answer = 0  # the oracle's, when healths were last looked at
        self.resync()

    @property
    def now(self) -> int:
        """The head's time, unix seconds."""
        return int(self._head["timestamp"], 16)

    @property
    def number(self) -> int:
        """The head's number."""
        return int(self._head["number"], 16)

    def step(self, seconds: int | None = None) -> Block:
        """Mine one block, `seconds` after the head or the usual time, and return it."""
        ahead = self.habits.block_s if seconds is None else seconds
        at = self.now + ahead
        fee = self._next_base_fee(at, ahead)
        view = look(self._chain, self.deployment)
        posted = self._post_prices(view, at)
        self._arbitrage(view, at)
        if self.habits.borrows and at // demand.EVERY_S > self.now // demand.EVERY_S:
            self._borrow(at)
        below = self._liquidate(view) if self.habits.liquidates else ()
        self._mine(at, fee)
        answer = self._seen(at) if posted else view.answers["WETH"][0]
        return Block(
            self.number, self._head["hash"], self.now, int(self._head["baseFeePerGas"], 16),
            self.path.price_at(at), answer, posted, below,
        )  # fmt: skip

    def advance_to(self, at: int, *, stride: int | None = None) -> list[Block]:
        """Step until the head's time is `at`, a block each `stride` seconds.

        Raises:
            OwnerError: `at` is not ahead.
        """
        if at <= self.now:
            raise OwnerError(f"the chain is already at {self.now}", number=50)
        pace = stride or self.habits.block_s
        blocks = []
        while self.now < at:
            blocks.append(self.step(min(pace, at - self.now)))
        return blocks

    def resync(self) -> None:
        """Forget what was counted, after somebody else moved or set back the chain."""
        self._chain.forget()
        self._head = self._chain.rpc.block()
        self._check_at = 0
        self.liquidator.set_back(self.number)
        # what a call on the pending block sees as its time
        self._chain.rpc.ask("anvil_setBlockTimestampInterval", self.habits.block_s)

    def _mine(self, at: int, fee: int) -> None:
        rpc = self._chain.rpc
        self._chain.hand_over()
        rpc.ask("anvil_setNextBlockBaseFeePerGas", hex(fee))
        handed = self._mempool.fill_block(self.number + 1, fee) if self._mempool else ()
        with self._traffic.mining():
            rpc.ask("evm_mine", {"timestamp": at})
        self._head = rpc.block()
        if self._mempool and handed:
            self._mempool.settle_block(handed)
        self._chain.settle(self._head["transactions"])

    def _next_base_fee(self, at: int, seconds: int) -> int:
        goal = base_fee.target(self.deployment.seed, self.path, at, self.gas_days)
        return base_fee.towards(int(self._head["baseFeePerGas"], 16), goal, seconds)

    def _seen(self, at: int) -> int:
        return self.path.price_at(at - self.habits.oracle.lag_s)

    def _post_prices(self, view: MarketView, at: int) -> bool:
        posted = False
        for symbol, seen in (("WETH", self._seen(at)), ("USDC", UNIT)):
            answer, answered_at = view.answers[symbol]
            rule = self.habits.oracle
            if rule.due(answer=answer, answered_at=answered_at, seen=seen, now=at):
                self._keep(self.deployment.feeds[symbol], "post(int256)", seen)
                posted |= symbol == "WETH"
        if at // _DAY_S > self.now // _DAY_S:  # as Lido's oracle: once a day
            days = max(1, (at - self.now) // _DAY_S)
            rate = view.staking_rate + int(
                view.staking_rate * _STAKING_APR * days * _DAY_S / _YEAR_S
            )
            self._keep(self.deployment.tokens["wstETH"].address, "report(uint256)", rate)
        return posted

    def _keep(self, to: str, signature: str, figure: int) -> None:
        keeper, tip = self.deployment.roles.keeper, self._tip("keeper", 2, 6)
        self._chain.send(keeper, to, signature, figure, tip=tip, gas=_POST_GAS)

    def _arbitrage(self, view: MarketView, at: int) -> None:
        discount = Fraction(str(round(_DEPEG * self.path.fall(at, _DAY_S), 6)))
        goals = {
            "weth-usdc-500": Fraction(self.path.price_at(at), UNIT),
            "wsteth-weth-100": Fraction(view.staking_rate, 10**18) * (1 - discount),
        }
        for name, goal in goals.items():
            swap = correction(self.deployment, name, view.roots[name], goal)
            if swap:
                tip = self._tip(name, 1, 3)
                trade(self._chain, self.deployment, swap, tip=tip)

    def _borrow(self, at: int) -> None:
        if at // _HOUR_S > self.now // _HOUR_S:
            residents.top_up(self._chain, self.deployment)
        tip = self._tip("borrower", 1, 2)
        demand.adjust(self._chain, self.deployment, self.deployment.seed, self.path, at, tip=tip)

    def _liquidate(self, view: MarketView) -> tuple[str, ...]:
        answer = view.answers["WETH"][0]
        if answer == self._answer and self.number < self._check_at:
            return ()
        self._answer, self._check_at = answer, self.number + _CHECK_BLOCKS
        tip = self._tip("liquidator", 1, 8)
        below = self.liquidator.act(self._chain, self.number, tip=tip)
        if below:
            self._check_at = self.number + 1  # half a debt at a time: look again at once
        else:
            self.liquidator.sell(self._chain, residents.liquidator_ether(), tip=tip)
        return below

    def _tip(self, who: str, low: int, high: int) -> int:
        """Return a tip in wei per gas; it decides the order within the block."""
        random = Random(f"tip:{self.deployment.seed}:{who}:{self.number}")  # noqa: S311 -- a market
        return random.randrange(low * _GWEI, high * _GWEI)


def described(block: Block | None) -> dict[str, Any]:
    """Return a block as the status shows it, prices as decimal strings."""
    if block is None:
        return {}
    return {
        "number": block.number,
        "at": block.at,
        "base_fee_gwei": str(Decimal(block.base_fee) / _GWEI),
        "market_usd": f"{block.market // UNIT}.{block.market % UNIT:08d}",
        "oracle_usd": f"{block.oracle // UNIT}.{block.oracle % UNIT:08d}",
    }
