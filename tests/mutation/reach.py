"""Which tests run which lines of a room, and how long each takes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from coverage import Coverage
from tests.mutation.mutants import SOURCE, Mutant

AT_IMPORT: Final = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one run of the suites, unspoilt, told."""

    tests: Mapping[str, Mapping[int, Sequence[str]]]  # by file and line
    took: Mapping[str, float]  # processor seconds, by test

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the statement of `mutant`, the fastest first.

        For what acts at import these are the tests that run anything else of its file, and
        those whose own file names its module.
        """
        found = self._running(mutant)
        if self.acts_at_import(mutant):
            lines = self.tests.get(mutant.path, {}).values()
            found = {test for tests in lines for test in tests} | set(self._naming(mutant))
        return self.fastest(found - {AT_IMPORT})

    def acts_at_import(self, mutant: Mutant) -> bool:
        """Return whether the statement of `mutant` runs only when its module is imported."""
        return mutant.owner is None or self._running(mutant) == {AT_IMPORT}

    def _naming(self, mutant: Mutant) -> Iterator[str]:
        package, _, name = mutant.module.rpartition(".")
        words = re.compile(rf"{package}\b.*\b{name}\b")
        for test in self.took:
            if words.search(_text_of(test.partition("::")[0])):
                yield test

    def _running(self, mutant: Mutant) -> set[str]:
        lines = self.tests.get(mutant.path, {})
        first, last = mutant.lines
        return {test for line in range(first, last + 1) for test in lines.get(line, ())}

    def within(self, tests: Sequence[str], most_s: float) -> list[str]:
        """Return the first of `tests` that take at most `most_s` together."""
        ends = accumulate(self.took[test] for test in tests)
        return [test for test, end in zip(tests, ends, strict=True) if end <= most_s]

    def only(self, tests: Iterable[str]) -> Reach:
        """Return the part of this that is about `tests`."""
        kept = {test: self.took[test] for test in tests}
        chosen = {*kept, AT_IMPORT}
        lines = {
            file: {
                line: [test for test in reaching if test in chosen]
                for line, reaching in lines.items()
            }
            for file, lines in self.tests.items()
        }
        return Reach(lines, kept)

    def plus(self, other: Reach) -> Reach:
        """Return both together."""
        lines = {file: dict(own) for file, own in self.tests.items()}
        for file, own in other.tests.items():
            into = lines.setdefault(file, {})
            for line, reaching in own.items():
                into[line] = sorted({*into.get(line, ()), *reaching})
        return Reach(lines, {**self.took, **other.took})

    def fastest(self, tests: Iterable[str]) -> list[str]:
        """Return `tests`, the fastest first."""
        return sorted(tests, key=lambda test: (self.took[test], test))


@cache
def _text_of(file: str) -> str:
    return (SOURCE.parents[1] / file).read_text(encoding="utf-8")


def watch(rooms: Sequence[str]) -> Coverage:
    """Return what notes, from now on, the lines of `rooms` that run; contexts are switched."""
    coverage = Coverage(
        data_file=None, include=[str(SOURCE / room / "*") for room in rooms], config_file=False
    )
    coverage.start()
    return coverage


def lines_of(coverage: Coverage) -> dict[str, dict[int, list[str]]]:
    """Return the contexts that ran each line of each file."""
    data = coverage.get_data()
    found: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for file in data.measured_files():
        found[file] = dict(data.contexts_by_lineno(file))
    return dict(found)
