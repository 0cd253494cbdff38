"""Bars and funding rates from an exchange, by ccxt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, Final, Protocol, TypeVar

from leverd.backtest.download.partial import Partial, Request, Row
from leverd.backtest.download.patience import TRIES, Sleep, patiently
from leverd.backtest.history import codes
from leverd.errors import DataError, UnreachableError
from leverd.settings.problems import nearest

T = TypeVar("T")

PAGE: Final = 500
"""Rows asked for at a time; exchanges give as many or fewer."""

PAGE_LEAST: Final = 100
"""Rows that even the meanest of them gives at a time."""

_UNREACHABLE: Final = 55
_FIRST_TRIES: Final = 2
_HOUR_S: Final = 3_600
_SETTLED_S: Final = 60  # a bar is over only then: clocks differ, and exchanges still correct it
_BAR_COLUMNS: Final = ("open", "high", "low", "close")

Advance = Callable[[int, int], None]


class Exchange(Protocol):
    """What is used of ccxt; times are unix milliseconds."""

    id: str

    def fetch_ohlcv(
        self, symbol: str, timeframe: str, since: int, limit: int
    ) -> Sequence[Sequence[Any]]:
        """Return [time, open, high, low, close, volume] of each bar from `since` on."""
        ...

    def fetch_funding_rate_history(
        self, symbol: str, since: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Return `timestamp` and `fundingRate` of each settlement from `since` on."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of which market: [since, until), unix seconds."""

    symbol: str
    since: int
    until: int


def open_exchange(name: str) -> Exchange:
    """Return ccxt's exchange `name`, which keeps its rate limits.

    Raises:
        DataError: there is none, or ccxt is not installed.
    """
    ccxt = _ccxt()
    if name not in ccxt.exchanges:
        raise DataError(
            f"ccxt knows no exchange {name}",
            number=codes.REQUEST,
            remedy=nearest(name, ccxt.exchanges),
        )
    opened: Exchange = getattr(ccxt, name)({"enableRateLimit": True})
    return opened


async def download_bars(
    exchange: Exchange,
    wanted: Wanted,
    timeframe: str,
    bar_s: int,
    partial: Partial,
    *,
    now: int,
    advance: Advance,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Fetch the bars of `wanted` that are over for a minute at `now` into `partial`."""
    until = min(wanted.until, (now - _SETTLED_S) // bar_s * bar_s)

    async def page(since: int) -> list[Row]:
        found = await _asked(
            lambda: exchange.fetch_ohlcv(wanted.symbol, timeframe, since * 1000, PAGE),
            sleep,
            partial,
        )
        return [_bar(row, bar_s) for row in found]

    await _pages(page, wanted.since, until, bar_s, partial, advance)


async def download_funding(
    exchange: Exchange,
    wanted: Wanted,
    partial: Partial,
    *,
    now: int,
    advance: Advance,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Fetch the funding rates of `wanted` that are settled by `now` into `partial`."""

    async def page(since: int) -> list[Row]:
        found = await _asked(
            lambda: exchange.fetch_funding_rate_history(wanted.symbol, since * 1000, PAGE),
            sleep,
            partial,
        )
        return [_settled(row) for row in found]

    await _pages(page, wanted.since, min(wanted.until, now), _HOUR_S, partial, advance)


def bars_request(exchange: str, wanted: Wanted, timeframe: str) -> Request:
    """Return the request that a partial file of bars belongs to."""
    return Request(
        "bars", _said(exchange, wanted) | {"bar": timeframe}, dict.fromkeys(_BAR_COLUMNS, "float")
    )


def funding_request(exchange: str, wanted: Wanted) -> Request:
    """Return the request that a partial file of funding rates belongs to."""
    return Request("funding", _said(exchange, wanted), {"rate": "float"})


def intervals(ts: list[int]) -> dict[str, list[int]]:
    """Return what interval each settlement is for, whole hours: the time since the one before.

    Where the time before that was another, one may be missing, and the nearer of both neighbours
    tells it. The first is for as long as the second.

    Raises:
        DataError: there is only one.
    """
    if len(ts) == 1:
        raise DataError(
            "one funding rate alone does not tell its interval",
            number=codes.REQUEST,
            remedy="ask for a longer time",
        )
    steps = [max(1, round((later - sooner) / _HOUR_S)) for sooner, later in pairwise(ts)]
    told = [
        since if since == once else min(since, until)
        for once, since, until in zip([0, *steps], steps, [*steps[1:], steps[-1]], strict=False)
    ]
    return {"interval_h": [told[0], *told]}


def _said(exchange: str, wanted: Wanted) -> dict[str, str | int]:
    return {
        "exchange": exchange,
        "symbol": wanted.symbol,
        "since": wanted.since,
        "until": wanted.until,
    }


async def _pages(
    page: Callable[[int], Awaitable[list[Row]]],
    since: int,
    until: int,
    step: int,
    partial: Partial,
    advance: Advance,
) -> None:
    """Ask page after page, from where `partial` stands.

    An empty one is stepped over by no more rows than the exchange has given at a time: many answer
    for a span of their own size, however many were asked for, and know more behind it.
    """
    at = since if partial.last is None else int(partial.last[0]) + 1
    given = PAGE_LEAST
    while at < until:
        answered = await page(at)
        given = min(max(given, len(answered)), PAGE)
        rows = sorted(row for row in answered if at <= row[0] < until)
        rows = [row for index, row in enumerate(rows) if not index or row[0] != rows[index - 1][0]]
        partial.append(rows)
        at = int(rows[-1][0]) + 1 if rows else at + step * given
        advance(min(at, until) - since, until - since)


def _bar(row: Sequence[Any], bar_s: int) -> Row:
    try:
        at, prices = int(row[0]), tuple(_finite(row[index]) for index in range(1, 5))
    except (TypeError, ValueError, IndexError) as error:
        raise _nonsense("a bar without time or price") from error
    if at % (bar_s * 1000):
        raise _nonsense(f"a bar at {at} ms, which is no multiple of {bar_s} s")
    return (at // 1000, *prices)


def _settled(row: Mapping[str, Any]) -> Row:
    try:
        return -(-int(row["timestamp"]) // 1000), _finite(row["fundingRate"])
    except (TypeError, ValueError, KeyError) as error:
        raise _nonsense("a funding rate without time or rate") from error


def _finite(said: Any) -> float:
    number = float(said)
    if not isfinite(number):
        raise ValueError(said)
    return number


async def _asked(ask: Callable[[], T], sleep: Sleep, partial: Partial) -> T:
    """Return what `ask` answers, with ccxt's errors as ours.

    Who never answered anything is asked twice and no more: there may be no network at all.
    """
    ccxt = _ccxt()

    async def once() -> T:
        try:
            return await asyncio.to_thread(ask)
        except ccxt.NetworkError as error:  # rate limits too
            raise UnreachableError(
                f"the exchange does not answer: {_short(error)}",
                number=_UNREACHABLE,
                remedy="what was fetched is kept: say the same again once the network is there",
            ) from error
        except ccxt.BaseError as error:
            raise DataError(
                f"the exchange says no: {_short(error)}",
                number=codes.EXCHANGE,
                remedy="check the symbol as ccxt writes it, e.g. ETH/USDT or ETH/USDT:USDT",
            ) from error

    return await patiently(once, sleep, TRIES if partial.last is not None else _FIRST_TRIES)


def _ccxt() -> Any:
    try:
        import ccxt  # noqa: PLC0415 -- an extra, loaded only when used
    except ImportError as error:
        raise DataError(
            "exchanges are asked by ccxt, which is not installed",
            number=codes.NO_LIBRARY,
            remedy="install leverd[cex]",
        ) from error
    return ccxt


def _nonsense(what: str) -> DataError:
    return DataError(f"the exchange answers {what}", number=codes.EXCHANGE)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return ascii(text[:160])[1:-1] or type(error).__name__
