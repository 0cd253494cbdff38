"""What the last run learned of tests, as far as it still holds: only the rest is run anew."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.mutation.mutants import SOURCE
from tests.mutation.reach import Reach

TESTS: Final = SOURCE.parents[1] / "tests"


@dataclass(frozen=True, slots=True)
class Memory:
    """What tests reached, and the digests of what they were."""

    reach: Reach
    source: str  # of the package and all that tests share
    files: dict[str, str]  # by file of tests


def recall(file: Path) -> Reach:
    """Return the reach of every test that is as it was, in a package that is as it was."""
    if not file.exists():
        return Reach({}, {})
    memory: Memory = pickle.loads(file.read_bytes())  # our own, of the last run
    if memory.source != _source():
        return Reach({}, {})
    same = {name for name, digest in _files().items() if memory.files.get(name) == digest}
    return memory.reach.only(test for test in memory.reach.took if test.partition("::")[0] in same)


def remember(file: Path, reach: Reach) -> None:
    """Keep `reach` for the next run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(Memory(reach, _source(), _files())))


def _source() -> str:
    shared = [each for each in TESTS.rglob("*.py") if not each.name.startswith("test_")]
    return _digest([*SOURCE.rglob("*.py"), *shared])


def _files() -> dict[str, str]:
    root = TESTS.parent
    return {str(each.relative_to(root)): _digest([each]) for each in TESTS.rglob("test_*.py")}


def _digest(files: Iterable[Path]) -> str:
    return sha256(b"".join(each.read_bytes() for each in sorted(files))).hexdigest()
