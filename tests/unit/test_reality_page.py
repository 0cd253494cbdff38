"""docs/reality.md tells what the checks against recorded data found, and has a row for each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "write_reality.py"
CHECKS = ROOT / "tests" / "reality"
TOLD = re.compile(r"found\.told\(\s*(\d+),\s*\"([^\"]+)\"")


@pytest.fixture
def page(tmp_path):
    """Return the page written from the lines of a tally."""

    def written(*lines: dict[str, str]) -> str:
        (tmp_path / "users.parquet").write_bytes(b"rows")
        tally, out = tmp_path / "tally.jsonl", tmp_path / "reality.md"
        tally.write_text("".join(json.dumps(line) + "\n" for line in lines))
        subprocess.run([sys.executable, SCRIPT, tally, tmp_path, out], check=True)
        return str(out.read_text())

    return written


def line(check: str, what: str, **why: int) -> dict[str, str]:
    return {
        "proof": "reality",
        "check": check,
        "what": what,
        "ours": "`health.health_of`",
        "file": "users.parquet",
        "rows": "12",
        "equal": str(12 - sum(why.values())),
        "differing": json.dumps(why),
    }


def test_each_check_is_a_row_with_its_counts_and_reasons_in_its_place(page):
    told = page(line("10", "debt", stale=2, moved=1), line("9", "health"))
    rows = [row for row in told.splitlines() if "users.parquet`)" in row]
    assert rows == [
        "| health (`users.parquet`) | 12 | 12 | 0 | `health.health_of` |",
        "| debt (`users.parquet`) | 12 | 9 | 2: stale; 1: moved | `health.health_of` |",
    ]


def test_the_files_that_were_read_are_named_with_their_hashes(page):
    assert "* `users.parquet` " in page(line("1", "health"))


def test_the_page_in_the_house_has_a_row_for_every_check():
    checks = {
        int(place): what
        for file in CHECKS.glob("test_*.py")
        for place, what in TOLD.findall(file.read_text("utf-8"))
    }
    assert sorted(checks) == list(range(1, len(checks) + 1))
    rows = re.findall(
        r"^\| (.+) \(`", (ROOT / "docs" / "reality.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [checks[place] for place in sorted(checks)]
