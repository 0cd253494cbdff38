"""Move the simulated markets: oracle prices, pools, and what other people do to a position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Final, TypeAlias

from leverd.adapters.simulated.ledger import Ledger
from leverd.domain.lending_actions import Moved, repay, supply
from leverd.domain.liquidation import liquidate as liquidation
from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool, ConstantProductPool, Pool
from leverd.domain.position import Mandate
from leverd.domain.tick_math import Q96, sqrt_ratio_at_tick, tick_at_sqrt_ratio

Change: TypeAlias = Callable[[Ledger], Ledger]
"""Something that is not ours and happens at the start of a block."""

_DIGITS: Final = 60


def priced(asset: Asset, price: Decimal | int) -> Change:
    """Return the change after which every oracle says `price` dollars for `asset`."""
    raw = int(Decimal(price) * 10**8)

    def change(ledger: Ledger) -> Ledger:
        lending = {}
        for name, market in ledger.lending.items():
            reserves = dict(market.reserves)
            if asset in reserves:
                reserves[asset] = replace(reserves[asset], price=raw)
            lending[name] = replace(market, reserves=reserves)
        return replace(ledger, lending=lending)

    return change


def traded(pool_id: str, asset: Asset, price: Decimal | int) -> Change:
    """Return the change after which one `asset` trades for `price` of the other token."""

    def change(ledger: Ledger) -> Ledger:
        moved = _at_price(ledger.pools[pool_id], asset, Decimal(price))
        return replace(ledger, pools={**ledger.pools, pool_id: moved})

    return change


def given(account: str, asset: Asset, raw: int) -> Change:
    """Return the change by which `raw` of `asset` comes to (or, below zero, leaves) an account."""

    def change(ledger: Ledger) -> Ledger:
        holder = ledger.holders[account]
        idle = {**holder.idle, asset: holder.idle.get(asset, 0) + raw}
        assert idle[asset] >= 0, "nobody can take what is not there"
        return replace(ledger, holders={**ledger.holders, account: replace(holder, idle=idle)})

    return change


def upgraded(account: str) -> Change:
    """Return the change by which the market is no more the one that the account's owner knew."""

    def change(ledger: Ledger) -> Ledger:
        holder = replace(ledger.holders[account], closes_only=True)
        return replace(ledger, holders={**ledger.holders, account: holder})

    return change


def supplied_for(mandate: Mandate, asset: Asset, raw: int) -> Change:
    """Return the change by which somebody supplies `raw` on the position's behalf."""

    def change(ledger: Ledger) -> Ledger:
        state = ledger.state(mandate)
        return _lent(
            ledger, mandate, supply(state.market, state.position.loan, asset, raw, ledger.at)
        )

    return change


def repaid_for(mandate: Mandate, asset: Asset, raw: int) -> Change:
    """Return the change by which somebody repays `raw` on the position's behalf."""

    def change(ledger: Ledger) -> Ledger:
        state = ledger.state(mandate)
        return _lent(
            ledger, mandate, repay(state.market, state.position.loan, asset, raw, ledger.at)
        )

    return change


def liquidated(mandate: Mandate) -> Change:
    """Return the change by which a liquidator takes all that the close factor allows."""

    def change(ledger: Ledger) -> Ledger:
        state = ledger.state(mandate)
        owed = state.position.loan.debts[mandate.debt]
        done = liquidation(
            state.market, state.position.loan, mandate.collateral, mandate.debt, 2 * owed, ledger.at
        )
        return _lent(ledger, mandate, Moved(done.market, done.loan, 0))

    return change


def spent(ledger: Ledger) -> Ledger:
    """Return the ledger after the key signed something that is not ours."""
    return replace(ledger, nonce=ledger.nonce + 1)


def _lent(ledger: Ledger, mandate: Mandate, moved: Moved) -> Ledger:
    state = ledger.state(mandate).with_market(moved.market)
    position = state.position.with_loan(mandate.lending, moved.loan)
    return ledger.with_state(replace(state, position=position), acted=False)


def _at_price(pool: Pool, asset: Asset, price: Decimal) -> Pool:
    other = pool.token1 if asset == pool.token0 else pool.token0
    with localcontext() as context:
        context.prec = _DIGITS
        raw = price * other.unit / asset.unit
        ratio = raw if asset == pool.token0 else 1 / raw  # token1 raw per token0 raw
        match pool:
            case ConcentratedPool():
                return _concentrated(pool, int(ratio.sqrt() * Q96))
            case ConstantProductPool(reserve0=reserve0, reserve1=reserve1):
                root = (Decimal(reserve0 * reserve1) / ratio).sqrt()
                return replace(pool, reserve0=int(root), reserve1=int(root * ratio))


def _concentrated(pool: ConcentratedPool, sqrt_price: int) -> ConcentratedPool:
    low, high = (sqrt_ratio_at_tick(tick) for tick in pool.window)
    assert low < sqrt_price < high, "the pool is not known that far"
    tick = tick_at_sqrt_ratio(sqrt_price)
    passed_up = sum(net for at, net in pool.ticks if pool.tick < at <= tick)
    passed_down = sum(net for at, net in pool.ticks if tick < at <= pool.tick)
    liquidity = pool.liquidity + passed_up - passed_down
    return replace(pool, sqrt_price=sqrt_price, tick=tick, liquidity=liquidity)
