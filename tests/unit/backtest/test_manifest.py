"""A run can name its data, and is told when they are others."""

from __future__ import annotations

import json

import pytest
from tests.unit.backtest.described import bar_rows, bars_source, describe, loaded, write_csv

from leverd.backtest.history import (
    MalformedDataError,
    codes,
    load_history,
    loading,
    manifest_path,
    write_manifest,
)
from leverd.errors import DataError


@pytest.fixture
def kept(tmp_path):
    """A description whose manifest is written."""
    found = loaded(tmp_path, bar_rows(4))
    file = tmp_path / "history.yaml"
    write_manifest(found.manifest, manifest_path(file))
    return file


def test_a_manifest_tells_file_rows_span_columns_and_fills(kept, tmp_path):
    found = json.loads(manifest_path(kept).read_text())
    assert found["digest"] == load_history(kept).history.digest()
    source = found["sources"]["price"]
    assert source["rows"] == 4
    assert source["columns"] == ["ts", "open", "high", "low", "close"]
    assert source["described"]["fill"] == "refuse"
    assert len(source["sha256"]) == 64


def test_the_same_files_have_the_same_manifest(kept):
    assert load_history(kept).manifest.text() == load_history(kept).manifest.text()


def test_a_file_that_changed_is_said_with_a_way_on(kept, tmp_path):
    rows = bar_rows(4)
    rows[2][4] = "100.5"
    write_csv(tmp_path / "bars.csv", rows)
    with pytest.raises(MalformedDataError, match="has changed since its manifest") as caught:
        load_history(kept)
    assert caught.value.problems[0].number == codes.CHANGED
    assert "--accept" in caught.value.problems[0].remedy
    assert len(load_history(kept, verify=False).history) == 4


def test_a_file_that_is_written_while_it_is_read_has_no_name(kept, tmp_path, monkeypatch):
    """Its hash would be of other rows than those that were used."""
    read = loading.read_prices

    def reading(path, *arguments):
        found = read(path, *arguments)
        with path.open("a") as file:
            file.write("\n")
        return found

    monkeypatch.setattr(loading, "read_prices", reading)
    with pytest.raises(MalformedDataError, match="changed while it was read") as caught:
        load_history(kept)
    assert [each.number for each in caught.value.problems] == [codes.CHANGED]


def test_a_change_is_said_beside_what_else_is_wrong(kept, tmp_path):
    rows = bar_rows(4)
    rows[2][4] = "x"
    write_csv(tmp_path / "bars.csv", rows)
    with pytest.raises(MalformedDataError) as caught:
        load_history(kept)
    assert [each.number for each in caught.value.problems] == [codes.CHANGED, codes.CELL]


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"format": 1}', '{"format": 2}', "\x00"])
def test_a_manifest_that_is_none_is_refused(kept, text):
    manifest_path(kept).write_text(text)
    with pytest.raises(DataError, match="manifest cannot be read") as caught:
        load_history(kept)
    assert caught.value.exit_code == 2


def test_a_manifest_that_cannot_be_written_is_said(tmp_path):
    found = loaded(tmp_path, bar_rows(2))
    with pytest.raises(DataError, match="cannot be written"):
        write_manifest(found.manifest, tmp_path / "nowhere" / "m.json")


def test_a_new_source_is_no_change_of_the_others(kept, tmp_path):
    write_csv(tmp_path / "btc.csv", bar_rows(4))
    described = describe(tmp_path, price=bars_source(), btc=bars_source("btc.csv", asset="BTC"))
    assert len(load_history(described).history.bars) == 2
