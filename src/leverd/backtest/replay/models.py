"""What a replay assumes where the past does not say: each model stated, each can be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from leverd.backtest.history.keys import BarsKey
from leverd.domain.lending import AAVE_3_6, EMode, LendingRules, RateCurve, ReserveParams
from leverd.domain.money import USD, Asset


class Walk(StrEnum):
    """Which of a bar's prices are gone through, and so where agents look."""

    CLOSE = "close"
    """The close alone, when the bar is over."""

    WORST_FIRST = "worst_first"
    """Open, the end that hurts, the other end, close: a quarter of the bar apart."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One asset of the replayed lending market, and where its numbers come from."""

    asset: Asset
    params: ReserveParams
    curve: RateCurve
    bars: BarsKey | None  # its price; None: `price` for ever
    price: int = 10**8  # USD 1e8, where there are no bars
    staked_at: str = ""  # venue whose staking rate multiplies the bars' price, "" for none
    oracle_at: str = ""  # venue whose recorded answers the oracle gives, "" for the model
    rates_at: str = ""  # venue whose recorded indexes or rates it has, "" for the constants
    supply_rate: int = 0  # ray a year, where nothing is recorded
    borrow_rate: int = 0  # ray a year, where nothing is recorded
    supplied: int = 0  # raw, by everybody: what the curve is reckoned with
    borrowed: int = 0  # raw, by everybody


@dataclass(frozen=True, slots=True)
class Oracle:
    """How the venue's oracle follows the market: it answers anew on either condition.

    Where its answers are recorded, they count instead.
    """

    deviation: Decimal = Decimal(0)  # fraction of its last answer; 0 follows every move
    heartbeat_s: int = 3_600
    lag_s: int = 0  # from the market's price to the answer on chain

    @property
    def follows(self) -> bool:
        """Whether it says what the market says, at any second."""
        return not self.deviation and not self.lag_s


@dataclass(frozen=True, slots=True)
class Chain:
    """How acts come into blocks, and what that costs."""

    delay_s: int = 24  # from a look to the block that acts
    delay_congested_s: int = 240  # the same while the base fee stands above `congested`
    congested: Decimal = Decimal(5)  # times the median of the day before
    fees_at: str = ""  # venue whose recorded base fees count, "" for `base_fee`
    base_fee: int = 20 * 10**9  # wei a gas, where nothing is recorded
    fee_on_fall: Decimal = Decimal(20)  # the base fee grows by this times the last hour's fall
    base_fee_max: int = 1_500 * 10**9  # wei a gas
    tip: int = 10**9  # wei a gas
    failing: Decimal = Decimal(0)  # share of transactions that fail for no reason of their own
    seed: int = 1  # of which ones


@dataclass(frozen=True, slots=True)
class Pool:
    """The one pool traded in: constant product, put back at the market's price at each look."""

    fee: int  # parts per million of the input
    depth: int  # USD 1e8 on each side


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that a replay assumes."""

    listings: Mapping[Asset, Listing]
    pool: Pool
    native: Asset  # whose price gas is paid at
    walk: Walk = Walk.WORST_FIRST
    oracle: Oracle = field(default_factory=Oracle)
    chain: Chain = field(default_factory=Chain)
    rules: LendingRules = AAVE_3_6
    emodes: Mapping[int, EMode] = field(default_factory=dict)
    liquidators: bool = True  # act at every price gone through, before any agent looks
    deposit: int = 0  # raw collateral that the position begins with, idle
    purse: int = 0  # wei the operator's key begins with

    def words(self) -> Mapping[str, str]:
        """Return each model in words."""
        oracle, chain = self.oracle, self.chain
        walks = {
            Walk.CLOSE: "each bar's close, when it is over",
            Walk.WORST_FIRST: "open, the end that hurts, the other end, close",
        }
        follows = "the market at once"
        if not oracle.follows:
            follows = (
                f"the market when {oracle.deviation:%} away or after {oracle.heartbeat_s} s, "
                f"{oracle.lag_s} s late"
            )
        fees = f"recorded at {chain.fees_at}" if chain.fees_at else _gwei(chain.base_fee)
        return {
            "path": f"{walks[self.walk]}; agents look there and nowhere else",
            "oracle": f"follows {follows}{self._recorded_answers()}",
            "lending": f"{self.rules.name}; what we do to a rate lasts until the next look",
            "pool": f"constant product, {_usd(self.pool.depth)} USD on each side at every look, "
            f"fee {self.pool.fee} ppm",
            "base fee": f"{fees}, times 1 + {chain.fee_on_fall} x the last hour's fall, at most "
            f"{_gwei(chain.base_fee_max)}; tip {_gwei(chain.tip)}",
            "inclusion": f"{chain.delay_s} s after the look, {chain.delay_congested_s} s while "
            f"the base fee is above {chain.congested} times the day's median; until then nothing "
            "else is begun",
            "failures": f"{chain.failing:%} of transactions, seed {chain.seed}",
            "liquidators": "take what the close factor allows at every price gone through"
            if self.liquidators
            else "there are none",
            "stop": "the portfolio stop and the day's drawdown go by the unit price at every look",
        }

    def _recorded_answers(self) -> str:
        named = [
            f"{asset.symbol} at {each.oracle_at}"
            for asset, each in sorted(self.listings.items())
            if each.oracle_at
        ]
        return f"; recorded answers of {', '.join(named)}" if named else ""


def _gwei(wei: int) -> str:
    return f"{Decimal(wei) / 10**9:f} gwei"


def _usd(value: int) -> str:
    return f"{Decimal(value) / USD.unit:f}"
