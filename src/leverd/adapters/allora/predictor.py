"""Allora as a predictor: asked beside the loop, told to it at once."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from loguru import logger

from leverd.adapters.allora import codes
from leverd.adapters.allora.feed import AlloraFeed
from leverd.adapters.allora.inference import Inference
from leverd.domain.bars import Past
from leverd.domain.prediction import (
    UNITS,
    Measures,
    Prediction,
    Quantity,
    Why,
    interval_of,
    micro,
)
from leverd.errors import (
    LeverdError,
    PredictionError,
    SecretError,
    StaleError,
    UnreachableError,
)
from leverd.interfaces.clock import Clock
from leverd.interfaces.predictor import Card

INNER_SHARE: Final = 682_600
"""Millionths of the forecasters' weight inside the inner percentiles."""

_KEPT: Final = 64  # inferences
_LOOKS: Final = 10  # in an interval
_PAUSE_S_MIN: Final = 5.0
_PRICE_PLACES: Final = 10**8
_REASONS: Final = {
    codes.NO_DISAGREEMENT: Why.NO_INTERVAL,
    codes.FROM_THE_FUTURE: Why.FROM_THE_FUTURE,
    codes.JUMPED: Why.JUMPED,
    codes.DISAGREE: Why.NO_CONFIDENCE,
}

_SILENT: Final = PredictionError("it has not answered yet", number=Why.NO_ANSWER)


class Says(StrEnum):
    """What a topic's values are."""

    PRICE = "price"
    LOG_RETURN = "log_return"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one topic is listened to for."""

    name: str  # in settings and journal
    symbol: str
    topic_id: int
    says: Says
    quantity: Quantity  # PRICE, or DIRECTION: the log return from the price as it is
    horizon_s: int
    interval_s: int


class AlloraPredictor:
    """One topic. It has no past to show, so it begins in shadow and is scored here.

    Its value was made up to an interval before the bar it is told at, and never after it. The
    interval is where forecasters disagree, and says so: it is neither volatility nor a
    confidence.
    """

    def __init__(
        self,
        subject: Subject,
        feed: AlloraFeed,
        clock: Clock,
        close: Callable[[], object] | None = None,
    ) -> None:
        """Make it; `close` lets go of what it was made with."""
        if subject.quantity not in {Quantity.PRICE, Quantity.DIRECTION} or (
            subject.says is Says.LOG_RETURN and subject.quantity is Quantity.PRICE
        ):
            raise PredictionError(
                f"a topic of {subject.says.value}s says nothing of {subject.quantity.value}",
                number=Why.OUT_OF_RANGE,
                remedy="name quantity: direction, or price of a topic of prices",
            )
        self._subject, self._feed, self._clock, self._close = subject, feed, clock, close
        self._known: deque[Inference] = deque(maxlen=_KEPT)
        self._why = _SILENT
        self._price: Decimal | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return self._subject.name

    @property
    def subject(self) -> str:
        """The symbol of the asset it speaks of."""
        return self._subject.symbol

    @property
    def quantity(self) -> Quantity:
        """What it says of it."""
        return self._subject.quantity

    @property
    def horizon_s(self) -> int:
        """How far ahead it speaks, seconds."""
        return self._subject.horizon_s

    @property
    def card(self) -> Card | None:
        """None: a feed without a past."""
        return None

    def predict(self, past: Past) -> Prediction:
        """Return what was known when the newest bar was over; see `Predictor.predict`.

        Raises:
            PredictionError: nothing that is fresh was, or it cannot be meant.
        """
        self._price = Decimal(past.bars[-1].close) / _PRICE_PLACES
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_for_ever())
        elif self._asking.done():
            self._asking.result()  # raises the bug that ended it
        found = next((one for one in reversed(self._known) if one.at <= past.now), None)
        if found is None:
            raise self._why.with_traceback(None)  # or each raise would lengthen it
        age = past.now - found.at
        if age > self._subject.interval_s:
            stale = PredictionError(f"the newest was made {age} s ago", number=Why.STALE)
            raise stale if self._why is _SILENT else self._why.with_traceback(None)
        return self._told(found, past, self._price)

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
        if self._close is not None:
            self._close()

    def _told(self, found: Inference, past: Past, price: Decimal) -> Prediction:
        subject = self._subject
        inner = found.disagreement.inner if found.disagreement else None
        to = self._as_return if subject.quantity is Quantity.DIRECTION else self._as_is
        ends = None if inner is None else (to(inner[0], price), to(inner[1], price))
        return Prediction(
            subject=subject.symbol,
            quantity=subject.quantity.value,
            unit=UNITS[subject.quantity],
            value=micro(to(found.value, price)),
            interval=interval_of(ends, Measures.DISAGREEMENT),
            confidence=INNER_SHARE,
            horizon_s=subject.horizon_s,
            made_at=past.now,
            valid_until=past.now + subject.horizon_s,
            source=subject.name,
            model_version=f"allora topic {subject.topic_id}",
        )

    def _as_return(self, value: Decimal, price: Decimal) -> Decimal | float:
        """Return a value of the topic as a log return from `price`."""
        if self._subject.says is Says.LOG_RETURN:
            return value
        if value <= 0 or price <= 0:
            raise PredictionError("a price of nothing", number=Why.OUT_OF_RANGE)
        return math.log(value / price)

    @staticmethod
    def _as_is(value: Decimal, _price: Decimal) -> Decimal:
        return value

    async def _ask_for_ever(self) -> None:
        """Keep what the network says, and why it says nothing, for the next bar."""
        pause = max(self._subject.interval_s / _LOOKS, _PAUSE_S_MIN)
        while True:
            try:
                reference = self._price if self._subject.says is Says.PRICE else None
                found = await self._feed.newest(self._subject.topic_id, reference=reference)
            except LeverdError as error:
                logger.info("{}: {}", self._subject.name, error)
                self._why = _reason(error)
            else:
                self._why = _SILENT
                if not self._known or found.at > self._known[-1].at:
                    self._known.append(found)
            await self._clock.sleep(pause)


def _reason(error: LeverdError) -> PredictionError:
    """Return why there is no prediction, in the words and numbers of predictions."""
    if isinstance(error, UnreachableError | SecretError):
        number = Why.NO_ANSWER
    elif isinstance(error, StaleError):
        number = Why.STALE
    else:
        number = _REASONS.get(error.number, Why.OUT_OF_RANGE)
    return PredictionError(f"{error.code}: {error.message}", number=number, place=error.place)
