"""Fail if a relative link in a Markdown file leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    """Return the anchors of every heading of `page`, as GitHub names them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    titles = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    return {
        re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).replace(" ", "-")
        for title in titles
    }


def broken(page: Path) -> list[str]:
    """Return one line for each link of `page` that does not resolve."""
    found = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists():
            found.append(f"{page}: {link} does not exist")
        elif anchor and target.suffix == ".md" and anchor not in headings(target):
            found.append(f"{page}: {link} has no such heading")
    return found


def main() -> int:
    """Return 1 and say where, if any link is broken."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"],  # noqa: S607  # git is found by the PATH on purpose
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    wrong = [line for name in listed.split("\0") if name for line in broken(Path(name))]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
