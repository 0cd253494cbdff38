"""The world after a bad move."""

from __future__ import annotations

from decimal import Decimal

from leverd.domain import loans, side
from leverd.domain.changed import changed
from leverd.domain.reserves import reserve_of, with_reserve
from leverd.domain.state import State


def shocked(state: State, move: Decimal) -> State:
    """Return `state` with the oracle price of what it bets on moved by `move`, all else alone.

    `move` is as a long feels it, below zero is a loss: a short's price moves the other way.
    """
    mandate = state.position.mandate
    reserve = reserve_of(state.market, side.volatile(mandate))
    short = side.side_of(mandate) is side.Side.SHORT
    price = int(reserve.price * (1 - move if short else 1 + move))
    return state.with_market(with_reserve(state.market, changed(reserve, price=price)))


def health_after(state: State, move: Decimal, at: int) -> int:
    """Return health (wad) at chain time `at`, had the price moved by `move` (as `shocked`)."""
    after = shocked(state, move)
    return loans.summarise(after.market, after.position.loan, at).health
