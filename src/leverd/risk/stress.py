"""The world after a bad move."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from leverd.domain import loans
from leverd.domain.reserves import reserve_of, with_reserve
from leverd.domain.state import State


def shocked(state: State, move: Decimal) -> State:
    """Return `state` with the collateral's oracle price moved by `move`, all else alone.

    Against one debt asset this is any move of the pair: what counts is their ratio.
    """
    reserve = reserve_of(state.market, state.position.mandate.collateral)
    price = int(reserve.price * (1 + move))
    return state.with_market(with_reserve(state.market, replace(reserve, price=price)))


def health_after(state: State, move: Decimal, at: int) -> int:
    """Return health (wad) at chain time `at`, had the collateral's price moved by `move`."""
    after = shocked(state, move)
    return loans.summarise(after.market, after.position.loan, at).health
