"""Somebody who says what to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from leverd.domain.bars import Past
from leverd.domain.prediction import Prediction, Quantity


@dataclass(frozen=True, slots=True)
class Card:
    """How good a predictor has been on a past it was not made from. Millionths."""

    scored: int  # forecasts that do not overlap
    skill: int  # 1 less its loss over the best baseline's; 0 is no better
    surely: bool  # whether that is significant: beyond what luck explains
    coverage: int  # share of outcomes inside its intervals


class Predictor(Protocol):
    """Makes one prediction a bar. Pure towards the outside: it reads `past` and nothing later."""

    @property
    def name(self) -> str:
        """The name settings and journal use; `source` of what it says."""
        ...

    @property
    def subject(self) -> str:
        """The symbol of the asset it speaks of."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What it says of it."""
        ...

    @property
    def horizon_s(self) -> int:
        """How far ahead it speaks, seconds."""
        ...

    @property
    def card(self) -> Card | None:
        """What it has shown before; None of a feed without a past, which begins in shadow."""
        ...

    def predict(self, past: Past) -> Prediction:
        """Return what to expect after `past`, which holds at least one bar and only grows.

        Takes a few milliseconds at most: what takes longer is done before or beside.

        Raises:
            PredictionError: it has nothing to say; the number is a `domain.prediction.Why`.
        """
        ...

    def close(self) -> None:
        """Let go of what works beside the loop, if anything does."""
        ...
