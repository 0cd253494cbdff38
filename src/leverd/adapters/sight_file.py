"""What the last turn saw, in a file beside the journal, for processes that only watch.

It is no record: it is replaced at every turn and never synced, so it costs a turn less than a
millisecond. A process that holds keys so opens no port for those who want its numbers.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import psutil
from loguru import logger
from pydantic import TypeAdapter, ValidationError

from leverd.domain import loans
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.domain.view import Stamp, View
from leverd.errors import LeverdError
from leverd.interfaces.watcher import Seen, Sight, SpotSight, Turned

_SIGHT: Final = TypeAdapter(Sight)
_SPOT: Final = TypeAdapter(SpotSight)
_LONGEST: Final = 8 * 2**20  # bytes; ten thousand positions take about five
_MB: Final = 10**6

T = TypeVar("T")


def sight_path(journal: Path) -> Path:
    """Return where the sight of the daemon with the journal file `journal` is."""
    return journal.with_name(f"{journal.name}.sight")


def spot_sight_path(journal: Path) -> Path:
    """Return where the trader's sight is, beside the journal file `journal`."""
    return journal.with_name(f"{journal.name}.spot.sight")


class SightFile:
    """A `Watcher` that keeps the last turn in a file only its owner may read.

    `snapshot_of` makes balances of a state; `calls` gives requests and failures by node.
    """

    def __init__(
        self,
        path: Path,
        snapshot_of: Callable[[State, Stamp], Snapshot],
        circuits: Callable[[], Mapping[str, str]] = dict,
        calls: Callable[[], tuple[Mapping[str, int], Mapping[str, int]]] = lambda: ({}, {}),
    ) -> None:
        self._path, self._snapshot_of = path, snapshot_of
        self._circuits, self._calls = circuits, calls
        self._failed = False

    def turned(self, turned: Turned) -> None:
        """Replace the file; what cannot be told is said once, and no turn fails or waits for it."""
        self._failed = _kept(
            self._path, lambda: _SIGHT.dump_json(self._sight(turned)), was_failing=self._failed
        )

    def _sight(self, turned: Turned) -> Sight:
        asked, failed = self._calls()
        return Sight(
            turn=turned.number,
            pid=os.getpid(),
            at=turned.at,
            seconds=turned.seconds,
            stages=turned.stages,
            next_s=turned.next_s,
            fresh=turned.fresh,
            memory_mb=int(psutil.Process().memory_info().rss) // _MB,
            positions={name: self._seen(view) for name, view in turned.views.items()},
            circuits=dict(self._circuits()),
            rpc_calls=asked,
            rpc_errors=failed,
        )

    def _seen(self, view: View) -> Seen:
        summary = loans.summarise(view.state.market, view.state.position.loan, view.now)
        return Seen(
            snapshot=self._snapshot_of(view.state, view.stamp),
            threshold=summary.threshold,
            base_fee=view.gas.base_fee,
            operator_balance=view.gas.operator_balance,
            native_price=view.gas.native_price,
            sources_agree=view.sources_agree,
            trusted=view.venue_trusted,
            open_slots=view.record.open_slots,
        )


class SpotSightFile:
    """A `SpotWatcher` that keeps the last look at an order book in such a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed = False

    def looked(self, sight: SpotSight) -> None:
        """Replace the file; what cannot be told is said once, and no look fails or waits for it."""
        self._failed = _kept(self._path, lambda: _SPOT.dump_json(sight), was_failing=self._failed)


def read_sight(path: Path) -> Sight | None:
    """Return what the last turn saw, None where no turn was told or it cannot be read."""
    return _read(_SIGHT, path)


def read_spot_sight(path: Path) -> SpotSight | None:
    """Return the last look at an order book, None where none was told or it cannot be read."""
    return _read(_SPOT, path)


def told_in(path: Path) -> str:
    """Return what is in such a file, to be told elsewhere; "" where it cannot be read."""
    try:
        return _raw(path).decode()
    except (OSError, ValueError):
        return ""


def sight_in(text: str) -> Sight | None:
    """Return the turn that `text` tells of, None if it tells of none."""
    return _parsed(_SIGHT, text.encode())


def spot_sight_in(text: str) -> SpotSight | None:
    """Return the look at an order book that `text` tells of, None if it tells of none."""
    return _parsed(_SPOT, text.encode())


def _read(shape: TypeAdapter[T], path: Path) -> T | None:
    try:
        return _parsed(shape, _raw(path))
    except OSError:
        return None


def _raw(path: Path) -> bytes:
    """Return what is in the file, nothing of one that is too long."""
    with path.open("rb") as file:
        raw = file.read(_LONGEST + 1)
    return raw if len(raw) <= _LONGEST else b""


def _parsed(shape: TypeAdapter[T], raw: bytes) -> T | None:
    try:
        return shape.validate_json(raw)
    except ValidationError:
        return None


def _kept(path: Path, told: Callable[[], bytes], *, was_failing: bool) -> bool:
    """Replace the file with what is `told`; return whether that failed, which is said once."""
    try:
        _replace(path, told())
    except (OSError, LeverdError, psutil.Error) as error:
        if not was_failing:
            logger.warning("watchers see no turn in {}: {}", path, error)
        return True
    return False


def _replace(path: Path, raw: bytes) -> None:
    """Write `raw` so that a reader sees the old or the new whole, never a part."""
    half = path.with_name(f"{path.name}.half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        half.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
        raise
