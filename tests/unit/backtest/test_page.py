"""What docs/backtest.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leverd.backtest.history import BarsKey, MalformedDataError, codes, load_history

PAGE = (Path(__file__).parents[3] / "docs" / "backtest.md").read_text("utf-8")


def block(kind):
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def history(tmp_path):
    (tmp_path / "bars.csv").write_text(block("csv"))
    file = tmp_path / "history.yaml"
    file.write_text(block("yaml"))
    return file


def test_the_example_is_refused_in_the_words_of_the_page(history):
    with pytest.raises(MalformedDataError) as caught:
        load_history(history)
    told = str(caught.value).replace(f"{history.parent}/", "")
    shown = block("console").partition("\n")[2].replace("LVD-DAT-011  2", "LVD-DAT-011: 2").strip()
    assert told.strip().rstrip(".") == shown


def test_held_it_passes_and_the_lines_of_python_do_what_is_said(history, tmp_path, monkeypatch):
    history.write_text(history.read_text() + "    fill: hold\n")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(block("python"), scope)
    loaded = load_history(history).history
    assert loaded.close_as_of(BarsKey("binance", "ETH"), 1_700_010_000) == 204_000_000_000
    assert load_history(Path("copy/history.yaml")).history.digest() == loaded.digest()


def test_every_code_is_explained():
    rows = re.findall(r"^\| LVD-DAT-([\d, to]+) \|", PAGE, re.MULTILINE)
    explained: set[int] = set()
    for row in rows:
        first, _, last = row.partition(" to ")
        explained |= (
            set(range(int(first), int(last) + 1)) if last else {int(n) for n in row.split(",")}
        )
    assert explained == {value for name, value in vars(codes).items() if name.isupper()}
