"""Which tests run which lines of a room, and how long each takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

        For what acts at import these are the tests that run anything else of its file.
        """
        lines = self.tests.get(mutant.path, {})
        first, last = mutant.lines
        found = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        if mutant.owner is None or AT_IMPORT in found:
            found = {test for tests in lines.values() for test in tests}
        return self.fastest(found - {AT_IMPORT})

    def fastest(self, tests: Iterable[str]) -> list[str]:
        """Return `tests`, the fastest first."""
        return sorted(tests, key=lambda test: (self.took[test], test))


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
