"""What a download leaves behind is gone on with, or refused; never guessed at."""

from __future__ import annotations

import pytest

from leverd.backtest.download.partial import Partial, Request
from leverd.backtest.history import codes
from leverd.errors import DataError

REQUEST = Request("gas", {"chain": 1}, {"block": "int", "fee": "float"})


@pytest.fixture
def file(tmp_path):
    partial = Partial(tmp_path / "gas.csv", REQUEST)
    partial.append([(1, 10, 0.5), (2, 20, 1e-9)])
    partial.append([])
    partial.close()
    return tmp_path / "gas.csv"


def test_what_was_kept_is_gone_on_with_and_finished(file):
    partial = Partial(file, REQUEST)
    assert partial.last == (2, 20, 1e-9)
    partial.append([(3, 30, 0.1)])
    assert partial.finish() == (3, 1, 3)
    partial.close()
    assert file.read_text() == "ts,block,fee\n1,10,0.5\n2,20,1e-09\n3,30,0.1\n"


@pytest.mark.parametrize("left", [b"x,y,z\n", b"1\n", b"1,2,3,4\n", b"\xff\xfe\n", b"1,2,abc\n"])
def test_a_damaged_rest_is_refused_and_left_as_it_is(file, left):
    part = file.with_name("gas.csv.part")
    whole = part.read_bytes() + left
    part.write_bytes(whole)
    with pytest.raises(DataError, match="is damaged") as caught:
        Partial(file, REQUEST)
    assert caught.value.number == codes.RESUME
    assert part.read_bytes() == whole


def test_a_rest_that_is_damaged_in_the_middle_is_refused_when_it_is_finished(file):
    part = file.with_name("gas.csv.part")
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join([lines[0], "?\n", *lines[1:]]))
    partial = Partial(file, REQUEST)
    with pytest.raises(DataError, match="is damaged"):
        partial.finish()
    partial.close()
    assert not file.exists()


def test_a_line_without_its_end_is_cut_and_fetched_again(file):
    part = file.with_name("gas.csv.part")
    whole = part.read_bytes()
    part.write_bytes(whole + b"3,30")
    partial = Partial(file, REQUEST)
    assert partial.last == (2, 20, 1e-9)
    partial.close()
    assert part.read_bytes() == whole


def test_a_kill_before_the_first_line_was_whole_leaves_nothing_behind(tmp_path):
    (tmp_path / "gas.csv.part").write_text('{"what"')
    partial = Partial(tmp_path / "gas.csv", REQUEST)
    assert partial.last is None
    partial.append([(1, 2, 3.0)])
    assert partial.finish().rows == 1
    partial.close()
