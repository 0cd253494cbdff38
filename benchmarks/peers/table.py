"""The comparison as a table: medians of ratios taken run by run, written between two marks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.peers.task import Run

BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
OURS, BARE = "leverd", "bare integer loop"
HEAD = (
    "work",
    "engine",
    "runs",
    "bars a CPU second",
    "leverd is faster by",
    "peak memory",
    "leverd's share of it",
    "acts",
    "end apart",
)


@dataclass(frozen=True)
class Compared:
    """One work: rounds of runs, each round one after another in the same minutes."""

    work: str
    rounds: Sequence[Mapping[str, Run]]  # by engine; ours and the bare loop are in each


def run_of(text: str) -> Run:
    """Return the run that the last line of an engine's output tells.

    Raises:
        ValueError: it tells of none.
    """
    lines = text.strip().splitlines()
    if not lines:
        raise ValueError("it said nothing")
    try:
        return Run(**json.loads(lines[-1]))
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"no run is told by {lines[-1]!r}") from error


def rows(compared: Sequence[Compared]) -> list[str]:
    """Return the table, a line each: our speed and memory over every other engine's."""
    found = [
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
    ]
    for each in compared:
        found += [_row(each, engine) for engine in _engines(each)]
    return found


def written(page: Path, lines: Sequence[str]) -> None:
    """Put `lines` between the marks of `page`.

    Raises:
        ValueError: it has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    head, begun, rest = text.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    body = "\n".join(lines)
    page.write_text(f"{head}{BEGIN}\n{body}\n{END}{tail}", encoding="utf-8")


def _engines(compared: Compared) -> list[str]:
    """Return every engine that ran, in the order in which they were first seen."""
    return list(dict.fromkeys(engine for each in compared.rounds for engine in each))


def _row(compared: Compared, engine: str) -> str:
    both = [each for each in compared.rounds if engine in each]
    runs = [each[engine] for each in both]
    speed = median(run.bars / run.seconds for run in runs)
    memory = median(run.peak_mb for run in runs)
    imports = median(run.imports_mb for run in runs)
    faster = median(each[engine].seconds / each[OURS].seconds for each in both)
    lighter = median(each[OURS].peak_mb / each[engine].peak_mb for each in both)
    apart = max(abs(each[engine].equity / each[BARE].equity - 1) for each in both)
    cells = (
        compared.work,
        engine,
        str(len(runs)),
        f"{speed:,.0f}",
        "" if engine == OURS else _figures(faster),
        f"{memory:,.0f} MB, {imports:,.0f} of it imports",
        "" if engine == OURS else _figures(lighter),
        "/".join(sorted({str(run.acts) for run in runs})),
        f"{apart:.0e}" if apart else "0",
    )
    return f"| {' | '.join(cells)} |"


def _figures(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2f}"
