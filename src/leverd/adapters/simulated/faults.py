"""What can go wrong between us and the simulated chain, on a plan that replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Protocol


class Fault(StrEnum):
    """What becomes of one call."""

    NONE = "none"
    UNREACHABLE = "unreachable"
    """It never arrives, and no answer comes."""

    ANSWER_LOST = "answer lost"
    """It arrives and does its work, but no answer comes."""

    DROPPED = "dropped"
    """A send is confirmed and forgotten."""

    DUPLICATED = "duplicated"
    """A send arrives twice."""


class Faults(Protocol):
    """Says what goes wrong next."""

    def next(self, call: str) -> Fault:
        """Return what becomes of this call of the venue's method `call`."""
        ...


class NoFaults:
    """A network that works."""

    def next(self, call: str) -> Fault:  # noqa: ARG002 - the same answer for every call
        """Return that nothing goes wrong."""
        return Fault.NONE


class SeededFaults:
    """Each call fails with a chance of `chance`; the same seed, the same faults."""

    def __init__(self, dice: Random, chance: float) -> None:
        self._dice, self._chance = dice, chance

    def next(self, call: str) -> Fault:
        """Return what becomes of this call."""
        if self._dice.random() >= self._chance:
            return Fault.NONE
        if call == "send":
            return self._dice.choice(
                (Fault.UNREACHABLE, Fault.ANSWER_LOST, Fault.DROPPED, Fault.DUPLICATED)
            )
        return Fault.UNREACHABLE


class PlannedFaults:
    """The first calls of each method meet the faults planned for it, later ones none."""

    def __init__(self, plan: Mapping[str, Sequence[Fault]]) -> None:
        self._left = {call: list(faults) for call, faults in plan.items()}

    def next(self, call: str) -> Fault:
        """Return what becomes of this call."""
        left = self._left.get(call)
        return left.pop(0) if left else Fault.NONE
