"""One column of a few thousand rows, as a file holds it, and the numbers it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leverd.backtest.history.exact import (
    INT64_MAX,
    WIDE_MAX,
    Floats,
    Ints,
    scaled,
    scaled_text,
    widened,
)

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_ONLY_DIGITS: Final = re.compile(r"[0-9.eE+-]*", re.ASCII)
_CHARS_MAX: Final = 100
_SHOWN_MAX: Final = 40


class ColumnError(ValueError):
    """A whole column is of another type than it should be; it never leaves this package."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Cells of text."""

    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def shown(self, index: int) -> str:
        """Return a cell as a message may show it."""
        text = self.values[index]
        cut = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
        return ascii(cut) if text else "an empty cell"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells that a file types as whole numbers or floats; `empty` marks those without one."""

    values: NDArray[np.int64] | NDArray[np.float64]
    empty: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def shown(self, index: int) -> str:
        """Return a cell as a message may show it."""
        return "an empty cell" if self.empty[index] else str(self.values[index])


@dataclass(frozen=True, slots=True)
class Stamps:
    """Cells that a file types as instants, counted from 1970 in UTC."""

    values: Ints
    per_second: int
    empty: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def shown(self, index: int) -> str:
        """Return a cell as a message may show it."""
        return "an empty cell" if self.empty[index] else str(self.values[index])


Cells: TypeAlias = Texts | Numbers | Stamps


@dataclass(frozen=True, slots=True)
class Read:
    """What a column means, and which cells mean nothing: index to the reason."""

    values: NDArray[np.int64] | NDArray[np.float64]
    wrong: dict[int, str] = field(default_factory=dict)


def as_scaled(cells: Cells, digits: int) -> Read:
    """Return numbers times `10 ** digits` as int64; what `exact.scaled` says of rounding holds."""
    floats, wrong = _floats(cells)
    if isinstance(cells, Numbers) and cells.values.dtype.kind == "i":
        limit = INT64_MAX // 10**digits
        fits = (cells.values <= limit) & (cells.values >= -limit)
        values = np.where(fits, cells.values, 0) * 10**digits
        unfit = np.flatnonzero(~fits & ~cells.empty).tolist()
    else:
        values, unfit = scaled(floats, digits, text_of(cells))
    for index in unfit:
        largest = INT64_MAX // 10**digits
        wrong.setdefault(index, f"{cells.shown(index)} does not fit: at most {largest}")
    return Read(values, wrong)


def as_wide(cells: Cells, digits: int) -> Read:
    """Return numbers from 0 on times `10 ** digits`, as pairs (see `exact.Wide`)."""
    _, wrong = _floats(cells)
    text = text_of(cells)
    whole: list[int] = []
    for index in range(len(cells)):
        found = None if index in wrong else scaled_text(text(index), digits)
        if found is None or not 0 <= found <= WIDE_MAX:
            wrong.setdefault(index, f"{cells.shown(index)} does not fit")
            found = 0
        whole.append(found)
    return Read(widened(whole), wrong)


def as_floats(cells: Cells, places: int = 0) -> Read:
    """Return numbers over `10 ** places`, each the float nearest to the decimal of its cell."""
    floats, wrong = _floats(cells)
    if places:
        text = text_of(cells)
        for index in range(len(cells)):
            if index not in wrong:
                floats[index] = _shifted(text(index), places)
    return Read(floats, wrong)


def text_of(cells: Cells) -> Callable[[int], str]:
    """Return what tells the decimal text of a cell."""
    if isinstance(cells, Texts):
        return cells.values.__getitem__
    values = cells.values
    if values.dtype.kind == "f":
        return lambda index: repr(float(values[index]))
    return lambda index: str(int(values[index]))


def _shifted(text: str, places: int) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) - places}")


def _floats(cells: Cells) -> tuple[Floats, dict[int, str]]:
    """Return each cell as the nearest float, 0 for what is no number, and the reasons."""
    if isinstance(cells, Texts):
        return _floats_of_text(cells)
    if isinstance(cells, Stamps):
        raise ColumnError("the column is typed as times, not as numbers")
    wrong: dict[int, str] = {}
    floats = cells.values.astype(np.float64)
    bad = cells.empty | ~np.isfinite(floats)
    for index in np.flatnonzero(bad).tolist():
        wrong[index] = f"{cells.shown(index)} is no number"
    return np.where(bad, 0.0, floats), wrong


def _floats_of_text(cells: Texts) -> tuple[Floats, dict[int, str]]:
    texts: Sequence[str] = cells.values
    floats = _parsed(texts)
    if floats is not None:
        return floats, {}
    wrong: dict[int, str] = {}
    for index, text in enumerate(texts):
        good = len(text) <= _CHARS_MAX and _NUMBER.fullmatch(text) is not None
        if not good:
            wrong[index] = f"{cells.shown(index)} is no number"
        elif not isfinite(float(text)):
            wrong[index] = f"{cells.shown(index)} does not fit"
    floats = _parsed(["0" if index in wrong else text for index, text in enumerate(texts)])
    assert floats is not None, "what is left are numbers"
    return floats, wrong


def _parsed(texts: Sequence[str]) -> Floats | None:
    """Return all of `texts` as floats, None if any is not plainly a number."""
    if max(map(len, texts), default=0) > _CHARS_MAX or not _ONLY_DIGITS.fullmatch("".join(texts)):
        return None
    try:
        floats = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        return None
    return floats if np.isfinite(floats).all() else None
