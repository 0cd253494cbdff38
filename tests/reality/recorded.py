"""Recorded numbers as they were written down: whole numbers of a chain, kept as decimals.

A file keeps a chain's integer as a float64, with 15 to 17 digits. What was recorded is then not
one integer but all those that would have been written the same way. Ours must be among them: no
tolerance is chosen, it is what the record itself leaves open.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Span:
    """All integers that a recorded number may stand for, both ends included."""

    low: int
    high: int

    def meets(self, other: Span) -> bool:
        return self.low <= other.high and other.low <= self.high

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2


def span(value: float, unit: int, *, ulps: Fraction = HALF, decimals: int | None = None) -> Span:
    """Return what `value` whole tokens (or ones) may be in units of 1 / `unit`.

    `ulps` is how many steps of a float64 the value may be off: half of one where it was rounded
    once. `decimals` is after how many decimals it was cut, where that took more away.
    """
    exact = Fraction(value) * unit
    slack = Fraction(math.ulp(value)) * unit * ulps
    if decimals is not None:
        slack = max(slack, Fraction(unit, 10**decimals))
    return Span(math.ceil(exact - slack), math.floor(exact + slack))


def configuration(name: str) -> dict[str, Any]:
    """Return the parameters of a market's reserves that were gathered under `name`."""
    file = recorded_file("vectors/aave_reserve_configs.json")
    return dict(json.loads(file.read_text("utf-8"))[name])


def recorded_file(name: str) -> Path:
    """Return where a file of recorded data is, or skip the test where there is none."""
    file = Path(os.environ.get("LEVERD_DATA", "")) / name
    if not file.is_file():
        pytest.skip(f"LEVERD_DATA names no folder with {name}")
    return file


@cache
def rows(name: str, **where: str) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a recorded table, or skip the test where there is none."""
    file = recorded_file(name)
    filters = [(column, "=", value) for column, value in where.items()]
    table = parquet.read_table(file, filters=filters or None)
    return tuple(table.to_pylist())


def neighbours(
    table: Sequence[Mapping[str, Any]], key: str, order: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each row with the one that follows it in `order`, among those of the same `key`."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in table:
        groups.setdefault(row[key], []).append(row)
    for group in groups.values():
        group.sort(key=lambda row: row[order])
        yield from pairwise(group)
