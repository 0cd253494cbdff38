"""Small worlds of a short: dollars posted, ether owed and sold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests import worlds
from tests.worlds import USDC, WETH

from leverd.domain.lending import LendingAccount
from leverd.domain.position import Position
from leverd.domain.state import State


def mandate(**changes: Any) -> Any:
    """Return the mandate of a USDC/WETH short counted in dollars."""
    return worlds.mandate(position_id="short", collateral=USDC, debt=WETH, **changes)


def short(
    *,
    price: Decimal | int = 3000,
    posted: Decimal | int = 0,
    debt: Decimal | int = 0,
    idle: Decimal | int = 0,
    idle_debt: Decimal | int = 0,
    pool_price: Decimal | int | None = None,
    **changes: Any,
) -> State:
    """Return a state with `posted` and `idle` whole USDC, `debt` and `idle_debt` whole WETH."""
    supplies = {USDC: int(Decimal(posted) * USDC.unit)} if posted else {}
    debts = {WETH: int(Decimal(debt) * WETH.unit)} if debt else {}
    loan = LendingAccount(supplies, debts, frozenset(supplies))
    idles = {USDC: int(Decimal(idle) * USDC.unit), WETH: int(Decimal(idle_debt) * WETH.unit)}
    position = Position(mandate(), {"aave": loan}, idles)
    base = worlds.state(price=price, pool_price=pool_price)
    made: State = replace(base, position=position, **changes)
    return made


def at_leverage(leverage: Decimal | str, *, equity: int = 30_000, price: int = 3000) -> State:
    """Return a short of `equity` whole dollars at collateral / equity of `leverage`."""
    posted = equity * Decimal(leverage)
    return short(price=price, posted=posted, debt=(posted - equity) / price)


def with_price(state: State, price: Decimal | int) -> State:
    """Return `state` with ether at `price` dollars, oracle and pool alike."""
    reserves = state.market.reserves
    dear = replace(reserves[WETH], price=int(Decimal(price) * 10**8))
    market = replace(state.market, reserves={**reserves, WETH: dear})
    return replace(state, lending={"aave": market}, pools={"weth-usdc": worlds.pool(price)})
