"""Tables of docs/proofs.md: hostile input, what has no table of its own, and what was not run."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

Line: TypeAlias = Mapping[str, str]

DEPLOYED: Final = ("as a service", "in containers")
ELSEWHERE: Final = ("ride:", "kills", "schedules", "planted", "mutation", "soak:", *DEPLOYED)
"""Beginnings of tallies that have a section of their own."""

_HOSTILE: Final = ("spoilt files", "hostile plans", "strangers", "planted key")
_PROVE: Final = re.compile(r"mark\.(?:prove|told)\b")


SOAKED: Final = {
    "turns": "turns",
    "lives": "processes, one after the other on one journal",
    "days": "days of chain time",
    "plans": "plans carried out",
    "slopes": "growth of each process, bytes a turn",
    "slope": "growth, bytes a turn",
    "mib_a_year": "the steepest, in MiB a year of one-minute turns",
    "objects": "objects never released, a turn",
    "rss_mib": "resident memory, MiB",
    "handles": "open handles, fewest and most",
    "threads": "threads, fewest and most",
    "tasks": "tasks, fewest and most",
    "log_a_turn": "log, bytes a turn",
    "logs": "all log files, bytes at most",
    "journal": "journal, bytes at the end",
    "journal_a_day": "journal, bytes a day beside plans",
    "journal_a_plan": "journal, bytes a plan",
    "pruned": "journal pruned to 30 days, bytes",
    "turns_a_second": "turns a second, on a machine with other work",
    "seconds": "seconds it took",
}


def hostile(tally: Sequence[Line]) -> list[str]:
    """Return what was tried with hostile input, how often, and what came of it."""
    return [
        *_spoilt([line for line in tally if line["proof"] == "spoilt files"]),
        "",
        *_plans([line for line in tally if line["proof"] == "hostile plans"]),
        "",
        *_strangers([line for line in tally if line["proof"] == "strangers"]),
        "",
        *_planted_key([line for line in tally if line["proof"] == "planted key"]),
    ]


def others(tally: Sequence[Line]) -> list[str]:
    """Return a table for each kind of tally that no other section tells of."""
    kinds: dict[str, list[Line]] = defaultdict(list)
    for line in tally:
        if not line["proof"].startswith((*ELSEWHERE, *_HOSTILE)):
            kinds[line["proof"]].append(line)
    rows = []
    for kind, lines in sorted(kinds.items()):
        columns = list(dict.fromkeys(name for line in lines for name in line if name != "proof"))
        rows += [f"### {kind[:1].upper()}{kind[1:]}", "", *_head(columns)]
        rows += [_row([line.get(name, "") for name in columns]) for line in lines]
        rows.append("")
    return rows or ["Nothing else was counted."]


def soaks(tally: Sequence[Line]) -> list[str]:
    """Return what each soak measured, a row for each figure."""
    lines = [line for line in tally if line["proof"].startswith("soak: ")]
    if not lines:
        return ["None was run."]
    rows = ["| soak | figure | value |", "|---|---|---|"]
    return rows + [
        f"| {line['proof'].removeprefix('soak: ')} | {SOAKED[figure]} | {value} |"
        for line in sorted(lines, key=lambda each: each["proof"])
        for figure, value in line.items()
        if figure in SOAKED
    ]


def deployed(tally: Sequence[Line]) -> list[str]:
    """Return what was seen of leverd as a booted machine and as containers run it."""
    lines = [line for line in tally if line["proof"] in DEPLOYED]
    if not lines:
        return ["Nothing was installed or built in this run."]
    said = "What stood in for what, and what was not tried, is told in [install](install.md)."
    return [said, "", *_head(("how", "claim", "measured"))] + [
        _row([how, line["claim"], line["measured"]])
        for how in DEPLOYED
        for line in lines
        if line["proof"] == how
    ]


def not_run(tests: Path, ran: Iterable[str], claims: Mapping[str, str]) -> list[str]:
    """Return a line for each module of proofs below `tests` that left no result here."""
    there = {
        file.stem: file
        for file in tests.rglob("test_*.py")
        if "node_modules" not in file.parts and _PROVE.search(file.read_text("utf-8"))
    }
    missing = sorted(set(there) - set(ran))
    if not missing:
        return ["Every module of proofs has been run."]
    said = "These modules have not been run; nothing on this page is to be taken for their result:"
    where = {name: there[name].relative_to(tests.parent) for name in missing}
    return [said, "", *(f"* {claims.get(name, name)} (`{where[name]}`)" for name in missing)]


def _spoilt(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return ["No settings file was spoilt."]
    rows = [
        "Settings files spoilt by one to five mutations each, from a seed. Each must be refused",
        "with its line, be infeasible with the numbers, or be runnable and read back as the same;",
        "a file that met another fate is a failure above, and its lot of seeds is missing here.",
        "",
        *_head(("how", "files", "refused with a line", "infeasible", "runnable", "seeds")),
    ]
    for how in sorted({line["how"] for line in lines}, reverse=True):
        mine = [line for line in lines if line["how"] == how]
        fates = [_sum(mine, name) for name in ("refused", "infeasible", "runnable")]
        rows.append(_row([how, sum(fates), *fates, _seeds(mine)]))
    return rows


def _plans(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return ["No hostile plan was put to the signer."]
    refused, meant = _sum(lines, "refused"), _sum(lines, "meant")
    return [
        f"{refused + meant} transactions with one to all of their fields made hostile were put to",
        f"the signer: {refused} were refused; {meant} were still what the owner's list means, and",
        "signed. None was signed that is not meant, and none refused that is.",
        f"Seeds, 100 transactions each: {_seeds(lines)}.",
    ]


def _strangers(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return ["No stranger called an account."]
    fates: Counter[str] = Counter()
    for line in lines:
        fates.update({name: int(line[name]) for name in line if name not in {"proof", "seeds"}})
    told = "; ".join(f"{fate}: {count}" for fate, count in fates.most_common())
    return [
        f"{fates.total()} calls of strangers, tokens and fake pools at an open account: {told}.",
        f"Seeds: {_seeds(lines)}.",
    ]


def _planted_key(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return ["No key was planted and searched for."]
    return [
        f"A planted key and password were searched for in {lines[0]['forms']} forms, in",
        f"{_sum(lines, 'files')} files that {len(lines)} runs left (logs, journals, reports, kept",
        f"settings, output): found {_sum(lines, 'leaks')} times.",
    ]


def _sum(lines: Iterable[Line], name: str) -> int:
    return sum(int(line[name]) for line in lines)


def _seeds(lines: Iterable[Line]) -> str:
    """Return ranges of seeds, with those that touch as one."""
    spans = sorted(tuple(map(int, line["seeds"].split("-"))) for line in lines)
    joined: list[list[int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return ", ".join(f"{first}-{last}" for first, last in joined)


def _head(columns: Sequence[str]) -> list[str]:
    return [_row(columns), "|---" * len(columns) + "|"]


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"
