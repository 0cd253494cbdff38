"""Whether a mined step did exactly what `apply` says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leverd.domain import loans
from leverd.domain.apply import apply_step
from leverd.domain.events import Event
from leverd.domain.fills import Fill
from leverd.domain.plan import BuyExact, Step, Swap
from leverd.domain.position import Position
from leverd.domain.state import State
from leverd.domain.view import Stamp
from leverd.errors import ImpossibleError
from leverd.interfaces.venue import Inclusion


class Proof(StrEnum):
    """What tells what a step started from and led to."""

    STATES = "states"
    """The chain's own states around it."""

    RECEIPT = "receipt"
    """Its receipt, applied to what the journal knew before; prices are later ones."""

    PRESENT = "present"
    """Nothing: the state after it is the present one, whatever others did in between."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A mined, successful step, and the states of its parent block and its own."""

    step: Step
    fills: tuple[Fill, ...]
    before: State
    after: State
    inclusion: Inclusion
    proof: Proof = Proof.STATES
    seen: Stamp | None = None  # when `after` was, if not in the step's own block
    others: tuple[Event, ...] = ()  # what others did just before it, to be journaled first


def mismatch(done: StepDone) -> tuple[dict[str, int], dict[str, int]] | None:
    """Return the legs (expected, found) that differ, None if all are equal to the wei.

    A step outside its own bounds counts as a difference too, named `bound:`.
    """
    if done.proof is Proof.PRESENT:
        return _broken_bounds(done)
    try:
        expected = apply_step(done.before, done.step, done.fills, verified=True)
    except ImpossibleError as error:
        return {"impossible": error.number}, {}
    broken = _broken_bounds(done)
    if broken:
        return broken
    wanted, found = _legs(expected.position), _legs(done.after.position)
    differing = {leg for leg in wanted | found if wanted.get(leg, 0) != found.get(leg, 0)}
    if not differing:
        return None
    return (
        {leg: wanted.get(leg, 0) for leg in sorted(differing)},
        {leg: found.get(leg, 0) for leg in sorted(differing)},
    )


def fills_out(fills: tuple[Fill, ...]) -> tuple[dict[str, int], ...]:
    """Return fills as flat numbers for the journal."""
    return tuple(_flat(fill) for fill in fills)


def _flat(fill: Fill) -> dict[str, int]:
    liquidity, borrow = fill.indexes or (0, 0)
    numbers = {
        "at": fill.at,
        "sold": fill.sold,
        "bought": fill.bought,
        "amount": fill.amount or 0,
        "before": sum(fill.before),
        "liquidity_index": liquidity,
        "borrow_index": borrow,
    }
    return {name: number for name, number in numbers.items() if number}


def _broken_bounds(done: StepDone) -> tuple[dict[str, int], dict[str, int]] | None:
    for action, fill in zip(done.step.actions, done.fills, strict=True):
        match action:
            case Swap(buy_min=least) if fill.bought < least.raw:
                return {"bound:buy_min": least.raw}, {"bound:buy_min": fill.bought}
            case BuyExact(sell_max=most) if fill.sold > most.raw:
                return {"bound:sell_max": most.raw}, {"bound:sell_max": fill.sold}
            case _:
                pass
    if done.proof is not Proof.STATES:
        return None  # the chain itself asked for the health, at prices nobody tells any more
    health = loans.summarise(done.after.market, done.after.position.loan, done.after.at).health
    if health < done.step.health_min:
        return {"bound:health_min": done.step.health_min}, {"bound:health_min": health}
    return None


def _legs(position: Position) -> dict[str, int]:
    return {f"{leg.kind}:{leg.venue}:{leg.asset.symbol}": leg.held for leg in position.legs()}
