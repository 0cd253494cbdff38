"""The configurations to try: what `--param` and a file of parameters say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from leverd.backtest.history.exact import Ints
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.configuration import NAMES, SCALES, typed
from leverd.errors import SweepError

NEEDED: Final = ("target", "band_low", "band_high", "fee", "threshold")
"""What nobody can guess; the others are zero where nothing is said: none of it."""

GRAMMAR: Final = "2.5, or 2,2.5,3, or 1.5:3.5:0.25, or 1.5:3.5, or log:0.0001:0.01:5"
VALUES_MAX: Final = 10_000
_PARTS: Final = 3
_LARGEST: Final = Decimal(2**62)


@dataclass(frozen=True, slots=True)
class Dimension:
    """What one parameter may be, whole numbers of its unit: some values, or all within bounds."""

    name: str
    values: tuple[int, ...] = ()
    low: int = 0
    high: int = 0
    log: bool = False

    @property
    def endless(self) -> bool:
        """Whether it is bounds, so that no grid can have all of it."""
        return not self.values

    def drawn(self, draw: np.random.Generator, count: int) -> Ints:
        """Return `count` of what it may be, each as likely; of a log range, each magnitude."""
        if self.values:
            return np.array(self.values, dtype=np.int64)[
                draw.integers(len(self.values), size=count)
            ]
        if self.log:
            logs = draw.uniform(math.log(self.low), math.log(self.high), count)
            return np.clip(np.rint(np.exp(logs)).astype(np.int64), self.low, self.high)
        return draw.integers(self.low, self.high + 1, size=count)

    def text(self) -> str:
        """Return it in the grammar, the same for the same."""
        if self.values:
            return ",".join(typed(self.name, each) for each in self.values)
        return f"{'log:' * self.log}{typed(self.name, self.low)}:{typed(self.name, self.high)}"


@dataclass(frozen=True, slots=True)
class Space:
    """One dimension a parameter, in the order of `NAMES`."""

    dimensions: tuple[Dimension, ...]

    def size(self) -> int:
        """Return how many points a grid of it has.

        Raises:
            SweepError: a dimension has no end of them.
        """
        endless = [each.name for each in self.dimensions if each.endless]
        if endless:
            raise SweepError(
                f"a grid needs steps: {', '.join(endless)} is a range without any",
                number=codes.GRAMMAR,
                remedy="add a step (1.5:3.5:0.25, or log:0.0001:0.01:5), or search at random",
            )
        return math.prod(len(each.values) for each in self.dimensions)

    def text(self) -> dict[str, str]:
        """Return what was said, the same for the same space."""
        return {each.name: each.text() for each in self.dimensions}


def space_of(said: Mapping[str, Any], place: str = "parameters") -> Space:
    """Return the space that texts (or lists, or numbers, as YAML gives them) by name describe.

    Raises:
        SweepError: a name is unknown or missing, or a text is none of the grammar's.
    """
    for name in said:
        if name not in NAMES:
            close = get_close_matches(str(name), NAMES, n=1)
            raise SweepError(
                f"{name!s:.40} is no parameter",
                number=codes.UNKNOWN,
                place=place,
                remedy=f"did you mean {close[0]}?" if close else f"they are {', '.join(NAMES)}",
            )
    missing = [name for name in NEEDED if name not in said]
    if missing:
        raise SweepError(
            f"nothing says {', '.join(missing)}",
            number=codes.MISSING,
            place=place,
            remedy=" ".join(f"--param {name}=..." for name in missing),
        )
    return Space(tuple(_dimension(name, said.get(name, 0), place) for name in NAMES))


def said_by(arguments: list[str], file: Path | None = None) -> dict[str, Any]:
    """Return texts by name from `--param name=text` arguments, over those of a YAML `file`.

    Raises:
        SweepError: an argument has no `=`, is there twice, or the file is no map.
    """
    said: dict[str, Any] = {} if file is None else _from_file(file)
    seen: set[str] = set()
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name in seen:
            why = "is there twice" if name in seen else "has no ="
            _refuse(f"--param {argument:.60}", why, "e.g. --param target=1.5:3.5:0.25")
        seen.add(name)
        said[name] = text
    return said


def _from_file(file: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 -- most sweeps name no file

    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        _refuse(str(file), f"cannot be read: {error.strerror}", "name another file")
    except (UnicodeDecodeError, yaml.YAMLError):
        _refuse(str(file), "is no YAML", "e.g. target: 1.5:3.5:0.25")
    if not isinstance(found, dict):
        _refuse(str(file), "is no map of parameters", "e.g. target: 1.5:3.5:0.25")
    return {str(name): text for name, text in found.items()}


def _dimension(name: str, said: Any, place: str) -> Dimension:
    place = f"{place}: {name}"
    if isinstance(said, list):
        return _listed(name, [str(each) for each in said], place)
    text = str(said).strip()
    if ":" not in text:
        return _listed(name, text.split(","), place)
    log = text.startswith("log:")
    parts = text.removeprefix("log:").split(":")
    if not _PARTS - 1 <= len(parts) <= _PARTS:
        _refuse(place, f"{text!r:.60} is no range", GRAMMAR)
    low, high = (_number(name, each, place) for each in parts[:2])
    if not (0 <= low < high and (low or not log)):
        _refuse(place, f"{text!r:.60} does not rise, or is below zero", GRAMMAR)
    if len(parts) < _PARTS:
        return Dimension(name, low=low, high=high, log=log)
    return Dimension(name, values=_stepped(name, low, high, parts[2], log=log, place=place))


def _stepped(
    name: str, low: int, high: int, step: str, *, log: bool, place: str
) -> tuple[int, ...]:
    if not log:
        size = _number(name, step, place)
        if size <= 0 or (high - low) // size >= VALUES_MAX:
            _refuse(place, f"a step of {step:.40} is none, or makes too many values", GRAMMAR)
        return tuple(range(low, high + 1, size))
    if not (step.isascii() and step.isdigit() and 2 <= int(step[:9]) <= VALUES_MAX):  # noqa: PLR2004 -- both ends
        _refuse(place, f"{step!r:.40} is no number of values from 2 to {VALUES_MAX}", GRAMMAR)
    logs = np.linspace(math.log(low), math.log(high), int(step))
    inner = [round(math.exp(each)) for each in logs.tolist()[1:-1]]
    return tuple(sorted({low, *inner, high}))


def _listed(name: str, texts: list[str], place: str) -> Dimension:
    values = [_number(name, each, place) for each in texts]
    if not values or len(values) > VALUES_MAX or len(set(values)) < len(values):
        _refuse(place, "is empty, too long, or says a value twice", GRAMMAR)
    if min(values) < 0:
        _refuse(place, "is below zero", GRAMMAR)
    return Dimension(name, values=tuple(sorted(values)))


def _number(name: str, text: str, place: str) -> int:
    """Return a decimal text as whole numbers of the parameter's unit, exactly."""
    try:
        exact = Decimal(text.strip()) * SCALES[name]
    except InvalidOperation:
        _refuse(place, f"{text.strip()!r:.40} is no number", GRAMMAR)
    if not exact.is_finite() or abs(exact) > _LARGEST:
        _refuse(place, f"{text.strip()!r:.40} is too large", GRAMMAR)
    whole = exact.to_integral_value(ROUND_HALF_EVEN)
    if whole != exact:
        unit = Decimal(1) / SCALES[name]
        _refuse(place, f"{text.strip():.40} is finer than {unit:f}, which it counts in", GRAMMAR)
    return int(whole)


def _refuse(place: str, said: str, remedy: str) -> NoReturn:
    raise SweepError(said, number=codes.GRAMMAR, place=place, remedy=remedy)
