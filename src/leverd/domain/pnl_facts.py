"""What happened to a position between two moments, as far as P&L wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from leverd.domain.fills import Fill
from leverd.domain.fixed_point import mul_div_up
from leverd.domain.money import Asset
from leverd.domain.plan import (
    Action,
    Approve,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.state import State
from leverd.domain.swap_math import PIPS


@dataclass(frozen=True, slots=True)
class SwapFact:
    """We sold `sold` for `bought`, raw; `fee` of what was sold went to liquidity providers."""

    sell: Asset
    sold: int
    buy: Asset
    bought: int
    fee: int


@dataclass(frozen=True, slots=True)
class LendingFact:
    """We supplied, withdrew, borrowed or repaid `asset`: nothing gained, a unit lost at most."""

    asset: Asset


@dataclass(frozen=True, slots=True)
class GasFact:
    """The signing key paid `wei` for inclusion, outside the position."""

    wei: int
    native_price: int  # USD 1e8 per whole native token


@dataclass(frozen=True, slots=True)
class FlowFact:
    """Money came in (`raw` > 0) or went out, wherever it landed; repaid debt came in."""

    asset: Asset
    raw: int


@dataclass(frozen=True, slots=True)
class LiquidationFact:
    """A liquidator cleared debt and took collateral; both raw and at least 0.

    Where it was at prices that nobody knows any more, `bonus` tells what it cost: so much of
    the debt cleared, counted as at the prices after. The rest of what was seized was sold
    at the price of then, and how that differs is the price's doing.
    """

    debt: Asset
    cleared: int  # repaid by the liquidator, and written off by the venue
    collateral: Asset
    seized: int  # with the venue's own fee
    bonus: int | None = None  # bps on top of the debt; None: it was at the prices after


@dataclass(frozen=True, slots=True)
class StakingFact:
    """A liquid staking token came to stand for more (or less) of what is staked."""

    asset: Asset
    rate_before: int  # staked tokens per token, any scale
    rate_after: int  # same scale


Fact: TypeAlias = SwapFact | LendingFact | GasFact | FlowFact | LiquidationFact | StakingFact


def facts_of(state: State, step: Step, fills: tuple[Fill, ...]) -> tuple[Fact, ...]:
    """Return what a mined `step` with these `fills` did; `state` knows its pools' fees."""
    pairs = zip(step.actions, fills, strict=True)
    return tuple(fact for action, fill in pairs for fact in _facts_of(state, action, fill))


def _facts_of(state: State, action: Action, fill: Fill) -> tuple[Fact, ...]:
    match action:
        case Supply(amount=amount) | Withdraw(amount=amount):
            return (LendingFact(amount.asset),)
        case Borrow(amount=amount) | Repay(amount=amount):
            return (LendingFact(amount.asset),)
        case Swap(pool, sell, buy_min):
            return (_swap_fact(state, pool, sell.asset, buy_min.asset, fill),)
        case BuyExact(pool, buy, sell_max):
            return (_swap_fact(state, pool, sell_max.asset, buy.asset, fill),)
        case SetEMode() | Approve():
            return ()
        case _:
            assert_never(action)


def _swap_fact(state: State, pool: str, sell: Asset, buy: Asset, fill: Fill) -> SwapFact:
    fee = mul_div_up(fill.sold, state.pools[pool].fee, PIPS)
    return SwapFact(sell, fill.sold, buy, fill.bought, fee)
