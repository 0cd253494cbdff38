"""Predictions for tests, and somebody who makes them as told."""

from __future__ import annotations

from dataclasses import replace

from leverd.domain.bars import Bar, Tick
from leverd.domain.prediction import MICRO, UNITS, Interval, Prediction, Quantity
from leverd.domain.prediction_events import PredictionMade
from leverd.engine.admission import Leave
from leverd.interfaces.predictor import Card

HOUR, DAY = 3_600, 86_400
START = 1_700_000_000 // DAY * DAY
GOOD = Card(scored=400, skill=MICRO // 10, surely=True, coverage=MICRO * 8 // 10)
FREE = Leave(advises=True)


def predicted(value=1.0, quantity=Quantity.VOLATILITY, *, half=0.2, **changes):
    """Return a prediction of ether made at START, sound unless told otherwise."""
    middle = round(value * MICRO)
    base = Prediction(
        subject="WETH",
        quantity=quantity.value,
        unit=UNITS[quantity],
        value=middle,
        interval=Interval(middle - round(half * MICRO), middle + round(half * MICRO)),
        confidence=MICRO * 8 // 10,
        horizon_s=DAY,
        made_at=START,
        valid_until=START + 2 * HOUR,
        source="somebody",
        model_version="1",
    )
    return replace(base, **changes)


def made(prediction, *, skill=MICRO // 10, scored=400, admitted=True, baseline=MICRO):
    return PredictionMade(prediction, baseline, skill, scored, admitted)


class Scripted:
    """A predictor that says what `say(past)` gives, or raises what that raises."""

    horizon_s = DAY

    def __init__(self, say, name="somebody", quantity=Quantity.VOLATILITY, card=GOOD):
        self.say, self.name, self.quantity, self.card = say, name, quantity, card
        self.subject = "WETH"
        self.closed = False
        self.seen = []

    def predict(self, past):
        self.seen.append(past.now)
        return self.say(past)

    def close(self):
        self.closed = True


def constant(value=1.0, name="somebody", quantity=Quantity.VOLATILITY, **changes):
    """Return what says `value` for ever, with two bars' validity."""

    def say(past):
        return predicted(
            value,
            quantity,
            source=name,
            made_at=past.now,
            valid_until=past.now + 2 * past.bar_s,
            **changes,
        )

    return Scripted(say, name, quantity)


def ticks(prices, since=START + HOUR, step=HOUR):
    """Return a tick for each price, an hour apart."""
    return [Tick(since + step * number, price) for number, price in enumerate(prices)]


def bars(prices, since=START + HOUR, **known):
    """Return hourly bars that close at `prices`."""
    found, before = [], prices[0]
    for tick in ticks(prices, since):
        high, low = max(before, tick.price), min(before, tick.price)
        found.append(Bar(tick.at, before, high, low, replace(tick, **known)))
        before = tick.price
    return found
