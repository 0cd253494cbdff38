"""What the README has owners type does what it says."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def would_run(*words: str) -> str:
    """Return what `make run` would do."""
    command = ["make", "--dry-run", "--no-print-directory", "run", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_run_takes_the_shipped_settings():
    said = would_run()
    assert "run_agent -c config/settings.yaml\n" in said
    assert "leverd api -c config/settings.yaml --link control" in said


def test_with_lays_another_file_over_them_for_the_agent_and_the_page():
    for file in (ROOT / "config/with").glob("*.yaml"):
        said = would_run(f"WITH={file.stem}")
        both = f"-c config/settings.yaml -c config/with/{file.name}"
        assert f"run_agent {both}\n" in said
        assert f"leverd api {both} --link control" in said
