"""A download from its first row to its file, and what the command line says of time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leverd.cli.output import emit_json, progress, say
from leverd.errors import DataError, OwnerError

if TYPE_CHECKING:
    from leverd.backtest.download.partial import Request

_NO_MOMENT: Final = 88
_NO_NUMPY: Final = 26  # `codes.NO_LIBRARY`, which loads numpy itself


def fetched(
    to: Path,
    request: Request,
    fetch: Callable[[Any, Any], Awaitable[None]],
    sources: dict[str, dict[str, object]],
    *,
    as_json: bool,
    beside: Callable[[list[int]], dict[str, list[int]]] | None = None,
) -> None:
    """Run `fetch`, finish the file, and tell how a description names it."""
    from leverd.backtest.download.partial import Partial  # noqa: PLC0415 -- loads numpy

    partial = Partial(to, request)
    resumed = partial.last is not None
    try:
        with progress(f"fetching {to.name}") as advance:
            asyncio.run(_awaited(fetch(partial, advance)))
        written = partial.finish(beside)
    finally:
        partial.close()
    from leverd.backtest.history.words import moment  # noqa: PLC0415 -- loads numpy

    first, last = moment(written.first), moment(written.last)
    if as_json:
        told = {"file": str(to), "rows": written.rows, "since": first, "until": last}
        emit_json({**told, "resumed": resumed, "sources": sources})
        return
    import yaml  # noqa: PLC0415 -- not for --help

    begun = ", begun by an earlier run" if resumed else ""
    say(f"{to}: {written.rows} rows, {first} to {last}{begun}; to describe it:")
    say(yaml.safe_dump({"sources": sources}, sort_keys=False).rstrip())


def need_numpy() -> None:
    """Check that numpy is there.

    Raises:
        DataError: it is not installed.
    """
    try:
        import numpy  # noqa: F401, ICN001, PLC0415 -- only whether it is there
    except ImportError as error:
        raise DataError(
            "recorded history needs numpy, which is not installed",
            number=_NO_NUMPY,
            remedy="install leverd[backtest]",
        ) from error


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


def snippet(to: Path, said: dict[str, object]) -> dict[str, object]:
    """Return what a description says of the file `to`."""
    form = "timestamp" if to.suffix == ".parquet" else "unix_s"
    return {**said, "file": to.name, "time": "ts", "time_format": form}


def now() -> int:
    """Return the time of the machine, unix seconds."""
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- loads asyncio

    return int(SystemClock().now().timestamp())


def span(since: str, until: str) -> tuple[int, int]:
    """Return both times of the command line; where no end is said, that of all times."""
    need_numpy()
    from leverd.backtest.history.times import LATEST  # noqa: PLC0415 -- loads numpy

    first, last = _moment(since), _moment(until) if until else LATEST
    if first >= last:
        raise OwnerError("--since is not before --until", number=_NO_MOMENT)
    return first, last


def _moment(text: str) -> int:
    """Return a time of the command line as unix seconds."""
    from leverd.backtest.history.times import Naive, iso_seconds  # noqa: PLC0415 -- loads numpy

    try:
        return iso_seconds(text)
    except Naive:
        said = "names no offset from UTC"
    except (ValueError, OverflowError):
        said = "is no time"
    raise OwnerError(f"{text!a} {said}", number=_NO_MOMENT, remedy="e.g. 2024-01-01T00:00:00Z")
