"""A description in; a history, what it was made of, and what is worth knowing out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TypeAlias

import numpy as np

from leverd.backtest.history import codes
from leverd.backtest.history.description import (
    AnySeries,
    BarsSource,
    Description,
    key_of,
    read_description,
)
from leverd.backtest.history.exact import Ints
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey, SeriesKey
from leverd.backtest.history.manifest import (
    Manifest,
    SourceRecord,
    changed,
    kept_hashes,
    manifest_path,
    sha256_of,
    stamp_of,
    touched,
)
from leverd.backtest.history.price_rows import PriceRows, read_prices
from leverd.backtest.history.problems import DataProblem, Findings, MalformedDataError
from leverd.backtest.history.rows import Window
from leverd.backtest.history.times import LATEST
from leverd.backtest.history.value_rows import ValueRows, held_until, read_values
from leverd.backtest.history.words import moment
from leverd.settings.problems import Place

Part: TypeAlias = PriceRows | ValueRows


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A history, and everything that was found while it was read."""

    history: History
    manifest: Manifest
    parts: Mapping[str, Part]  # by the source's name
    cut: Mapping[str, int]  # bars of each that another asset does not have
    warnings: tuple[DataProblem, ...]


def load_history(file: Path, *, verify: bool = True) -> Loaded:
    """Return the history that the description `file` tells of.

    Where a manifest stands beside it, each file must be the one it names, unless `verify` is off.

    Raises:
        DataError: the description is not there, or the history cannot be made of it.
        MalformedError: the description is malformed; every problem with its line.
        MalformedDataError: the data are; every problem with its line.
    """
    described = read_description(file)
    problems, warnings = _twice(described, file), list[DataProblem]()
    paths = {name: _path(file, source.file) for name, source in described.sources.items()}
    stamps = {path: stamp_of(path) for path in paths.values()}
    hashes = {path: sha256_of(path) for path in stamps}
    if verify:
        now = {name: (str(path), hashes[path]) for name, path in paths.items()}
        problems += changed(kept_hashes(manifest_path(file)), now, file)
    parts: dict[str, Part] = {}
    uses = Counter(paths.values())
    for name, source in described.sources.items():
        findings = _findings(paths[name], name, uses)
        part = _read(paths[name], source, described, findings)
        problems += findings.problems()
        warnings += findings.warnings()
        if part is not None:
            parts[name] = part
    problems += touched(stamps, paths)
    if problems:
        raise MalformedDataError(problems)
    history, cut = _joined(described, parts, file)
    ends = {name: _findings(path, name, uses) for name, path in paths.items()}
    parts = _held(described, parts, history.until, ends)
    problems = [each for findings in ends.values() for each in findings.problems()]
    if problems:
        raise MalformedDataError(problems)
    warnings += [each for findings in ends.values() for each in findings.warnings()]
    warnings += _late(described, history, parts, paths)
    records = {
        name: _record(source, parts[name], hashes[paths[name]])
        for name, source in described.sources.items()
    }
    manifest = Manifest(
        history.digest(), history.bar_s, len(history), history.since, history.until, records
    )
    return Loaded(history, manifest, parts, cut, tuple(warnings))


def _findings(path: Path, name: str, uses: Counter[Path]) -> Findings:
    return Findings(str(path), name, shared=uses[path] > 1)


def _path(description: Path, file: str) -> Path:
    return description.parent / file


def _read(
    path: Path, source: BarsSource | AnySeries, described: Description, findings: Findings
) -> Part | None:
    """Return what `source` tells.

    Series are read from their beginning: what holds when the first bar opens is older than it.
    """
    until = described.until if described.until is not None else LATEST
    if isinstance(source, BarsSource):
        window = Window(described.since or 0, until)
        return read_prices(path, source, described.bar, window, findings)
    return read_values(path, source, Window(0, until), findings)


def _twice(described: Description, file: Path) -> list[DataProblem]:
    first: dict[BarsKey | SeriesKey, str] = {}
    problems = []
    for name, source in described.sources.items():
        key = source.key if isinstance(source, BarsSource) else key_of(source)
        if key in first:
            said = f"tells of {key}, as source {first[key]} does"
            problems.append(
                DataProblem(codes.TWICE, f"{name} {said}", Place(str(file)), ("sources", name))
            )
        first.setdefault(key, name)
    if not any(isinstance(key, BarsKey) for key in first):
        said = "no source is of kind bars: a history is counted in bars"
        problems.append(DataProblem(codes.EMPTY, said, Place(str(file))))
    return problems


def _joined(
    described: Description, parts: Mapping[str, Part], file: Path
) -> tuple[History, dict[str, int]]:
    """Return the history of the bars that all assets have, and how many of each are left out."""
    prices = {name: part for name, part in parts.items() if isinstance(part, PriceRows)}
    ts: Ints = reduce(np.intersect1d, (part.ts for part in prices.values()))
    if not len(ts):
        said = "no bar is there that all assets have"
        raise MalformedDataError([DataProblem(codes.DISJOINT, said, Place(str(file)))])
    bars, series = {}, {}
    for name, source in described.sources.items():
        part = parts[name]
        if isinstance(part, PriceRows):
            assert isinstance(source, BarsSource), "only bars are read as prices"
            bars[source.key] = _common(part, ts)
        else:
            series[part.series.key] = part.series.between(int(ts[0]), int(ts[-1]) + described.bar)
    cut = {name: len(part.ts) - len(ts) for name, part in prices.items()}
    return History(described.bar, ts, bars, series), cut


def _common(part: PriceRows, ts: Ints) -> Bars:
    if len(part.ts) == len(ts):
        return part.bars
    at = np.searchsorted(part.ts, ts)
    return Bars(*(array[at] for array in part.bars.arrays()))


def _held(
    described: Description, parts: Mapping[str, Part], until: int, ends: Mapping[str, Findings]
) -> dict[str, Part]:
    """Return `parts`, each last value held until `until`; what is held too long goes to `ends`."""
    held = dict(parts)
    for name, source in described.sources.items():
        part = parts[name]
        if isinstance(part, ValueRows):
            assert not isinstance(source, BarsSource), "bars are read as prices"
            held[name] = held_until(part, source, until, ends[name])
    return held


def _late(
    described: Description, history: History, parts: Mapping[str, Part], paths: Mapping[str, Path]
) -> list[DataProblem]:
    """Return a warning for each series of which nothing is known when the first bar opens."""
    warnings = []
    for name in described.sources:
        part = parts[name]
        if isinstance(part, ValueRows) and part.series.ts[0] > history.since:
            known, needed = moment(int(part.series.ts[0])), moment(history.since)
            said = f"nothing is known of {part.series.key} before {known}; bars begin at {needed}"
            place, path = Place(str(paths[name])), ("sources", name)
            warnings.append(DataProblem(codes.LATE, said, place, path))
    return warnings


def _record(source: BarsSource | AnySeries, part: Part, sha256: str) -> SourceRecord:
    ts = part.ts if isinstance(part, PriceRows) else part.series.ts
    missing = sum(gap.bars for gap in part.gaps)
    filled = part.held if isinstance(part, PriceRows) else len(part.gaps)
    return SourceRecord(
        file=source.file,
        sha256=sha256,
        rows=part.rows,
        since=int(ts[0]),
        until=int(ts[-1]),
        columns=source.columns,
        gaps=len(part.gaps),
        held=filled,
        dropped=missing if source.fill == "drop" else 0,
        described=source.model_dump(mode="json"),
    )
