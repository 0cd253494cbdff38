"""An exchange that never was, at ccxt's own interface; and one on loopback, for ccxt itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ccxt

from leverd.backtest.download.exchange import (
    Wanted,
    bars_request,
    download_bars,
    download_funding,
    funding_request,
    intervals,
)
from leverd.backtest.download.partial import Partial

HOUR = 3_600
START = 1_700_002_800
LATE = START + 10**9


class Exchange:
    """Holds hourly bars and eight-hourly funding; `failures` are raised first, one a call."""

    id = "fake"

    def __init__(self, hours: int = 1300, page: int = 500, skip: range = range(0)) -> None:
        self.bars = [self._bar(i) for i in range(hours) if i not in skip]
        self.rates = [
            {"timestamp": (START + i * 8 * HOUR) * 1000 + 3, "fundingRate": i / 10**6}
            for i in range(hours // 8)
        ]
        self.page = page
        self.failures: list[BaseException] = []
        self.asked: list[int] = []

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[Any]:
        self._answer(since)
        assert (symbol, timeframe) == ("ETH/USDT", "1h")
        return [row for row in self.bars if row[0] >= since][: min(limit, self.page)]

    def fetch_funding_rate_history(self, symbol: str, since: int, limit: int) -> list[Any]:
        self._answer(since)
        return [row for row in self.rates if row["timestamp"] >= since][: min(limit, self.page)]

    def _answer(self, since: int) -> None:
        self.asked.append(since // 1000)
        if self.failures:
            raise self.failures.pop(0)

    @staticmethod
    def _bar(i: int) -> list[float]:
        return [(START + i * HOUR) * 1000, 100 + i / 100, 104 + i / 100, 96.0, 103.0, 7.0]


class Sleeper:
    """Waits in no time, and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


WANTED = Wanted("ETH/USDT", START, START + 1200 * HOUR)


def fetch_bars(
    to: Path,
    exchange: Any,
    *,
    wanted: Wanted = WANTED,
    now: int = LATE,
    sleep: Any = None,
    advance: Any = lambda _done, _total: None,
) -> int:
    """Return how many bars are in `to` once they are fetched."""
    partial = Partial(to, bars_request("fake", wanted, "1h"))
    try:
        work = download_bars(
            exchange,
            wanted,
            "1h",
            HOUR,
            partial,
            now=now,
            advance=advance,
            sleep=sleep or Sleeper(),
        )
        asyncio.run(work)
        return partial.finish().rows
    finally:
        partial.close()


def fetch_funding(to: Path, exchange: Any, *, wanted: Wanted = WANTED) -> int:
    """Return how many settlements are in `to` once they are fetched."""
    partial = Partial(to, funding_request("fake", wanted))
    try:
        work = download_funding(
            exchange, wanted, partial, now=LATE, advance=lambda _done, _total: None, sleep=Sleeper()
        )
        asyncio.run(work)
        return partial.finish(intervals).rows
    finally:
        partial.close()


def busy() -> BaseException:
    refusal: BaseException = ccxt.RateLimitExceeded("too many requests")
    return refusal
