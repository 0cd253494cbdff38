"""What `--param` and a file of parameters mean, and what is refused of them."""

from __future__ import annotations

import numpy as np
import pytest

from leverd.backtest.sweep.configuration import NAMES, sound
from leverd.backtest.sweep.drawing import AtRandom, Grid
from leverd.backtest.sweep.space import said_by, space_of
from leverd.errors import SweepError

WORK = {
    "target": "3",
    "band_low": "2.5",
    "band_high": "3.5",
    "fee": "0.0005",
    "threshold": "0.93",
}


def values(name: str, said: object) -> list[float]:
    scales = {"fee": 1e6, "threshold": 1e4, "depth": 1e8, "gas": 1e8}
    space = space_of({**WORK, name: said})
    return [each / scales.get(name, 1e9) for each in space.dimensions[NAMES.index(name)].values]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2.5", [2.5]),
        (2.5, [2.5]),
        (3, [3]),
        ("3, 2", [2, 3]),
        ([2, "2.5"], [2, 2.5]),
        ("1.5:3:0.5", [1.5, 2, 2.5, 3]),
        ("1.5:2.9:0.5", [1.5, 2, 2.5]),
        ("log:1:4:3", [1, 2, 4]),
    ],
)
def test_the_grammar(said, meant):
    assert values("target", said) == pytest.approx(meant, abs=1e-9)


def test_fees_are_pips_and_money_is_hundred_millionths():
    assert values("fee", "log:0.0001:0.01:3") == [0.0001, 0.001, 0.01]
    assert values("gas", "0.5") == [0.5]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("x", "no number"),
        ("", "no number"),
        ("nan", "too large"),
        ("1e99", "too large"),
        ("3:2:1", "does not rise"),
        ("1:2:0", "step"),
        ("1:2:-1", "step"),
        ("1:2:0.00000001", "too many"),
        ("1:2:3:4", "no range"),
        ("log:0:1:3", "does not rise"),
        ("log:1:2:1", "number of values"),
        ("log:1:2:x", "number of values"),
        ("-1", "below zero"),
        ("2,2", "twice"),
        ("2.0000000001", "finer than 0.000000001"),
        ([], "empty"),
    ],
)
def test_what_is_not_the_grammar_is_refused_by_name(said, words):
    with pytest.raises(SweepError, match=words) as caught:
        space_of({**WORK, "target": said})
    assert caught.value.code == "LVD-SWP-002"
    assert "target" in caught.value.place


def test_an_unknown_name_says_the_nearest_and_missing_ones_are_all_named():
    with pytest.raises(SweepError, match="taget") as caught:
        space_of({**WORK, "taget": "3"})
    assert caught.value.remedy == "did you mean target?"
    with pytest.raises(SweepError, match="band_low, band_high, fee, threshold") as caught:
        space_of({"target": "3"})
    assert caught.value.code == "LVD-SWP-004"


def test_arguments_win_over_the_file(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text("target: 1.5:3:0.5\nfee: [0.0005]\n")
    assert said_by(["target=2"], file) == {"target": "2", "fee": [0.0005]}


@pytest.mark.parametrize("arguments", [["target"], ["target=1", "target=2"]])
def test_arguments_without_sense_are_refused(arguments):
    with pytest.raises(SweepError):
        said_by(arguments)


@pytest.mark.parametrize("text", ["- 1", "a: [", "\x00"])
def test_a_file_that_is_no_map_is_refused(tmp_path, text):
    file = tmp_path / "space.yaml"
    file.write_text(text)
    with pytest.raises(SweepError):
        said_by([], file)
    with pytest.raises(SweepError, match="No such file or directory"):
        said_by([], tmp_path / "none.yaml")


def test_a_grid_is_every_combination_that_means_something_in_chunks():
    space = space_of({**WORK, "target": "2:3:0.5", "band_low": "2,2.5", "gas": "0,1"})
    whole = Grid(space, 1_000)
    parts = Grid(space, 5)
    assert space.size() == 12
    assert parts.chunks == 3
    table = np.concatenate([parts.chunk(index) for index in range(3)])
    assert np.array_equal(table, whole.chunk(0))
    assert len(table) == 10  # not 2 with a band from 2.5
    assert sound(table).all()
    assert len(np.unique(table, axis=0)) == len(table)


def test_a_grid_needs_steps_and_an_end():
    with pytest.raises(SweepError, match="target is a range without any"):
        Grid(space_of({**WORK, "target": "2:3"}))
    huge = dict.fromkeys(("target", "band_low", "band_high", "gas"), "1:2:0.001")
    with pytest.raises(SweepError, match="more than") as caught:
        Grid(space_of({**WORK, **huge}))
    assert caught.value.code == "LVD-SWP-006"


def test_draws_are_the_same_for_the_same_seed_and_chunk():
    space = space_of({**WORK, "target": "2:3.4", "fee": "log:0.0001:0.01", "gas": "0,1,2"})
    first, again = AtRandom(space, 100, 7, 30), AtRandom(space, 100, 7, 30)
    assert first.chunks == 4
    tables = [first.chunk(index) for index in range(4)]
    assert [len(each) for each in tables] == [30, 30, 30, 10]
    assert np.array_equal(tables[2], again.chunk(2))
    assert not np.array_equal(tables[0], AtRandom(space, 100, 8, 30).chunk(0))
    drawn = np.concatenate(tables)
    assert sound(drawn).all()
    assert drawn[:, NAMES.index("target")].min() >= 2_500_000_000  # below, the band is not
    fees = drawn[:, NAMES.index("fee")]
    assert (fees < 1_000).sum() == pytest.approx(50, abs=20)  # each magnitude as likely
    assert set(drawn[:, NAMES.index("gas")].tolist()) == {0, 10**8, 2 * 10**8}


def test_a_space_says_itself_the_same_way_however_it_was_said():
    said = space_of({**WORK, "target": "2:3:0.5"}).text()
    again = space_of({**WORK, "target": [3, 2.5, "2.0"]}).text()
    assert said == again
    assert space_of({**WORK, "fee": "log:0.001:0.01"}).text()["fee"] == "log:0.001:0.01"
