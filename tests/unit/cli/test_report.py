"""leverd report: from the journal of the settings to screen, page, picture and JSON."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.journal_events import decision
from tests.run_records import played

from leverd.interfaces.journal import Binding


@pytest.fixture
def lived(owner):
    """Return an owner whose journal holds two months of the shipped position."""
    journal = owner.open_journal()
    journal.bind(Binding("devnet", 31337, "0xgenesis"))
    for at, entries in itertools.groupby(played().entries, key=lambda entry: entry.chain_at):
        journal.append_now(*(_renamed(entry.event) for entry in entries), chain_at=at)
    journal.close()
    return owner


def _renamed(event):
    return replace(event, position_id="eth-loop") if hasattr(event, "position_id") else event


def test_without_a_journal_it_says_how_to_begin_one(owner):
    answer = owner("report")
    assert answer.code == 1
    assert "no journal" in answer.err
    assert "start the daemon" in answer.err


def test_before_anything_was_marked_it_says_so(owner):
    journal = owner.open_journal()
    journal.append_now(decision(1), chain_at=1)
    journal.close()
    answer = owner("report")
    assert answer.code == 1
    assert answer.err.startswith("LVD-OWN-097")
    assert "run_agent" in answer.err


def test_a_summary_shows_figures_money_and_why(lived):
    answer = lived("report")
    assert answer.code == 0
    for part in ("eth-loop", "devnet", "Sharpe", "Swap fees", "is above 2.8", "--out report.html"):
        assert part in answer.out
    assert not list(lived.folder.glob("*.html"))


def test_page_and_picture_are_written_where_asked_and_the_same_each_time(lived):
    first = lived("report", "--out", "pages/loop.html", "--png")
    assert first.code == 0
    page, picture = lived.folder / "pages/loop.html", lived.folder / "pages/loop.png"
    assert "pages/loop.html is written" in first.out
    content = page.read_text()
    assert "0.0.0.0" not in content
    assert "a live journal" in content
    assert "2.2" in content  # the band, from the settings
    assert picture.read_bytes().startswith(b"\x89PNG")
    lived("report", "-o", "again.html", "--position", "eth-loop")
    assert (lived.folder / "again.html").read_text() == content


def test_a_picture_alone_has_a_name_of_its_own(lived):
    answer = lived("report", "--png")
    assert answer.code == 0
    assert (lived.folder / "leverd-report.png").exists()


def test_json_is_exact_and_names_the_files(lived):
    data = lived("report", "--json", "--out", "x.html").data
    assert data["files"] == ["x.html"]
    assert data["position"] == "eth-loop"
    assert data["band"]["leverage_low"] == "2.2"
    assert len(data["actions"]) == 14
    money = data["money"]
    lines = sum(map(Decimal, money["pnl"].values()))
    assert str(lines).startswith("31.97")
    assert Decimal(money["pnl_total"]) == lines + Decimal(money["pnl_unmarked"])
    gained = Decimal(money["ended"]) - Decimal(money["began"])
    assert gained == Decimal(money["pnl_total"]) - Decimal(money["pnl"]["gas"])


def test_nothing_but_a_page_is_written_over(lived):
    before = lived.settings.read_text()
    answer = lived("report", "--out", "config/settings.yaml")
    assert answer.code == 1
    assert answer.err.startswith("LVD-OWN-100")
    assert "config/settings.html" in answer.err
    assert lived.settings.read_text() == before


def test_an_unknown_position_is_refused_with_the_nearest(lived):
    answer = lived("report", "--position", "eth-lop")
    assert answer.code == 1
    assert "eth-loop" in answer.err


def test_settings_of_other_tokens_are_refused(lived):
    lived.edit("collateral: WETH\n", "collateral: wstETH\n")
    lived.edit("tokens: [WETH, USDC]", "tokens: [wstETH, USDC]")
    answer = lived("report")
    assert answer.code == 1
    assert answer.err.startswith("LVD-OWN-098")


def test_without_numpy_it_says_what_to_install(lived, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    answer = lived("report")
    assert answer.code == 2
    assert "leverd[report]" in answer.err
