"""`leverd sweep`, as an owner types it."""

from __future__ import annotations

import json
import sys
from itertools import pairwise

import numpy as np
import pytest
import yaml
from tests.unit.backtest.described import (
    HOUR,
    START,
    bars_source,
    describe,
    series_source,
    write_csv,
)

from leverd.backtest.sweep import jit
from leverd.backtest.sweep.store import held

BARS = 1_200
SPACE = (
    *("--param", "target=1.5:3:0.5", "--param", "band_low=1.25,2.5"),
    *("--param", "band_high=3.5", "--param", "threshold=0.9", "--param", "fee=0.0005"),
)
RATES = ("--supply", "aave WETH", "--borrow", "aave USDC")


@pytest.fixture
def described(owner):
    draw = np.random.default_rng(4)
    closes = [2_000.0, *(2_000 * np.exp(np.cumsum(draw.normal(0.0002, 0.006, BARS)))).tolist()]
    rows = [["ts", "open", "high", "low", "close"]]
    for at, (before, close) in enumerate(pairwise(closes)):
        edges = f"{max(before, close) + 1:.2f}", f"{min(before, close) - 1:.2f}"
        rows.append([str(START + at * HOUR), f"{before:.2f}", *edges, f"{close:.2f}"])
    write_csv(owner.folder / "bars.csv", rows)
    write_csv(owner.folder / "supply.csv", [["ts", "value"], [str(START), "0.02"]])
    write_csv(owner.folder / "borrow.csv", [["ts", "value"], [str(START), "0.05"]])
    supply = series_source("rate", asset="WETH", side="supply", file="supply.csv")
    borrow = series_source("rate", side="borrow", file="borrow.csv")
    return str(describe(owner.folder, price=bars_source(), supply=supply, borrow=borrow))


def test_it_runs_on_the_made_up_year_without_any_data(owner):
    answer = owner("sweep", "synthetic", *SPACE, "--borrow", "synthetic USDC")
    assert (answer.code, answer.err.strip()) == (0, "")
    for part in ("8,760 points", "fixed", "band_high=3.5 fee=0.0005 threshold=0.9", "over cash"):
        assert part in answer.out
    columns = next(each for each in answer.out.splitlines() if "drawdown" in each).split()
    assert [each for each in columns if each.isalpha() or "_" in each][:3] == [
        "sharpe",
        "target",
        "band_low",
    ]


def test_what_is_held_over_a_hole_is_said(owner, described):
    file = owner.folder / "bars.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:90] + lines[99:]) + "\n")
    whole = owner.folder / "history.yaml"
    said = yaml.safe_load(whole.read_text())
    said["sources"]["price"]["fill"] = "hold"
    whole.write_text(yaml.safe_dump(said))
    answer = owner("sweep", described, *SPACE, "--json")
    assert answer.code == 0
    assert "bars missing, held at the close before: 9" in answer.err


def test_where_all_are_liquidated_none_is_called_the_best(owner, described):
    rows = (owner.folder / "bars.csv").read_text().splitlines()
    rows[600:] = [f"{each.split(',')[0]},900,901,899,900" for each in rows[600:]]
    (owner.folder / "bars.csv").write_text("\n".join(rows) + "\n")
    deep = ("--param", "target=3", "--param", "band_low=1", "--param", "band_high=9")
    rest = ("--param", "threshold=0.8", "--param", "fee=0.0005")
    told = owner("sweep", described, *deep, *rest, "--json").data
    assert (told["tried"], told["liquidated"]) == (1, 1)
    assert "all of 1 were liquidated" in told["verdict"]
    assert (told["best"][0]["score"], told["checked"], told["apart"] < 1e-9) == (None, 1, True)
    assert "-inf" not in owner("sweep", described, *deep, *rest).out


def test_the_best_is_told_with_what_speaks_against_it(owner, described):
    answer = owner("sweep", described, *SPACE, *RATES, "--top", "3")
    assert answer.code == 0, answer.err
    for part in (
        "1,200 points",
        "6, of which 0 were liquidated",
        "5 held against the real agents, at most",
        "target",
        "worth nothing",
    ):
        assert part in answer.out
    assert "Traceback" not in answer.err


def test_programs_get_everything(owner, described):
    told = owner("sweep", described, *SPACE, *RATES, "--json").data
    assert told["tried"] == 6
    assert (told["checked"], told["checked_by"], told["apart"] < 1e-9) == (5, "agents", True)
    assert told["best"][0]["parameters"]["threshold"] == 0.9
    assert told["best"][0]["outcome"]["liquidated_at"] == -1
    assert [each["score"] for each in told["best"]] == sorted(
        (each["score"] for each in told["best"]), reverse=True
    )
    assert 0 <= told["deflated_sharpe"] <= 1
    bare = owner("sweep", described, *SPACE, *RATES, "--exact", "integers", "--json").data
    assert bare == {**told, "checked_by": "integers", "apart": bare["apart"]}
    free = owner("sweep", described, *SPACE, "--json").data
    assert free["best"][0]["outcome"]["equity"] != told["best"][0]["outcome"]["equity"]


def test_a_folder_keeps_it_and_the_same_again_is_the_same(owner, described):
    first = owner("sweep", described, *SPACE, "--out", "kept", "--json")
    file = owner.folder / "kept" / "results.parquet"
    raw = file.read_bytes()
    assert owner("sweep", described, *SPACE, "--out", "kept", "--json").out == first.out
    assert file.read_bytes() == raw
    other = owner("sweep", described, *SPACE, "--against", "hold", "--out", "kept")
    assert other.code == 2
    assert "LVD-SWP-008" in other.err


def test_walking_forward_tells_only_what_was_not_tuned_on(owner, described):
    asked = ("sweep", described, *SPACE, "--walk-forward", "20d:10d", "--objective", "growth")
    answer = owner(*asked)
    assert answer.code == 0, answer.err
    assert "out of sample" in answer.out
    assert "drawdown" not in answer.out
    assert "held against the real agents" in answer.out
    assert "growth in sample" in answer.out
    told = owner(*asked, "--anchored", "--out", "walked", "--json").data
    assert len(told["windows"]) == 2
    assert told["growth_a_year"]["low"] < told["growth_a_year"]["high"]
    assert (owner.folder / "walked" / "window-0001" / "results.parquet").is_file()
    assert "best" not in told
    assert (told["checked"] > 2, told["checked_by"]) == (True, "agents")
    other = owner(*asked, "--out", "walked")
    assert other.code == 2
    assert "another anchored" in other.err
    plain = owner("sweep", described, *SPACE, "--out", "walked")
    assert "another anchored, length of windows, objective" not in plain.err
    assert "length of windows" in plain.err


def test_a_folder_that_another_sweep_writes_is_left_alone(owner, described):
    with held(owner.folder / "kept"):
        answer = owner("sweep", described, *SPACE, "--out", "kept")
    assert (answer.code, "another sweep writes it" in answer.err) == (2, True)
    assert list((owner.folder / "kept").iterdir()) == []
    assert owner("sweep", described, *SPACE, "--out", "kept").code == 0


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_other_searches_draw_as_many_as_asked_for(owner, described, search):
    space = [each.replace("1.5:3:0.5", "1.5:3") for each in SPACE]
    asked = ("sweep", described, *space, "--search", search, "--trials", "70", "--top", "1")
    told = owner(*asked, "--json").data
    assert 0 < told["tried"] <= 70
    best = told["best"][0]["parameters"]["target"]
    assert f"│ {best:.9f}".rstrip("0") in owner(*asked).out  # to be typed again


def test_a_file_of_parameters_is_read(owner, described):
    said = {"target": [2, 2.5], "band_low": 1.5, "band_high": 3, "threshold": 0.9, "fee": 0.0005}
    (owner.folder / "space.yaml").write_text(yaml.safe_dump(said))
    told = owner("sweep", described, "--params", "space.yaml", "--param", "target=2", "--json").data
    assert told["tried"] == 1
    assert "nothing was chosen" in told["verdict"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--param", "target=1"), "LVD-SWP-004", "band_low"),
        (("--param", "taget=1"), "LVD-SWP-003", "did you mean target"),
        ((*SPACE, "--bars", "binance"), "LVD-SWP-002", "venue and asset"),
        ((*SPACE, "--supply", "aave DAI"), "LVD-SWP-007", "neither"),
        ((*SPACE, "--amount", "-1"), "LVD-SWP-002", "no amount"),
        ((*SPACE, "--amount", "x"), "LVD-SWP-002", "no amount"),
        ((*SPACE, "--amount", "0"), "LVD-SWP-002", "'0' is nothing"),
        ((*SPACE, "--period", "26d"), "LVD-SWP-007", "fewer than two returns of 26d"),
        (
            (*SPACE, "--walk-forward", "6d:3d", "--period", "4d"),
            "LVD-SWP-007",
            "fewer than two returns of 4d",
        ),
        (("--params", "nowhere.yaml"), "LVD-SWP-002", "cannot be read: No such file"),
        (("--params", "bars.csv"), "LVD-SWP-002", "is no map"),
        ((*SPACE, "--out", "bars.csv"), "LVD-SWP-009", "name a folder that can be written"),
        ((*SPACE[:-2], "--param", "fee=0.2"), "LVD-SWP-005", "a fee at most 0.1"),
        ((*SPACE, "--decimals", "18:x"), "LVD-SWP-002", "no number up to"),
        ((*SPACE, "--period", "1w"), "LVD-SWP-002", "no span"),
        ((*SPACE, "--period", "90m"), "LVD-SWP-007", "whole number of bars"),
        ((*SPACE, "--walk-forward", "20d"), "LVD-SWP-002", "TRAIN:TEST"),
        ((*SPACE, "--walk-forward", "900d:1d"), "LVD-SWP-010", "no window"),
        ((*SPACE, "--debt-bars", "x BTC"), "LVD-DAT-024", "no bars x BTC"),
        ((*SPACE, "--anchored"), "LVD-SWP-002", "said of windows"),
        ((*SPACE, "--address", "127.0.0.1:1"), "LVD-SWP-002", "nothing runs on Ray"),
    ],
)
def test_what_cannot_be_asked_is_exit_2_with_a_code(owner, described, arguments, code, said):
    answer = owner("sweep", described, *arguments)
    assert (answer.code, code in answer.err, said in answer.err) == (2, True, True), answer.err


def test_rates_of_another_unit_do_not_break_the_arithmetic(owner, described):
    write_csv(owner.folder / "borrow.csv", [["ts", "value"], [str(START), "99"]])
    (owner.folder / "bars.csv").write_text(
        "ts,open,high,low,close\n"
        + "".join(f"{START + at * 10 * HOUR},100,104,96,103\n" for at in range(BARS))
    )
    whole = owner.folder / "history.yaml"
    said = yaml.safe_load(whole.read_text())
    said["sources"]["price"]["fill"] = "hold"
    whole.write_text(yaml.safe_dump(said))
    answer = owner("sweep", described, *SPACE, *RATES)
    assert answer.code == 2
    assert "LVD-SWP-007  rate aave USDC borrow grows to more than an index can be" in answer.err
    assert "unit: percent" in answer.err


def test_who_is_stopped_learns_how_it_goes_on(owner, described, monkeypatch):
    def stopped(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr("leverd.cli.sweep_run.run", stopped)
    answer = owner("sweep", described, *SPACE, "--out", "kept")
    assert answer.code == 130
    assert "what is done is kept in kept, and the same command goes on there" in answer.err
    assert owner("sweep", described, *SPACE).err == ""


def test_several_assets_need_a_choice(owner, described):
    file = owner.folder / "history.yaml"
    said = yaml.safe_load(file.read_text())
    said["sources"]["other"] = {**said["sources"]["price"], "asset": "WBTC"}
    file.write_text(yaml.safe_dump(said))
    answer = owner("sweep", described, *SPACE)
    assert answer.code == 2
    assert '"x ETH", "x WBTC"' in answer.err
    assert owner("sweep", described, *SPACE, "--bars", "x WBTC").code == 0


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("numba", "sweep", ()),
        ("optuna", "optuna", ("--search", "optuna")),
        ("ray", "ray", ("--engine", "ray")),
        ("numpy", "backtest", ()),
    ],
)
def test_a_missing_extra_is_named(owner, described, monkeypatch, module, extra, arguments):
    monkeypatch.setitem(sys.modules, module, None)
    for name in ("twofold", "acts", "kernel"):
        monkeypatch.delitem(sys.modules, f"leverd.backtest.sweep.{name}", raising=False)
    jit._numba.cache_clear()
    answer = owner("sweep", described, *SPACE, *arguments, "--json")
    assert answer.code == 2
    assert f"leverd[{extra}]" in json.loads(answer.out)["error"]["remedy"]


def test_help_names_every_option_without_loading_numpy(owner):
    answer = owner("sweep", "--help")
    assert answer.code == 0
    for option in ("--param", "--walk-forward", "--engine", "--against"):
        assert option in answer.out
