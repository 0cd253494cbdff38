"""What the network says, as exact values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_INNER: Final = (Decimal("15.87"), Decimal("84.13"))
"""The percentiles one standard deviation to each side, were the forecasts normal."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One question that the network answers over and over."""

    topic_id: int  # of one chain of theirs; another chain counts its own
    name: str
    epoch_blocks: int  # of their chain, from one inference to the next
    active: bool


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How far the forecasters are apart: weighted percentiles of what each of them said.

    It is no confidence interval of the outcome and no volatility, whatever the API calls it:
    forecasters who all err alike agree perfectly.
    """

    percentiles: tuple[tuple[Decimal, Decimal], ...]  # (percent, value), both rising

    @property
    def inner(self) -> tuple[Decimal, Decimal] | None:
        """The values between which about two thirds of the forecasts lie, if they are told."""
        found = dict(self.percentiles)
        low, high = (found.get(percent) for percent in _INNER)
        return None if low is None or high is None else (low, high)


@dataclass(frozen=True, slots=True)
class Inference:
    """One answer of the network to one topic."""

    topic_id: int
    value: Decimal  # in the topic's unit: a price, a log return, a volatility
    at: int  # unix seconds, as the network stamps it
    disagreement: Disagreement | None  # None where the API gives null

    @property
    def spread(self) -> Decimal | None:
        """Width of the inner disagreement as a fraction of the value; None if untold."""
        inner = self.disagreement.inner if self.disagreement else None
        if inner is None or not self.value:
            return None
        return (inner[1] - inner[0]) / abs(self.value)
