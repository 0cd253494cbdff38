"""The same rules, had their leverage been lower."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Final

from leverd.agents.guardian import Guardian
from leverd.agents.leverage_loop import LeverageLoop
from leverd.backtest.replay.replay import Rules
from leverd.engine.turn import Seat

_PLACES: Final = Decimal("0.0001")


def loop_of(rules: Rules) -> LeverageLoop | None:
    """Return the loop among the agents, None if there is none."""
    loops = (seat.agent for seat in rules.seats if isinstance(seat.agent, LeverageLoop))
    return next(loops, None)


def lowered(rules: Rules, target: Decimal) -> Rules:
    """Return `rules` with the loop at `target`: every leverage it names keeps its share of 1."""
    loop = loop_of(rules)
    assert loop is not None, "only a loop has a target"
    share = (target - 1) / (loop.params.target - 1)

    def scaled(leverage: Decimal) -> Decimal:
        return (1 + (leverage - 1) * share).quantize(_PLACES, ROUND_DOWN)

    params = loop.params.model_copy(
        update={
            "target": target,
            "boost_below": scaled(loop.params.boost_below),
            "repay_above": scaled(loop.params.repay_above),
            "boost_to": target if loop.params.boost_to is None else scaled(loop.params.boost_to),
            "repay_to": target if loop.params.repay_to is None else scaled(loop.params.repay_to),
        }
    )
    seats = [_lowered(seat, LeverageLoop(params)) for seat in rules.seats]
    return replace(rules, seats=seats)


def _lowered(seat: Seat, loop: LeverageLoop) -> Seat:
    match seat.agent:
        case LeverageLoop():
            return replace(seat, agent=loop)
        case Guardian(params):
            told = {"target": loop.params.target, "band_high": loop.params.repay_above}
            return replace(seat, agent=Guardian(params.model_copy(update=told)))
        case _:
            return seat
