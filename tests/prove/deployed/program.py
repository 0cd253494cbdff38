"""The wheel and the pinned requirements, made by the commands of the page."""

from __future__ import annotations

from pathlib import Path

from tests.prove.deployed import guide
from tests.prove.deployed.commands import ROOT, run


def make(folder: Path) -> str:
    """Put dist/ and requirements.txt into `folder`; return the version of the wheel."""
    build = guide.the_one("The program", "uv build", of="$")
    run("sh", "-c", f"{build} --out-dir {folder / 'dist'}", at=ROOT)
    export = guide.the_one("The program", "uv export", of="$")
    named = export.replace("-o requirements.txt", f"--extra api -o {folder / 'requirements.txt'}")
    assert named != export
    run("sh", "-c", named, at=ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel.name.split("-")[1]
