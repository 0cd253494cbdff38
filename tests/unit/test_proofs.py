"""docs/proofs.md tells what runs left: every count, every seed, and what was not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_proofs.py"
SUITE = """<testsuites><testsuite>
<testcase classname="tests.hostile.test_hostile_settings" name="test_a[0]" time="12.4"/>
<testcase classname="tests.hostile.test_hostile_settings" name="test_a[1]" time="1"><failure/>
</testcase>
<testcase classname="tests.hostile.test_hostile_settings" name="test_b" time="1"><skipped/>
</testcase></testsuite></testsuites>"""


@pytest.fixture
def page(tmp_path):
    """Return the page written from one module's results and tallies."""

    def written(*lines: dict[str, str], suite: str = SUITE) -> str:
        (tmp_path / "test_hostile_settings.xml").write_text(suite)
        (tmp_path / "test_hostile_settings.when").write_text("2026-01-02 abc1234\n")
        tallies = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / "test_hostile_settings.jsonl").write_text(tallies)
        out = tmp_path / "proofs.md"
        subprocess.run([sys.executable, SCRIPT, tmp_path, out], check=True)
        return str(out.read_text())

    return written


def spoilt(seeds: str, how: str = "in process") -> dict[str, str]:
    figures = {"refused": "800", "infeasible": "50", "runnable": "150"}
    return {"proof": "spoilt files", "seeds": seeds, "how": how, **figures}


def test_a_module_is_told_with_its_outcomes_its_day_and_commit(page):
    (row,) = [line for line in page().splitlines() if "`test_hostile_settings`" in line]
    assert row.endswith("| 1 | 1 | 1 | 14 | 2026-01-02 abc1234 |")


def test_a_module_that_was_not_run_is_said_not_to_have_been(page):
    told = page()
    _, _, missing = told.partition("## Not run")
    missing = missing.partition("\n## ")[0]
    assert "tests/account_contract/test_strangers.py" in missing
    assert "tests/prove/test_kill_anywhere.py" in missing
    assert "test_hostile_settings" not in missing
    assert "No stranger called an account." in told


def test_spoilt_files_are_summed_by_how_with_their_seeds_joined(page):
    told = page(spoilt("1000-1999"), spoilt("0-999"), spoilt("10000-10199", "by command"))
    assert "| in process | 2000 | 1600 | 100 | 300 | 0-1999 |" in told
    assert "| by command | 1000 | 800 | 50 | 150 | 10000-10199 |" in told


def test_plans_and_strangers_are_summed(page):
    told = page(
        {"proof": "hostile plans", "seeds": "0-999", "refused": "98000", "meant": "2000"},
        {"proof": "strangers", "seeds": "1-8", "refused": "7900", "passed, and moved nothing": "9"},
        {"proof": "planted key", "forms": "60", "files": "12", "leaks": "0"},
        {"proof": "planted key", "forms": "60", "files": "30", "leaks": "0"},
    )
    assert "100000 transactions" in told
    assert "98000 were refused" in told
    assert "7909 calls" in told
    assert "passed, and moved nothing: 9" in told
    assert "42 files that 2 runs left" in told


def test_what_was_installed_is_told_claim_by_claim_the_service_first(page):
    told = page(
        {"proof": "in containers", "claim": "It is built.", "measured": "907 MB"},
        {"proof": "as a service", "claim": "It starts.", "measured": "3 s"},
    )
    _, _, found = told.partition("## Installed\n")
    rows = [line for line in found.partition("\n## ")[0].splitlines() if line]
    assert rows[3:] == [
        "| as a service | It starts. | 3 s |",
        "| in containers | It is built. | 907 MB |",
    ]
    assert "Nothing else was counted." in told


def test_a_kind_that_nobody_knows_gets_a_table_of_all_its_figures(page):
    told = page(
        {"proof": "drill: night", "turns": "1000000", "slopes": "0.01"},
        {"proof": "drill: night", "turns": "5", "log": "1|2"},
    )
    assert "### Drill: night" in told
    assert "| turns | slopes | log |" in told
    assert "| 1000000 | 0.01 |  |" in told
    assert "| 5 |  | 1/2 |" in told


def test_a_run_without_any_tally_is_a_page_all_the_same(page):
    assert "Nothing else was counted." in page()
    assert "No settings file was spoilt." in page()
    assert "Nothing was installed or built in this run." in page()
