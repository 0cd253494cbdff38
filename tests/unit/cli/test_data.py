"""`leverd data`, as an owner types it."""

from __future__ import annotations

import sys

import pytest
from tests.unit.backtest.described import bar_rows, bars_source, describe, write_csv
from tests.unit.backtest.exchanges import Exchange


@pytest.fixture
def described(owner):
    write_csv(owner.folder / "bars.csv", bar_rows(30, skip=(4,)))
    return describe(owner.folder, price=bars_source(fill="hold", quote="USDT"))


def test_a_template_is_written_once(owner):
    answer = owner("data", "new")
    assert answer.code == 0
    assert "leverd data check history.yaml" in answer.out
    again = owner("data", "new")
    assert again.code == 1
    assert "is not overwritten" in again.err


def test_a_template_cannot_be_written_into_a_file(owner):
    (owner.folder / "f").write_text("")
    answer = owner("data", "new", "f/history.yaml")
    assert answer.code == 1
    assert "Traceback" not in answer.err


def test_a_check_tells_what_is_there_and_keeps_a_manifest(owner, described):
    answer = owner("data", "check", str(described))
    assert answer.code == 0
    for part in ("30 of 1 h", "bars x ETH in USDT, taken as USD", "1 held", "LVD-DAT-011"):
        assert part in answer.out
    assert (owner.folder / "history.manifest.json").is_file()
    assert "written" in answer.out
    assert "agrees" in owner("data", "check", str(described)).out


def test_show_writes_nothing_and_tells_programs_everything(owner, described):
    found = owner("data", "show", str(described), "--json").data
    assert found["bars"] == 30
    assert found["manifest"]["state"] == "none"
    assert found["sources"]["price"]["gaps"] == [
        {
            "line": 6,
            "since": "2023-11-15T03:00:00Z",
            "until": "2023-11-15T04:00:00Z",
            "bars": 1,
        }
    ]
    assert not (owner.folder / "history.manifest.json").exists()


def test_series_and_bars_that_others_lack_are_told(owner):
    write_csv(owner.folder / "bars.csv", bar_rows(30))
    write_csv(owner.folder / "btc.csv", bar_rows(20, skip=(3,)))
    write_csv(owner.folder / "gas.csv", [["ts", "fee"], ["1700000000", "5"], ["1700000007", "6"]])
    file = describe(
        owner.folder,
        eth=bars_source(),
        btc=bars_source("btc.csv", asset="BTC", fill="drop"),
        gas={
            "kind": "gas",
            "side": "base_fee",
            "venue": "ethereum",
            "file": "gas.csv",
            "time_format": "unix_s",
            "value": "fee",
        },
    )
    out = owner("data", "show", str(file)).out
    held = "held at most 20 h 46 m 33 s"  # the last fee, until the last bar that both have is over
    for part in ("11 others lack", "1 left out", held, "gas ethereum base_fee"):
        assert part in out
    found = owner("data", "show", str(file), "--json").data["sources"]
    assert (found["eth"]["cut"], found["gas"]["longest_hold_s"]) == (11, 74_793)


def test_what_is_wrong_is_exit_2_with_its_line_and_as_data(owner, described):
    rows = bar_rows(5)
    rows[3][2] = "nan"
    write_csv(owner.folder / "bars.csv", rows)
    answer = owner("data", "check", str(described))
    assert answer.code == 2
    assert "bars.csv:4: high: 'nan' is no number" in answer.err
    assert "Traceback" not in answer.err
    told = owner("data", "check", str(described), "--json")
    assert told.code == 2
    problem = told.data["error"]["problems"][0]
    assert (problem["code"], problem["path"]) == ("LVD-DAT-004", "sources.price")


def test_a_changed_file_is_taken_only_on_word(owner, described):
    owner("data", "check", str(described))
    write_csv(owner.folder / "bars.csv", bar_rows(29, skip=(4,)))
    answer = owner("data", "show", str(described))
    assert answer.code == 2
    assert "LVD-DAT-021" in answer.err
    assert "has changed since its manifest" in answer.err
    assert owner("data", "check", str(described), "--accept").code == 0
    assert "agrees" in owner("data", "show", str(described)).out


def test_without_numpy_it_says_what_to_install(owner, described, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    answer = owner("data", "show", str(described))
    assert answer.code == 2
    assert "leverd[backtest]" in answer.err
    assert "LVD-DAT-026" in answer.err


@pytest.mark.parametrize("family", ["data", "config"])
def test_a_first_file_overwrites_nothing_and_goes_where_it_can(owner, family):
    assert owner(family, "new", "in/a/folder/first.yaml").code == 0
    again = owner(family, "new", "in/a/folder/first.yaml")
    assert (again.code, "LVD-OWN-005" in again.err) == (1, True)
    nowhere = owner(family, "new", "in/a/folder/first.yaml/second.yaml")
    assert (nowhere.code, "LVD-OWN-099" in nowhere.err) == (1, True)


@pytest.fixture
def exchange(monkeypatch):
    """The exchange that every name opens."""
    found = Exchange(hours=60)
    monkeypatch.setattr("leverd.backtest.download.exchange.open_exchange", lambda _: found)
    return found


BARS = ("data", "download", "bars", "bars.csv", "--exchange", "x", "--symbol", "ETH/USDT")
SINCE = ("--since", "2023-11-14T23:00:00Z")


def test_bars_are_fetched_and_what_is_said_of_them_loads(owner, exchange):
    answer = owner(*BARS, *SINCE)
    assert answer.code == 0
    said, _, described = answer.out.partition("to describe it:\n")
    assert "60 rows, 2023-11-14T23:00:00Z to 2023-11-17T10:00:00Z" in said
    (owner.folder / "history.yaml").write_text("bar: 1h\n" + described)
    shown = owner("data", "show", "history.yaml")
    assert shown.code == 0
    assert "bars x ETH in USDT, taken as USD" in shown.out


def test_funding_is_fetched_and_said_as_data(owner, exchange):
    asked = [part.replace("bars", "funding") for part in BARS]
    told = owner(*asked, *SINCE, "--until", "2023-11-16T23:00:00Z", "--json").data
    assert told["rows"] == 6
    assert told["until"] == "2023-11-16T15:00:01Z"
    assert told["sources"]["funding"]["interval_column"] == "interval_h"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*SINCE, "--bar", "7m"), 2, "one of 1m, 5m"),
        (("--since", "2023-11-14T23:00:00"), 1, "names no offset"),
        (("--since", "soon"), 1, "is no time"),
        (("--since", "soon"), 1, "LVD-OWN-088"),
        ((*SINCE, "--until", "2023-11-14T23:00:00Z"), 1, "is not before"),
    ],
)
def test_what_cannot_be_asked_of_an_exchange_is_refused(owner, exchange, arguments, code, said):
    answer = owner(*BARS, *arguments)
    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert list(owner.folder.glob("bars*")) == []


def test_a_download_without_numpy_says_what_to_install(owner, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    answer = owner(*BARS, *SINCE)
    assert answer.code == 2
    assert "leverd[backtest]" in answer.err
