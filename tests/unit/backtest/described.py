"""Files of recorded history, as tests write them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from leverd.backtest.history import Loaded, MalformedDataError, load_history

HOUR = 3_600
START = 1_700_002_800  # 2023-11-14T23:00:00Z
CALM = ("100", "104", "96", "103")


def bar_rows(count: int, *, skip: tuple[int, ...] = ()) -> list[list[str]]:
    """Return the header and `count` hours, without those whose number is in `skip`."""
    rows = [[str(START + i * HOUR), *CALM] for i in range(count) if i not in skip]
    return [["ts", "open", "high", "low", "close"], *rows]


def write_csv(file: Path, rows: list[list[str]]) -> Path:
    file.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    return file


def bars_source(file: str = "bars.csv", **said: object) -> dict[str, object]:
    base = {"kind": "bars", "venue": "x", "asset": "ETH", "file": file, "time_format": "unix_s"}
    return {**base, **said}


def series_source(kind: str, **said: object) -> dict[str, object]:
    base: dict[str, object] = {
        "kind": kind,
        "venue": "aave",
        "file": "series.csv",
        "time_format": "unix_s",
        "value": "value",
    }
    if kind != "gas":
        base["asset"] = "USDC"
    return {**base, **said}


def describe(folder: Path, bar: str = "1h", **sources: dict[str, object]) -> Path:
    """Write the description of `sources`; a source `since` or `until` is of the whole."""
    file = folder / "history.yaml"
    whole: dict[str, object] = {"bar": bar, "sources": sources}
    file.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return file


def loaded(folder: Path, rows: list[list[str]], **said: object) -> Loaded:
    """Return what `rows` of bars load as."""
    write_csv(folder / "bars.csv", rows)
    return load_history(describe(folder, price=bars_source() | said))


def refused(folder: Path, rows: list[list[str]], **said: object) -> list[tuple[int, int]]:
    """Return (number, line) of every problem that `rows` of bars are refused for."""
    with pytest.raises(MalformedDataError) as caught:
        loaded(folder, rows, **said)
    return [(each.number, each.place.line) for each in caught.value.problems]


def loaded_series(
    folder: Path, rows: list[list[str]], source: dict[str, object], *, bars: int = 3
) -> Loaded:
    """Return what `rows` of one series load as, beside three bars."""
    write_csv(folder / "bars.csv", bar_rows(bars))
    write_csv(folder / "series.csv", rows)
    return load_history(describe(folder, price=bars_source(), series=source))


def refused_series(
    folder: Path, rows: list[list[str]], source: dict[str, object]
) -> list[tuple[int, int]]:
    """Return (number, line) of every problem that `rows` of a series are refused for."""
    with pytest.raises(MalformedDataError) as caught:
        loaded_series(folder, rows, source)
    return [(each.number, each.place.line) for each in caught.value.problems]
