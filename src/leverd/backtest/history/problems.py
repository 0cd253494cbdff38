"""What is wrong with recorded history: all of it at once, each with its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leverd.errors import DataError
from leverd.settings.problems import Path, Place

NAMED_MAX: Final = 50
"""How many problems of one kind and source are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One thing to correct, or to know: see `codes`."""

    number: int
    message: str
    place: Place  # a file's line: of a CSV its header is 1; of parquet, row 1 is
    path: Path = ()  # of the source in the description
    remedy: str = ""
    stands_for: int = 1  # how many this one tells of

    @property
    def code(self) -> str:
        """The stable code."""
        return f"{DataError.family}-{self.number:03d}"

    def __str__(self) -> str:
        remedy = f" {self.remedy}" if self.remedy else ""
        end = "" if self.message.endswith("?") else "."
        return f"{self.place}: {self.message}{end}{remedy}"


class MalformedDataError(DataError):
    """Every problem found in recorded history; nothing of it was used."""

    def __init__(self, problems: Sequence[DataProblem]) -> None:
        self.problems = tuple(problems)
        count = sum(problem.stands_for for problem in self.problems)
        title = f"{count} problem{'s' * (count != 1)} in the data"
        lines = "\n".join(f"  {problem.code} {problem}" for problem in self.problems)
        super().__init__(f"{title}\n{lines}".rstrip("."), number=self.problems[0].number)


class Findings:
    """Collects what is wrong with one source, and what is only worth knowing."""

    def __init__(self, file: str, name: str, *, shared: bool = False) -> None:
        self._file = file
        self._name = name
        self._said_of = f"source {name}: " if shared else ""  # the file alone tells too little
        self._seen: Counter[int] = Counter()
        self._problems: list[DataProblem] = []
        self._warnings: list[DataProblem] = []

    def is_refused(self) -> bool:
        """Whether anything found forbids to use the source."""
        return bool(self._problems)

    def refuse(self, number: int, message: str, *, line: int = 0, remedy: str = "") -> None:
        """Note what forbids to use the source."""
        self._note(self._problems, number, message, line, remedy)

    def warn(self, number: int, message: str, *, line: int = 0, remedy: str = "") -> None:
        """Note what its owner should know."""
        self._note(self._warnings, number, message, line, remedy)

    def judge(self, said: str, number: int, message: str, *, line: int, remedy: str = "") -> None:
        """Note what forbids to use the source if its description says `refuse` of such."""
        self._note(
            self._problems if said == "refuse" else self._warnings, number, message, line, remedy
        )

    def sum_up(self, number: int, message: str, *, remedy: str = "") -> None:
        """Note what forbids to use the source, of all its lines together."""
        place, path = Place(self._file), ("sources", self._name)
        said = f"{self._said_of}{message}"
        self._problems.append(DataProblem(number, said, place, path, remedy))

    def refuse_each(self, number: int, lines: Iterable[int], message: str) -> None:
        """Note the same of several lines."""
        for line in lines:
            self.refuse(number, message, line=line)

    def problems(self) -> tuple[DataProblem, ...]:
        """Return what forbids to use it, by line."""
        return self._told(self._problems)

    def warnings(self) -> tuple[DataProblem, ...]:
        """Return what else was found, by line."""
        return self._told(self._warnings)

    def _note(
        self, to: list[DataProblem], number: int, message: str, line: int, remedy: str
    ) -> None:
        self._seen[number] += 1
        if self._seen[number] <= NAMED_MAX:
            place = Place(self._file, line)
            said = f"{self._said_of}{message}"
            to.append(DataProblem(number, said, place, ("sources", self._name), remedy))

    def _told(self, found: list[DataProblem]) -> tuple[DataProblem, ...]:
        told = sorted(found, key=lambda each: each.place.line)
        for number, count in sorted(self._seen.items()):
            if count > NAMED_MAX and any(each.number == number for each in found):
                more = count - NAMED_MAX
                message = f"{self._said_of}{more:,} more of the same kind are not named"
                place, path = Place(self._file), ("sources", self._name)
                told.append(DataProblem(number, message, place, path, stands_for=more))
        return tuple(told)
