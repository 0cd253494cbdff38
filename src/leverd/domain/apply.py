"""The one definition of what an action does to the world.

The planner and the gate feed it the worst fill they accept, simulation a modelled one, and
verification the one in the receipt. Given a mined transaction's own indexes and fills it
returns scaled and token balances equal to the chain's, to the wei.
"""

from __future__ import annotations

from typing import assert_never

from leverd.domain import lending_actions, loans, quotes
from leverd.domain.changed import changed
from leverd.domain.fills import Fill
from leverd.domain.lending import LendingAccount
from leverd.domain.lending_actions import Moved
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
from leverd.domain.position import NO_LOAN, Position
from leverd.domain.state import State
from leverd.errors import ImpossibleError


def apply(state: State, action: Action, fill: Fill, *, verified: bool = False) -> State:
    """Return `state` after `action`, filled by `fill`.

    With `verified` the chain has already accepted the action, so its own checks, made at
    prices, caps and flags we may not have seen, are not repeated.

    Raises:
        ImpossibleError: the venue would refuse it.
    """
    match action:
        case Supply(venue, amount, all_idle):
            raw = _idle(state, amount.asset) if all_idle else amount.raw
            raw = raw if fill.amount is None else fill.amount
            moved = lending_actions.supply(
                state.lending[venue],
                _loan(state, venue),
                amount.asset,
                raw,
                fill.at,
                indexes=fill.indexes,
                unchecked=verified,
            )
            return _lent(state, fill.at, venue, amount.asset, moved, -moved.amount)
        case Withdraw(venue, amount, everything):
            for part in (*fill.before, _wanted(amount.raw, fill, everything=everything)):
                moved = lending_actions.withdraw(
                    state.lending[venue],
                    _loan(state, venue),
                    amount.asset,
                    part,
                    fill.at,
                    indexes=fill.indexes,
                    unchecked=verified,
                )
                state = _lent(state, fill.at, venue, amount.asset, moved, moved.amount)
            return state
        case Borrow(venue, amount):
            moved = lending_actions.borrow(
                state.lending[venue],
                _loan(state, venue),
                amount.asset,
                amount.raw,
                fill.at,
                indexes=fill.indexes,
                unchecked=verified,
            )
            return _lent(state, fill.at, venue, amount.asset, moved, moved.amount)
        case Repay(venue, amount, everything, all_idle):
            raw = _idle(state, amount.asset) if all_idle else amount.raw
            moved = lending_actions.repay(
                state.lending[venue],
                _loan(state, venue),
                amount.asset,
                _wanted(raw, fill, everything=everything),
                fill.at,
                indexes=fill.indexes,
                unchecked=verified,
            )
            return _lent(state, fill.at, venue, amount.asset, moved, -moved.amount)
        case Swap(pool, sell, buy_min):
            return _trade(state, pool, sell.asset, buy_min.asset, fill)
        case BuyExact(pool, buy, sell_max):
            return _trade(state, pool, sell_max.asset, buy.asset, fill)
        case SetEMode(venue, category):
            moved = lending_actions.set_emode(
                state.lending[venue], _loan(state, venue), category, fill.at, unchecked=verified
            )
            position = state.position.with_loan(venue, moved.loan)
            return changed(state, at=fill.at, position=position)
        case Approve():
            return changed(state, at=fill.at)
        case _:
            assert_never(action)


def apply_step(
    state: State, step: Step, fills: tuple[Fill, ...], *, verified: bool = False
) -> State:
    """Return `state` after all of `step`; only its end must be settled, as on chain.

    Raises:
        ImpossibleError: the venue would refuse it, or something idle ends below zero.
    """
    for action, fill in zip(step.actions, fills, strict=True):
        state = apply(state, action, fill, verified=verified)
    state.position.check_settled()
    return state


def worst_fill(state: State, action: Action, at: int) -> Fill:
    """Return the worst fill of `action` that would not revert, mined at `at`."""
    match action:
        case Swap(sell=sell, buy_min=buy_min):
            return Fill(at, sold=sell.raw, bought=buy_min.raw)
        case BuyExact(buy=buy, sell_max=sell_max, live_debt=live_debt):
            bought = _live_debt(state, buy.asset, at) if live_debt else buy.raw
            return Fill(at, sold=sell_max.raw, bought=bought)
        case Supply() | Withdraw() | Borrow() | Repay() | SetEMode() | Approve():
            return Fill(at)
        case _:
            assert_never(action)


def modelled_fill(state: State, action: Action, at: int) -> Fill:
    """Return the fill that the state's own pools would give `action`, mined at `at`."""
    match action:
        case Swap(pool, sell):
            quote = quotes.quote_exact_in(state.pools[pool], sell.asset, sell.raw)
            return Fill(at, sold=quote.sold, bought=quote.bought, pool_after=quote.after)
        case BuyExact(pool, buy, live_debt=live_debt):
            wanted = _live_debt(state, buy.asset, at) if live_debt else buy.raw
            quote = quotes.quote_exact_out(state.pools[pool], buy.asset, wanted)
            return Fill(at, sold=quote.sold, bought=quote.bought, pool_after=quote.after)
        case Supply() | Withdraw() | Borrow() | Repay() | SetEMode() | Approve():
            return Fill(at)
        case _:
            assert_never(action)


def worst_fills(state: State, step: Step, at: int) -> tuple[Fill, ...]:
    """Return the worst fills of every action of `step`, in order."""
    return tuple(worst_fill(state, action, at) for action in step.actions)


def modelled_fills(state: State, step: Step, at: int) -> tuple[Fill, ...]:
    """Return what the state's own pools would give every action of `step`, in order."""
    fills = []
    for action in step.actions:
        fill = modelled_fill(state, action, at)
        fills.append(fill)
        if fill.pool_after is not None:
            state = state.with_pool(fill.pool_after)
    return tuple(fills)


def _loan(state: State, venue: str) -> LendingAccount:
    return state.position.loans.get(venue, NO_LOAN)


def _idle(state: State, asset: Asset) -> int:
    return max(state.position.idle.get(asset, 0), 0)


def _live_debt(state: State, asset: Asset, at: int) -> int:
    return loans.owed(state.market, state.position.loan, asset, at)


def _wanted(raw: int, fill: Fill, *, everything: bool) -> int | None:
    if fill.amount is not None:
        return fill.amount
    return None if everything else raw


def _lent(state: State, at: int, venue: str, asset: Asset, moved: Moved, delta: int) -> State:
    """Return the state after a lending action that left `delta` more (or less) idle."""
    position = state.position
    return State(
        at,
        {**state.lending, moved.market.market_id: moved.market},
        state.pools,
        Position(
            position.mandate,
            {**position.loans, venue: moved.loan},
            {**position.idle, asset: position.idle.get(asset, 0) + delta},
        ),
    )


def _trade(state: State, pool: str, sold: Asset, bought: Asset, fill: Fill) -> State:
    if fill.sold < 0 or fill.bought < 0:
        raise ImpossibleError(f"a fill of {fill.sold} for {fill.bought}", number=2)
    position, pools = state.position, state.pools
    idle = {**position.idle, sold: position.idle.get(sold, 0) - fill.sold}
    idle[bought] = idle.get(bought, 0) + fill.bought
    if fill.pool_after is not None:
        assert fill.pool_after.pool_id == pool
        pools = {**pools, pool: fill.pool_after}
    return State(fill.at, state.lending, pools, changed(position, idle=idle))
