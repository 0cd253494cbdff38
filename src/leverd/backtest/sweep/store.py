"""A sweep's folder: chunks as they are done, so that a killed run goes on, then all of it.

`sweep.json` says what is swept; nothing in the folder says when, or by how many. Two runs of
the same leave the same files.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.history.parquet_file import pyarrow
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.configuration import NAMES, SCALES, Configurations
from leverd.backtest.sweep.outcome import COLUMNS
from leverd.errors import SweepError

RESULTS: Final = "results.parquet"
_SAID: Final = "sweep.json"
_INDEXES: Final = ("health_low_at", "boosts", "repays", "shallow", "liquidated_at")
_CALLED: Final = {
    "engine": "version of the engine",
    "hold": "comparison",
    "leverd": "version of leverd",
    "past": "past",
    "space": "set of parameters",
    "windows": "length of windows",
}


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder`, made if it is not there, against every other sweep.

    Raises:
        SweepError: another one holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritten(folder, error) from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(opened)
        raise SweepError(
            "another sweep writes it",
            number=codes.NOT_WRITTEN,
            place=str(folder),
            remedy="wait for it, or name another --out",
        ) from error
    try:
        yield
    finally:
        os.close(opened)


@dataclass(frozen=True, slots=True)
class Store:
    """One sweep's folder."""

    folder: Path

    def begin(self, said: Mapping[str, Any]) -> None:
        """Make the folder this sweep's, or check that it is.

        Raises:
            SweepError: it is another sweep's, or cannot be written.
        """
        text = json.dumps(said, indent=2, sort_keys=True) + "\n"
        file = self.folder / _SAID
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                if self._chunks().exists() or (self.folder / RESULTS).exists():
                    _foreign(self.folder, "holds results without what they are of")
                _written(file, text.encode())
            elif (stood := file.read_text("utf-8")) != text:
                _foreign(file, _other(stood, said))
        except (OSError, UnicodeDecodeError) as error:
            raise _unwritten(self.folder, error) from error

    def done(self, index: int) -> bool:
        """Return whether chunk `index` is there."""
        return self._file(index).exists()

    def keep(self, index: int, table: Configurations, results: Floats) -> None:
        """Keep a chunk, whole and through a power cut, or not at all."""
        arrow = pyarrow()
        columns = {name: arrow.array(table[:, at]) for at, name in enumerate(NAMES)}
        columns |= {name: arrow.array(results[:, at]) for at, name in enumerate(COLUMNS)}
        sink = arrow.BufferOutputStream()
        arrow.parquet.write_table(arrow.table(columns), sink, compression="zstd")
        try:
            self._chunks().mkdir(exist_ok=True)
            _written(self._file(index), sink.getvalue().to_pybytes())
        except OSError as error:
            raise _unwritten(self.folder, error) from error

    def chunk(self, index: int) -> tuple[Configurations, Floats]:
        """Return what a chunk holds.

        Raises:
            SweepError: it is damaged.
        """
        arrow = pyarrow()
        try:
            found = arrow.parquet.read_table(self._file(index))
            columns = [found.column(name).to_numpy() for name in (*NAMES, *COLUMNS)]
        except (OSError, KeyError, arrow.ArrowException) as error:
            place, said = self._file(index), "is damaged; delete it and it is made again"
            raise SweepError(said, number=codes.FOREIGN, place=str(place)) from error
        own = len(NAMES)
        if not len(found):
            return np.empty((0, own), dtype=np.int64), np.empty((0, len(COLUMNS)))
        return np.stack(columns[:own], axis=1), np.stack(columns[own:], axis=1)

    def all(self, chunks: int) -> Iterator[tuple[Configurations, Floats]]:
        """Yield every chunk in order."""
        for index in range(chunks):
            yield self.chunk(index)

    def finish(self, chunks: int) -> Path:
        """Write all chunks as one parquet file for people, in whole units, and return it."""
        arrow = pyarrow()
        file = self.folder / RESULTS
        partial = file.with_name(f".{RESULTS}.tmp")
        writer = None
        try:
            for table, results in self.all(chunks):
                shown = _shown(arrow, table, results)
                if writer is None:
                    writer = arrow.parquet.ParquetWriter(partial, shown.schema, compression="zstd")
                writer.write_table(shown)
            assert writer is not None, "a sweep has a chunk"
            writer.close()
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(file)
        except OSError as error:
            raise _unwritten(self.folder, error) from error
        return file

    def _chunks(self) -> Path:
        return self.folder / "chunks"

    def _file(self, index: int) -> Path:
        return self._chunks() / f"{index:08d}.parquet"


def _shown(arrow: Any, table: Configurations, results: Floats) -> Any:
    columns = {name: arrow.array(table[:, at] / SCALES[name]) for at, name in enumerate(NAMES)}
    for at, name in enumerate(COLUMNS):
        column = results[:, at]
        columns[name] = arrow.array(column.astype(np.int64) if name in _INDEXES else column)
    return arrow.table(columns)


def _written(file: Path, raw: bytes) -> None:
    partial = file.with_name(f".{file.name}.tmp")
    with partial.open("wb") as opened:
        opened.write(raw)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(file)


def _other(stood: str, said: Mapping[str, Any]) -> str:
    """Return what of `said` is not what stood there, in words."""
    try:
        before = json.loads(stood)
    except ValueError:
        before = None
    if not isinstance(before, dict):
        return "is damaged: it does not tell any more what was swept"
    keys = sorted(each for each in {*before, *said} if before.get(each) != said.get(each))
    others = ", ".join(_CALLED.get(each, each) for each in keys)
    return f"tells of another sweep, with another {others}"


def _foreign(place: Path, said: str) -> NoReturn:
    raise SweepError(said, number=codes.FOREIGN, place=str(place), remedy="name another --out")


def _unwritten(folder: Path, error: Exception) -> SweepError:
    said = f"cannot be written: {getattr(error, 'strerror', None) or error}"
    remedy = "name a folder that can be written: --out"
    return SweepError(said, number=codes.NOT_WRITTEN, place=str(folder), remedy=remedy)
