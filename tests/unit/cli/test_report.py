"""leverd report: from the journal of the settings to screen, page, picture and JSON."""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.journal_events import decision, snapshot
from tests.run_records import played

from leverd.domain import units
from leverd.domain.events import HoldsFolded, PnlRecorded
from leverd.domain.money import USD
from leverd.domain.pnl import Attribution
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


DAY = 86_400
START = 1_700_006_400 + 7 * 3_600  # not at midnight: days are those of UTC
RAW = 10**8


def unit_at(day, _number=0):
    """Return a unit's price in percent: from 100 down to 60 on day 20, up to 110, then 105."""
    if day <= 20:
        return 100 - 2 * day
    return 60 + 2 * (day - 20) if day <= 45 else 105


def lived_through(owner, a_day, percent=unit_at):
    """Write sixty days: a deep fall and low health on day 20, more money on day 30."""
    journal = owner.open_journal()
    journal.bind(Binding("devnet", 31337, "0xgenesis"))
    book, equity, unit = None, 0, 100
    for day, number in itertools.product(range(60), range(a_day)):
        at = START + day * DAY + number * 3 * 3_600
        flow = 10_000 * RAW if book is None else 5_000 * RAW if (day, number) == (30, 0) else 0
        gained = equity * (percent(day, number) - unit) // unit
        equity, unit = equity + gained + flow, percent(day, number)
        if book is None:
            book = units.marked(units.flowed(units.UnitBook(), 0, equity, USD), equity)
        else:
            book = units.advance(book, Attribution(price=gained), flow, equity, USD)
        seen = replace(
            snapshot(number + 8 * day, at=at, equity=equity),
            health=(1_050 if (day, number) == (20, 0) else 1_240 + day) * 10**15,
        )
        event = PnlRecorded("eth-loop", seen, {"price": gained}, book.units, book.price, flow)
        journal.append_now(HoldsFolded("eth-loop", 5, 1, 2, "calm"), event, chain_at=at)
    journal.close()


EXACT = ("seconds", "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar",
         "best_day", "worst_day", "leverage_max", "profit_factor", "trips", "trips_won",
         "held_return", "near_health")  # fmt: skip
FINE = ("near_liquidation", "leverage_mean", "levered", "turnover")


@pytest.mark.parametrize("a_day", [1, 4])
def test_pruning_hides_neither_a_fall_nor_low_health_nor_a_flow(owner, a_day):
    lived_through(owner, a_day)
    whole = owner("report", "--json").data
    assert whole["metrics"]["drawdown"]["depth"] == pytest.approx(0.4)
    assert whole["metrics"]["lowest"]["health"] == 1.05
    assert whole["metrics"]["near_liquidation"] > 0
    assert "pruned" not in whole["models"]
    assert owner("db", "prune", "--keep-days", "10", "--json").data["dropped"] > 60
    cut = owner("report", "--json").data
    for name in EXACT:
        assert cut["metrics"][name] == pytest.approx(whole["metrics"][name]), name
    for name in ("depth", "since", "until", "recovered"):
        before, after = (each["metrics"]["drawdown"][name] for each in (whole, cut))
        assert (before == pytest.approx(after)) if name == "depth" else before[:10] == after[:10]
    lowest = cut["metrics"]["lowest"]
    assert lowest["health"] == 1.05
    assert lowest["at"][:10] == whole["metrics"]["lowest"]["at"][:10]
    assert cut["money"] == whole["money"]
    assert cut["metrics"]["near_liquidation"] == 0, "of what came after"
    assert cut["metrics"]["turnover"] is None, "ten days make no year"
    assert "a day is its last mark" in cut["models"]["pruned"]
    shown = " ".join(owner("report").out.split())
    assert "time with debt and turnover are of what came after" in shown


def test_pruning_hides_no_fall_that_was_over_within_its_day(owner):
    noon = (100, 95, 40, 98)  # on day 3, the others as ever
    lived_through(owner, 4, lambda day, number: noon[number] if day == 3 else unit_at(day))
    whole = owner("report", "--json").data["metrics"]["drawdown"]
    assert whole["depth"] == pytest.approx(0.6)
    assert owner("db", "prune", "--keep-days", "10", "--json").data["dropped"] > 60
    cut = owner("report", "--json").data["metrics"]["drawdown"]
    assert {**cut, "depth": pytest.approx(cut["depth"])} == whole


def test_a_journal_pruned_before_days_were_kept_says_what_it_cannot_tell(owner):
    lived_through(owner, 1)
    owner("db", "prune", "--keep-days", "10")
    with sqlite3.connect(owner.journal) as base:
        base.execute("DELETE FROM days")
    base.close()
    assert "kept no days" in owner("report", "--json").data["models"]["pruned"]
