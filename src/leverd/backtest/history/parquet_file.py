"""Rows of a parquet file, by pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.cells import Cells, ColumnError, Numbers, Stamps, Texts
from leverd.backtest.history.chunks import ROWS, Chunk, FileError, Filter, check_columns
from leverd.errors import DataError

_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Z", "+00:00"})


def pyarrow() -> Any:
    """Return the module.

    Raises:
        DataError: it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 -- an extra, loaded only when used
        import pyarrow.compute  # noqa: PLC0415 -- as above
        import pyarrow.parquet  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise DataError(
            "parquet needs pyarrow, which is not installed",
            number=codes.NO_LIBRARY,
            remedy="install leverd[data], or use CSV",
        ) from error
    return pa


def parquet_chunks(file: Path, columns: Sequence[str], where: Mapping[str, str]) -> Iterator[Chunk]:
    """Yield the rows of `file`; see `chunks_of`."""
    arrow = pyarrow()
    try:
        yield from _chunks(arrow, file, columns, where)
    except FileNotFoundError as error:
        raise FileError(codes.NO_FILE, "cannot be read: no such file") from error
    except (arrow.ArrowException, OSError) as error:
        said = (str(error).splitlines() or [""])[0][:120]
        raise FileError(codes.FOREIGN, f"no parquet, or damaged: {said!a}") from error


def _chunks(
    arrow: Any, file: Path, columns: Sequence[str], where: Mapping[str, str]
) -> Iterator[Chunk]:
    kept, before = Filter(where), 0
    with arrow.parquet.ParquetFile(file, memory_map=False, pre_buffer=False) as opened:
        wanted = list(dict.fromkeys((*columns, *where)))
        check_columns(list(opened.schema_arrow.names), wanted)
        for batch in opened.iter_batches(batch_size=ROWS, columns=wanted, use_threads=False):
            rows = np.arange(before + 1, before + 1 + batch.num_rows, dtype=np.int64)
            before += batch.num_rows
            if where:
                mask = _mask(arrow, batch, where, kept)
                rows, batch = rows[mask.to_numpy(zero_copy_only=False)], batch.filter(mask)  # noqa: PLW2901 -- the same rows, fewer
            kept.kept += batch.num_rows
            yield Chunk(rows, {name: _cells(arrow, name, batch.column(name)) for name in columns})
    kept.check()


def _mask(arrow: Any, batch: Any, where: Mapping[str, str], kept: Filter) -> Any:
    mask = None
    for name, value in where.items():
        texts = batch.column(name).cast(arrow.string())
        kept.saw(name, {each for each in arrow.compute.unique(texts).to_pylist() if each})
        same = arrow.compute.fill_null(arrow.compute.equal(texts, value), fill_value=False)
        mask = same if mask is None else arrow.compute.and_(mask, same)
    return mask


def _cells(arrow: Any, name: str, column: Any) -> Cells:
    """Return a column as what its type says it is."""
    kinds, kind = arrow.types, column.type
    if kinds.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    empty = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if kinds.is_timestamp(kind):
        if kind.tz is None:
            raise ColumnError(f"the times in {name} are naive: nobody knows their zone")
        if kind.tz not in _UTC:
            raise ColumnError(f"the times in {name} are in {kind.tz!a}; UTC is needed")
        counts = column.cast(arrow.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return Stamps(counts.astype(np.int64), _PER_SECOND[kind.unit], empty)
    if kinds.is_floating(kind):
        floats = column.cast(arrow.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        return Numbers(floats.astype(np.float64), empty)
    if kinds.is_signed_integer(kind) or (kinds.is_integer(kind) and kind.bit_width < 64):  # noqa: PLR2004 -- bits
        whole = column.cast(arrow.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return Numbers(whole.astype(np.int64), empty)
    if kinds.is_integer(kind) or kinds.is_decimal(kind) or _is_text(kinds, kind):
        texts = column.cast(arrow.string()).to_pylist()
        return Texts(tuple("" if each is None else each for each in texts))
    raise ColumnError(f"{name} is of type {kind}, which holds neither numbers, times nor text")


def _is_text(kinds: Any, kind: Any) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))
