"""What a plan would do to a position, as expected and at its worst. Pure; nothing is signed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from leverd.domain import loans, side
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.decision import Decision, SetLeverage
from leverd.domain.plan import Plan
from leverd.domain.state import State
from leverd.domain.view import View
from leverd.engine.turn import OWNER, Outcome, Seat
from leverd.errors import ImpossibleError
from leverd.risk.rehearsal import Standing, rehearse, standing


@dataclass(frozen=True, slots=True)
class Stand:
    """A position at one moment, for people."""

    leverage: Fraction | None  # exposure / equity, None where no equity is left
    health: int  # wad
    exposure: int  # USD 1e8
    debt: int  # USD 1e8
    equity: int  # USD 1e8
    liquidation_price: int | None  # of what it bets on, USD 1e8; None when no price can do it


@dataclass(frozen=True, slots=True)
class Preview:
    """A turn that was thought through to its end."""

    outcome: Outcome
    before: Stand
    expected: Stand | None  # after the plan, at what the pools would give now; None: impossible
    worst: Stand | None  # after the plan, every swap at the worst it accepts; None: impossible


@dataclass(frozen=True, slots=True)
class Asked:
    """An agent that wants one leverage, because a person asks what that would take."""

    target: Decimal

    @property
    def name(self) -> str:
        """The owner's."""
        return OWNER

    def decide(self, _view: View) -> Decision:
        """Return the wish."""
        return SetLeverage(OWNER, self.target, f"asked what leverage {self.target:f} would take")


def seat_for(target: Decimal) -> Seat:
    """Return the one seat of a turn that answers for `target`; it is asked in every state."""
    return Seat(Asked(target), guards=True)


def previewed(outcome: Outcome, delay_s: int) -> Preview:
    """Return what `outcome`'s plan leads to if it is mined `delay_s` from now."""
    view, plan = outcome.view, outcome.plan
    before = stand_of(view.state, view.now)
    if plan is None:
        return Preview(outcome, before, before, before)
    return Preview(outcome, before, _expected(plan, view, delay_s), _worst(plan, view))


def stand_of(state: State, at: int) -> Stand:
    """Return what `state` amounts to at chain time `at`, for people."""
    return _stand(standing(state, at))


def _expected(plan: Plan, view: View, delay_s: int) -> Stand | None:
    state, at = view.state, view.now + delay_s
    try:
        for step in plan.steps:
            state = apply_step(state, step, modelled_fills(state, step, at))
    except ImpossibleError:
        return None
    return stand_of(state, at)


def _worst(plan: Plan, view: View) -> Stand | None:
    try:
        return _stand(rehearse(plan, view).after)
    except ImpossibleError:
        return None


def _stand(found: Standing) -> Stand:
    return Stand(
        found.leverage,
        found.health,
        found.exposure,
        found.debt,
        found.equity,
        _liquidation_price(found.state),
    )


def _liquidation_price(state: State) -> int | None:
    mandate = state.position.mandate
    return loans.liquidation_price(
        state.market, state.position.loan, side.volatile(mandate), state.at
    )
