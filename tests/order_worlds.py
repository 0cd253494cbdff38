"""Small worlds with orders: an open position, long or short, and what is remembered of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.worlds import NOON, USDC, WETH, mandate, market, pool, view

from leverd.agents.order_params import Params
from leverd.agents.orders import OrderKeeper
from leverd.domain.course import Course
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import LendingAccount
from leverd.domain.position import Position
from leverd.domain.state import State
from leverd.domain.valuation import equity_in_share_class
from leverd.domain.view import Record, View

OPENED = 3000  # USD, the price every course begins at
DOLLAR = 10**8


def keeper(**params: Any) -> OrderKeeper:
    """Return the agent with `params` as a settings file would give them."""
    return OrderKeeper(Params.model_validate(params))


def long_state(price=OPENED, *, held=25, debt=45_000, pool_price=None) -> State:
    """Return `held` WETH posted against `debt` USDC; by default 2.5x of 10 WETH at 3,000."""
    return _state(
        mandate(),
        {WETH: held * WETH.unit},
        {USDC: int(Decimal(debt) * USDC.unit)},
        price,
        pool_price,
    )


def short_state(price=OPENED, *, posted=60_000, owed=10, pool_price=None) -> State:
    """Return `posted` USDC against `owed` WETH; by default equity 30,000 and a short of 10."""
    turned = mandate(collateral=USDC, debt=WETH)
    owed_raw = int(Decimal(owed) * WETH.unit)
    return _state(turned, {USDC: posted * USDC.unit}, {WETH: owed_raw}, price, pool_price)


def riding(state: State, *, begun: State | None = None, **record: Any) -> View:
    """Return a view of `state`, opened as `begun` (at 3,000) with units at a dollar each."""
    before = begun or (short_state() if state.position.mandate.debt == WETH else long_state())
    equity = equity_in_share_class(before)
    known = {
        "units": equity * WAD // DOLLAR,
        "marked_equity": equity,
        "unit_price": DOLLAR,
        "unit_peak": DOLLAR,
        "course": course(),
    }
    made: View = view(state, record=Record(**{**known, **record}))
    return made


def course(**changes: Any) -> Course:
    """Return what is remembered of a position opened at 3,000, nothing marked yet."""
    begun = Course(NOON, {"WETH": OPENED * DOLLAR, "USDC": DOLLAR}, unit=DOLLAR)
    return replace(begun, **changes)


def _state(owner, supplies, debts, price, pool_price) -> State:
    loan = LendingAccount(supplies, debts, frozenset(supplies))
    pools = {"weth-usdc": pool(price if pool_price is None else pool_price)}
    return State(NOON, {"aave": market(price)}, pools, Position(owner, {"aave": loan}))
