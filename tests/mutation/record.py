"""What became of the mutants of each room, kept in var/mutation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.mutation import sample
from tests.mutation.hunt import Result
from tests.mutation.trial import Fate

FOLDER: Final = Path(__file__).parents[2] / "var" / "mutation"
Keep = Callable[[Result], None]


@contextmanager
def opened(room: str, every: int, seed: int, *, goes_on: bool) -> Iterator[Keep]:
    """Give what keeps a result; one that goes on adds to what others found."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = _file(room)
    if not goes_on or not file.exists():
        file.write_text(json.dumps({"every": every, "seed": seed}) + "\n", encoding="utf-8")
    with file.open("a", encoding="utf-8") as out:

        def keep(result: Result) -> None:
            line = {
                "mutant": str(result.mutant),
                "fate": result.fate,
                "killer": result.killer,
                "reaching": result.reaching,
            }
            out.write(json.dumps(line) + "\n")
            out.flush()

        yield keep


def survivors(room: str) -> frozenset[str]:
    """Return the mutants of a room that survived when they were last tried."""
    if not _file(room).exists():
        return frozenset()
    _, fates = _read(room)
    return frozenset(name for name, fate in fates.items() if fate == Fate.SURVIVED)


def tried(room: str) -> frozenset[str]:
    """Return the mutants of a room whose fate is known."""
    return frozenset(_read(room)[1]) if _file(room).exists() else frozenset()


def figures(room: str) -> dict[str, Any]:
    """Return how many mutants of a room there are, were tried, and what became of them."""
    head, fates = _read(room)
    count = Counter(fates.values())
    dead = count[Fate.KILLED] + count[Fate.TIMED_OUT]
    low, high = sample.interval(dead, len(fates), head["every"])
    return {
        "room": room,
        "every": head["every"],
        "mutants": len(fates),
        "killed": count[Fate.KILLED],
        "timed_out": count[Fate.TIMED_OUT],
        "survived": count[Fate.SURVIVED],
        "score": f"{100 * dead / len(fates):.1f}",
        "interval": f"{100 * low:.1f} to {100 * high:.1f}",
        "seed": head["seed"],
    }


def summary(room: str) -> str:
    """Return the same as a line."""
    return ", ".join(f"{name} {value}" for name, value in figures(room).items())


def _read(room: str) -> tuple[dict[str, Any], dict[str, str]]:
    head, *lines = map(json.loads, _file(room).read_text(encoding="utf-8").splitlines())
    return head, {line["mutant"]: line["fate"] for line in lines}


def _file(room: str) -> Path:
    return FOLDER / f"{room}.jsonl"
