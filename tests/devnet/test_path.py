"""Price paths: told by a seed, or read from a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leverd.devnet.path import UNIT, PricePath, Story, synthetic
from leverd.devnet.recipe import Recipe
from leverd.devnet.recorded import Columns, recorded
from leverd.errors import OwnerError

STORY = Story(start=1_700_000_000, price=3_000 * UNIT)


def test_between_two_points_the_price_lies_on_the_line():
    path = PricePath.of([(100, 1_000), (200, 2_000), (300, 500)])
    assert [path.price_at(at) for at in (100, 150, 199, 200, 250, 300)] == [
        1_000,
        1_500,
        1_990,
        2_000,
        1_250,
        500,
    ]


def test_beyond_both_ends_the_price_stands_still():
    path = PricePath.of([(100, 1_000), (200, 2_000)])
    assert (path.price_at(0), path.price_at(10**9)) == (1_000, 2_000)


def test_a_fall_is_measured_from_before_and_a_rise_is_none():
    path = PricePath.of([(0, 1_000), (100, 750), (200, 1_000)])
    assert path.fall(100, 100) == pytest.approx(0.25)
    assert path.fall(200, 100) == 0


def test_its_lows_are_where_it_turns_up_again():
    path = PricePath.of([(0, 9), (10, 5), (20, 7), (30, 6), (40, 6), (50, 8), (60, 2)])
    assert path.lows == (10, 40)


@pytest.mark.parametrize(
    "points",
    [[], [(1, 5)], [(1, 5), (1, 6)], [(2, 5), (1, 6)], [(1, 5), (2, 0)], [(1, 5), (2, -1)]],
)
def test_what_is_no_path_is_refused(points):
    with pytest.raises(OwnerError, match="price path"):
        PricePath.of(points)


@pytest.mark.parametrize("seed", range(25))
def test_every_seed_tells_of_a_calm_a_crash_and_a_partial_rebound(seed):
    path = synthetic(seed, STORY)
    calm_end = STORY.start + STORY.calm_s
    crash_end = calm_end + STORY.crash_s
    rebound_end = crash_end + STORY.rebound_s
    before, trough, after = (path.price_at(at) for at in (calm_end, crash_end, rebound_end))
    assert path.price_at(STORY.start) == STORY.price
    assert abs(before / STORY.price - 1) < 0.05
    assert 0.34 < 1 - trough / before < 0.46
    assert 0.29 < (after - trough) / (before - trough) < 0.61


def test_the_same_seed_tells_the_same_path_and_another_another():
    assert synthetic(5, STORY) == synthetic(5, STORY)
    assert synthetic(5, STORY) != synthetic(6, STORY)


def test_no_stretch_of_five_minutes_falls_faster_than_an_owner_could_react():
    path = synthetic(1, STORY)
    worst = max(path.fall(at, 300) for at in path.times)
    assert 0.005 < worst < 0.08  # fast enough to be a crash, slow enough to be one of the market


def test_a_csv_is_read_by_the_columns_it_is_said_to_have(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(
        "when,coin,usd\n"
        "2020-03-12T00:00:00Z,ETH,194.27\n"
        "2020-03-12T01:00:00Z,ETH,180.5\n"
        "2020-03-12T01:00:00Z,BTC,7000\n"
        "1583978400000,ETH,175\n"  # milliseconds: 02:00
    )
    path = recorded(file, Columns(time="when", price="usd", where={"coin": "ETH"}))
    assert path.times == (1583971200, 1583974800, 1583978400)
    assert path.prices == (19_427_000_000, 18_050_000_000, 17_500_000_000)


def test_a_window_keeps_only_its_rows(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("ts,close\n" + "".join(f"{at},{at}\n" for at in range(100, 200, 10)))
    path = recorded(file, Columns(since=120, until=150))
    assert path.times == (120, 130, 140, 150)


def test_a_bar_goes_from_open_through_low_and_high_to_close(tmp_path):
    file = tmp_path / "bars.csv"
    file.write_text("ts,open,high,low,close\n0,10,14,8,12\n400,12,13,5,6\n")
    path = recorded(file, Columns(price="bar"))
    assert path.times == (0, 100, 200, 300, 400, 500, 600, 700)
    assert [price // UNIT for price in path.prices] == [10, 8, 14, 12, 12, 5, 13, 6]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("ts,close\n1,2\n2,3\n", Columns(price="last"), "no column 'last'"),
        ("ts,close\n1,2\n2,3\n", Columns(where={"symbol": "ETH"}), "no column 'symbol'"),
        ("ts,close\n1,2\nyesterday,3\n", Columns(), "does not parse"),
        ("ts,close\n1,2\n2,dear\n", Columns(), "does not parse"),
        ("ts,close\n1,2\n", Columns(), "two or more points"),
    ],
)
def test_a_file_that_holds_no_path_is_refused_by_name(tmp_path, text, columns, said):
    file = tmp_path / "prices.csv"
    file.write_text(text)
    with pytest.raises(OwnerError, match=said):
        recorded(file, columns)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(OwnerError, match="no price path at"):
        recorded(tmp_path / "none.csv", Columns())


def test_a_parquet_is_read_as_a_csv_is(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = {
        "ts": pa.array([1583971200000, 1583974800000], pa.timestamp("ms", tz="UTC")),
        "symbol": ["ETH", "ETH"],
        "close": [194.27, 180.5],
    }
    parquet.write_table(pa.table(rows), tmp_path / "prices.parquet")
    path = recorded(tmp_path / "prices.parquet", Columns(where={"symbol": "ETH"}))
    assert path.times == (1583971200, 1583974800)
    assert path.prices == (19_427_000_000, 18_050_000_000)
    with pytest.raises(OwnerError, match="no column 'last'"):
        recorded(tmp_path / "prices.parquet", Columns(price="last"))


def test_a_recipe_survives_being_written_down():
    recipe = Recipe(seed=4, path="x.csv", columns=Columns(where={"symbol": "ETH"}, since=5))
    assert Recipe.from_data(recipe.as_data()) == recipe


@pytest.mark.data
@pytest.mark.parametrize(
    ("since", "until", "start", "trough"),
    [(1583884800, 1584144000, 200, 86), (1654819200, 1655769600, 1_790, 881)],
    ids=["march 2020", "june 2022"],
)
def test_the_recorded_crashes_are_paths(since, until, start, trough):
    folder = os.environ.get("LEVERD_DATA")
    if not folder:
        pytest.skip("LEVERD_DATA names no recorded market data")
    columns = Columns(
        price="bar",
        where={"venue": "binance", "symbol": "ETHUSDT"},
        since=since,
        until=until,
    )
    path = recorded(Path(folder) / "spot_1h.parquet", columns)
    assert path.prices[0] / UNIT == pytest.approx(start, rel=0.05)
    assert min(path.prices) / UNIT == pytest.approx(trough, rel=0.05)
