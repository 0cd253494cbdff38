"""Which part of the past: `20240101-20240601`, either end left open."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from leverd.backtest.history import codes
from leverd.backtest.history.history import History
from leverd.errors import DataError

_FORM: Final = re.compile(r"(\d{8})?-(\d{8})?", re.ASCII)


def part_of(history: History, timerange: str) -> History:
    """Return the bars from the first day of `timerange` up to the last, the last left out.

    Raises:
        DataError: it is malformed, empty, or reaches beyond the data.
    """
    if not timerange:
        return history
    found = _FORM.fullmatch(timerange)
    if found is None or timerange == "-":
        _wrong(timerange)
    first, last = found.groups()
    since = history.since if first is None else _day(first, timerange)
    until = history.until if last is None else _day(last, timerange)
    if first is not None and last is not None and since >= until:
        _wrong(timerange, "has no day in it: the last day is left out")
    return history.slice(since, until)


def _day(text: str, timerange: str) -> int:
    try:
        days = datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)
    except ValueError:
        _wrong(timerange)
    return (days - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _wrong(timerange: str, why: str = "is no time range") -> NoReturn:
    raise DataError(
        f"{timerange!r} {why}",
        number=codes.OUTSIDE,
        place="--timerange",
        remedy="two days with a dash between, one may be left out: 20240101-20240601",
    )
