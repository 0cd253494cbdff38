"""Pasts and configurations, as tests make them."""

from __future__ import annotations

import numpy as np

from leverd.backtest.history.exact import widened
from leverd.backtest.sweep.configuration import RATIO, USD, Configuration
from leverd.backtest.sweep.past import Past

RAY = 10**27
HOUR = 3_600
PLAIN = Configuration(
    target=3 * RATIO,
    band_low=2_500_000_000,
    band_high=3_500_000_000,
    health_floor=1_300_000_000,
    guardian_below=0,
    guardian_to=0,
    fee=500,
    threshold=9_300,
    depth=0,
    gas=0,
)
"""The work that other backtesters are measured by."""


def past_of(prices, *, supply=None, borrow=None, debt_prices=None, **said) -> Past:
    """Return a past of hours with `prices` (USD); indexes stand still where not said."""
    count = len(prices)
    base = {
        "ts": np.arange(1, count + 1, dtype=np.int64) * HOUR,
        "collateral_price": np.array([round(each * USD) for each in prices], dtype=np.int64),
        "debt_price": np.array(debt_prices or [USD] * count, dtype=np.int64),
        "supply_index": widened(supply or [RAY] * count),
        "borrow_index": widened(borrow or [RAY] * count),
        "collateral_decimals": 18,
        "debt_decimals": 6,
        "amount": 10 * 10**18,
    }
    return Past(**{**base, **said})


def walk(count, *, seed=1, spread=0.01, price=2_000.0, drift=0.0, rates=(0.02, 0.05), **said):
    """Return a past of `count` hours: a lognormal price, indexes from rates that vary."""
    draw = np.random.default_rng(seed)
    prices = price * np.exp(np.cumsum(draw.normal(drift, spread, count)))
    grown = []
    for rate in rates:
        hourly = rate / 8_760 * draw.uniform(0.5, 1.5, count)
        index, column = RAY, []
        for each in hourly.tolist():
            index += int(index * each)
            column.append(index)
        grown.append(column)
    prices = np.maximum(prices, 1e-4).tolist()
    return past_of(prices, supply=grown[0], borrow=grown[1], **said)
