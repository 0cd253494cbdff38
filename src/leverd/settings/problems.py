"""What is wrong with a settings file: all of it, each with file, line and nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from leverd.errors import SettingsError

Path: TypeAlias = tuple[str | int, ...]
"""Where a value is: keys and list indexes from the root."""

UNKNOWN: Final = 2
MISSING: Final = 3
INVALID: Final = 4
SECRET: Final = 5
SYNTAX: Final = 6
OVERRIDE: Final = 7
CONTRADICTION: Final = 8
NO_FILE: Final = 9
DUPLICATE: Final = 10


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, or a variable of the environment (line 0)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct."""

    number: int  # of the stable code LVD-CFG-...
    path: Path
    message: str
    place: Place = Place("settings")
    remedy: str = ""

    @property
    def code(self) -> str:
        """The stable code."""
        return f"{SettingsError.family}-{self.number:03d}"

    def __str__(self) -> str:
        remedy = f" {self.remedy}" if self.remedy else ""
        where = f"{dotted(self.path)}: " if self.path else ""
        return f"{self.place}: {where}{self.message}.{remedy}"


class MalformedError(SettingsError):
    """Every problem found in `what`, one file or several; nothing was started."""

    def __init__(self, problems: Sequence[Problem], what: str = "the settings") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        title = f"{count} problem{'s' * (count != 1)} in {what}"
        lines = "\n".join(f"  {problem.code} {problem}" for problem in self.problems)
        super().__init__(f"{title}\n{lines}".rstrip("."), number=self.problems[0].number)


def dotted(path: Path) -> str:
    """Return `path` as people write it: `positions.eth-loop.agents`."""
    return ".".join(str(part) for part in path)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the known word closest to `name`, or all of a few."""
    words = sorted(known)
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.6)
    if not close:
        lowered = {word.lower(): word for word in words}
        close = [lowered[found] for found in difflib.get_close_matches(name.lower(), lowered, n=1)]
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known here: {', '.join(words)}." if words else "Nothing can be named here."
