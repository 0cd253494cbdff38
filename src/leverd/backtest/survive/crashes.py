"""The great crashes: when they were, and what they looked like where nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Floats, Ints
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey
from leverd.domain.side import Side

_BAR_S: Final = 300
_HOUR_S: Final = 3_600
_CALM_HOURS: Final = 12
_STEPS: Final = 5  # within a bar, so that its high and low are those of a path
_PRICE: Final = 2_000.0


@dataclass(frozen=True, slots=True)
class Crash:
    """One fall of ether: its days, and its outline for a path of its own.

    `falls` are (hours since the one before, price as a share of the price before it all): the
    corners that the path goes through, between them it wanders.
    """

    name: str
    since: datetime
    until: datetime
    falls: tuple[tuple[float, float], ...]
    volatility: float  # a year, round the outline


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


GREAT: Final = (
    Crash(
        "Covid, March 2020",
        _day(2020, 3, 11),
        _day(2020, 3, 15),
        ((10, 0.93), (2, 0.78), (8, 0.66), (4, 0.46), (3, 0.60), (24, 0.64)),
        1.6,
    ),
    Crash(
        "China, May 2021",
        _day(2021, 5, 18),
        _day(2021, 5, 24),
        ((8, 0.92), (4, 0.80), (1, 0.56), (2, 0.76), (30, 0.62), (48, 0.55), (12, 0.68)),
        1.8,
    ),
    Crash(
        "LUNA, May 2022",
        _day(2022, 5, 8),
        _day(2022, 5, 14),
        ((24, 0.94), (20, 0.84), (40, 0.80), (16, 0.67), (8, 0.78), (24, 0.76)),
        1.1,
    ),
    Crash(
        "3AC, June 2022",
        _day(2022, 6, 11),
        _day(2022, 6, 19),
        ((30, 0.88), (24, 0.72), (30, 0.68), (36, 0.64), (40, 0.53), (12, 0.60)),
        1.1,
    ),
    Crash(
        "FTX, November 2022",
        _day(2022, 11, 7),
        _day(2022, 11, 12),
        ((20, 0.94), (6, 0.82), (20, 0.70), (6, 0.76), (30, 0.78)),
        1.0,
    ),
    Crash(
        "Carry trade, August 2024",
        _day(2024, 8, 3),
        _day(2024, 8, 7),
        ((24, 0.93), (20, 0.90), (4, 0.80), (2, 0.73), (4, 0.83), (20, 0.85)),
        1.2,
    ),
    Crash(
        "Tariffs, October 2025",
        _day(2025, 10, 10),
        _day(2025, 10, 12),
        ((12, 0.95), (1, 0.88), (0.5, 0.80), (1, 0.88), (12, 0.87)),
        1.3,
    ),
)
"""Outlines are read off charts of the time, to a few percent; `until` is left out."""


def recorded(
    crash: Crash, past: History, holes: Sequence[tuple[int, int]] = (), *, known: int = 0
) -> History | None:
    """Return what `past` holds of `crash`, None if it does not hold all of it.

    Rates and the like are recorded from `known` on. Where prices were only held for more than
    an hour, from a time in `holes` to another, nothing fell that is known of.
    """
    since, until = int(crash.since.timestamp()), int(crash.until.timestamp())
    if not max(past.since, known) <= since < until <= past.until:
        return None
    within = (min(end, until) - max(begin, since) for begin, end in holes)
    return None if max(within, default=0) > _HOUR_S else past.slice(since, until)


def outlined(
    crash: Crash,
    keys: frozenset[BarsKey],
    way: Side,
    seed: int,
    dollars: frozenset[BarsKey] = frozenset(),
) -> History:
    """Return a path of five-minute bars through the crash's corners, the same for all `keys`.

    Those among `dollars` stay at one dollar. A short is hurt by rises: there the path is turned
    over.
    """
    rng = np.random.default_rng([seed, GREAT.index(crash)])
    outline = _outline(crash)
    moves = rng.standard_normal((len(outline), _STEPS))
    moves *= crash.volatility * (_BAR_S / _STEPS / 31_536_000) ** 0.5
    wander = _pinned(np.cumsum(moves.reshape(-1)), crash).reshape(len(outline), _STEPS)
    path = _PRICE * np.exp(np.log(outline)[:, None] + wander)
    if way is Side.SHORT:
        path = _PRICE**2 / path
    since = int(crash.since.timestamp())
    ts = since + _BAR_S * np.arange(len(outline), dtype=np.int64)
    fallen, still = _bars(path), _bars(np.ones_like(path))
    bars = {key: Bars(*(still if key in dollars else fallen)) for key in keys}
    return History(_BAR_S, ts, bars, {})


def _outline(crash: Crash) -> Floats:
    """Return the share of the first price at each bar, straight in logs between corners."""
    hours, shares = [0.0, float(_CALM_HOURS)], [1.0, 1.0]
    for after, share in crash.falls:
        hours.append(hours[-1] + after)
        shares.append(share)
    count = int(hours[-1] * _HOUR_S / _BAR_S)
    at = np.arange(1, count + 1) * (_BAR_S / _HOUR_S)
    return np.asarray(np.exp(np.interp(at, hours, np.log(shares))), dtype=np.float64)


def _pinned(wander: Floats, crash: Crash) -> Floats:
    """Return `wander` tied to nothing at each corner, so that the path goes through it."""
    hours = np.cumsum([_CALM_HOURS, *(after for after, _ in crash.falls)])
    corners = np.minimum((hours * _HOUR_S / _BAR_S * _STEPS).astype(np.int64), len(wander)) - 1
    places = np.concatenate([[0], corners])
    values = np.concatenate([[0.0], wander[corners]])
    return np.asarray(wander - np.interp(np.arange(len(wander)), places, values))


def _bars(path: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    closes = path[:, -1]
    opens = np.concatenate([path[:1, 0], closes[:-1]])
    highs, lows = np.maximum(opens, path.max(axis=1)), np.minimum(opens, path.min(axis=1))
    opened, high, low, closed = (
        np.rint(each * 100).astype(np.int64) * 10**6 for each in (opens, highs, lows, closes)
    )
    return opened, high, low, closed
