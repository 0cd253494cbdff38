"""One transaction for one change: the pool itself lends what is swapped (a flash swap).

Each names the worst fill it takes, so that the contract refuses a worse one.
"""

from __future__ import annotations

from leverd.domain import quotes
from leverd.domain.keeping import kept
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.state import State
from leverd.engine.terms import Terms, bought_at_least, wad


def emode_step(state: State) -> tuple[Step, ...]:
    """Return the step into the mandate's efficiency mode; none where it is there, or in debt."""
    mandate, loan = state.position.mandate, state.position.loan
    if loan.emode == mandate.emode or any(loan.debts.values()):
        return ()
    action = SetEMode(mandate.lending, mandate.emode)
    return (Step(StepKind.SINGLE, (action,), health_min=0),)


@kept(16)
def raise_step(state: State, size: int, terms: Terms) -> Step:
    """Return the step that borrows `size` (raw), buys collateral for it and posts that."""
    mandate = state.position.mandate
    quote = quotes.quote_exact_in(state.pool, mandate.debt, size)
    sell = Amount(mandate.debt, size)
    buy_min = Amount(mandate.collateral, bought_at_least(quote.bought, terms.slippage))
    supplied = state.position.idle.get(mandate.collateral, 0) + quote.bought
    actions = (
        Swap(mandate.pool, sell, buy_min),
        Supply(mandate.lending, Amount(mandate.collateral, supplied), all_idle=True),
        Borrow(mandate.lending, sell),
    )
    return Step(StepKind.RAISE, actions, health_min=wad(terms.health_min))


def lower_step(state: State, size: int, terms: Terms) -> Step:
    """Return the step that sells `size` (raw) of the collateral and repays by what that brings."""
    mandate = state.position.mandate
    quote = quotes.quote_exact_in(state.pool, mandate.collateral, size)
    sell = Amount(mandate.collateral, size)
    buy_min = Amount(mandate.debt, bought_at_least(quote.bought, terms.slippage))
    actions = (
        Swap(mandate.pool, sell, buy_min),
        Repay(mandate.lending, Amount(mandate.debt, quote.bought), all_idle=True),
        Withdraw(mandate.lending, sell),
    )
    return Step(StepKind.LOWER, actions, health_min=0)


def close_step(state: State, owed: int, posted: int, sell_max: int) -> Step:
    """Return the step that buys the whole debt for at most `sell_max` and takes the rest out."""
    mandate = state.position.mandate
    debt = Amount(mandate.debt, owed)
    actions = (
        BuyExact(mandate.pool, debt, Amount(mandate.collateral, sell_max), live_debt=True),
        Repay(mandate.lending, debt, everything=True),
        Withdraw(mandate.lending, Amount(mandate.collateral, posted), everything=True),
    )
    return Step(StepKind.CLOSE, actions, health_min=0)
