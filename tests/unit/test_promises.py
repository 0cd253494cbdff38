"""Each promise of the README names the tests that hold it, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "promises.md").read_text("utf-8")
SECTIONS = {
    each.partition("\n")[0].strip(): each.partition("\n")[2] for each in PAGE.split("\n## ")[1:]
}
LINK = re.compile(r"\(?\[tests\]\(docs/promises\.md#([\w-]+)\)\)?")
TEST = re.compile(r"^\* \[(tests/[\w/]+\.py)::(test_\w+)\]\(\.\./([\w/.]+)\)$", re.MULTILINE)
BULLET = re.compile(r"^- \*\*.*?(?=^- \*\*|^\n|^#)", re.MULTILINE | re.DOTALL)


def anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def plain(text: str) -> str:
    """Return the words of `text`, without links to tests, line ends and quote marks."""
    return " ".join(re.sub(r"^> ?", "", LINK.sub("", text), flags=re.MULTILINE).split())


def functions(file: Path) -> set[str]:
    return {
        each.name
        for each in ast.parse(file.read_text("utf-8")).body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_bullet_of_the_readme_names_its_tests():
    opening = README.partition("\n## ")[0] + "\n"
    bullets = BULLET.findall(opening)
    assert len(bullets) == opening.count("\n- **") > 5
    assert [each for each in bullets if not LINK.search(each)] == []


def test_readme_and_page_name_the_same_promises():
    linked = LINK.findall(README)
    assert sorted(linked) == sorted(anchor(title) for title in SECTIONS)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_promise_stands_in_the_readme_word_for_word(title):
    quote = "\n".join(line for line in SECTIONS[title].splitlines() if line.startswith(">"))
    assert plain(quote)
    assert plain(quote) in plain(README)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_promise_is_held_by_tests_that_exist(title):
    named = TEST.findall(SECTIONS[title])
    assert len(named) == SECTIONS[title].count("\n* ") > 0
    for file, test, linked in named:
        assert file == linked
        assert test in functions(ROOT / file), f"{file} has no {test}"
