"""Pasts for models: hours whose volatility wanders, which is what can be learnt of them."""

from __future__ import annotations

from functools import cache

import numpy as np
from tests.predictions import HOUR, START

from leverd.domain.bars import Bar, Tick
from leverd.domain.prediction import Quantity
from leverd.predict.card_file import Purpose
from leverd.predict.samples import samples_of
from leverd.predict.training import train
from leverd.predict.walk_forward import Walk

DAY = 86_400
PURPOSE = Purpose("WETH", Quantity.VOLATILITY, 6 * HOUR, HOUR)
WALK = Walk(learn_s=60 * DAY, step_s=15 * DAY)


@cache
def bars(count=2_400, seed=1, wander=0.25):
    """Return bars of a price whose volatility wanders, and has its hours of the day."""
    rng = np.random.default_rng(seed)
    found, price, level = [], 3_000.0, 0.0
    for number in range(count):
        level = 0.93 * level + wander * rng.normal()
        each = 0.003 * np.exp(level + 0.8 * np.sin(number % 24 / 24 * 2 * np.pi))
        path = price * np.exp(np.cumsum(rng.normal(0, each, 4)))
        opened, price = price, float(path[-1])
        high, low = max(opened, *path), min(opened, *path)
        at = START + HOUR * (number + 1)
        tick = Tick(
            at,
            round(price * 1e8),
            borrow_rate=round(50_000 + 20_000 * np.sin(number / 60) + rng.normal() * 500),
            supply_rate=30_000,
            utilisation=800_000,
            base_fee=round(20e9 * np.exp(rng.normal(0, 0.2))),
            funding=round(100_000 * np.sin(number / 40)),
        )
        found.append(Bar(at, round(opened * 1e8), round(high * 1e8), round(low * 1e8), tick))
    return tuple(found)


@cache
def samples(count=2_400, seed=1, quantity=Quantity.VOLATILITY, wander=0.25):
    return samples_of(bars(count, seed, wander), quantity, 6 * HOUR, HOUR)


@cache
def trained():
    return train(samples(), "WETH", WALK)
