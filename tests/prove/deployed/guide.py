"""The commands of docs/install.md, so that a page that lies fails."""

from __future__ import annotations

import re

from tests.prove.deployed.commands import ROOT

PAGE = ROOT / "docs" / "install.md"


def commands(section: str, *, of: str = "#") -> list[str]:
    """Return what a section's console blocks say to type at the prompt `of`, in their order."""
    text = PAGE.read_text(encoding="utf-8")
    _, there, rest = text.partition(f"\n## {section}\n")
    assert there, f"{PAGE} has no section {section!r} any more"
    body = rest.partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    typed = [line.removeprefix(f"{of} ") for line in lines if line.startswith(f"{of} ")]
    return [re.split(r"\s{2,}#", each)[0].strip() for each in typed]


def the_one(section: str, having: str, *, of: str = "#") -> str:
    """Return the one command of `section` that has these words in it."""
    (found,) = [each for each in commands(section, of=of) if having in each]
    return found
