"""A history is written beside nothing that it would destroy, and what cannot be written is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.backtest.described import bar_rows, loaded

from leverd.backtest.history import load_history, write_history
from leverd.errors import DataError


def test_what_is_written_loads_as_the_same_again(tmp_path):
    history = loaded(tmp_path, bar_rows(4, skip=(2,)), fill="drop").history
    again = load_history(write_history(history, tmp_path / "copy")).history
    assert again.digest() == history.digest()


def test_nothing_is_overwritten(tmp_path):
    history = loaded(tmp_path, bar_rows(4)).history
    with pytest.raises(DataError, match="not overwritten") as caught:
        write_history(history, tmp_path)  # its own description is there
    assert caught.value.code == "LVD-DAT-027"
    (tmp_path / "history.yaml").unlink()
    with pytest.raises(DataError, match="not overwritten"):
        write_history(history, tmp_path)  # the bars are, from just now


def test_a_description_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    history = loaded(tmp_path, bar_rows(4)).history
    opened = Path.open

    def full(self, *arguments, **said):
        if self.name == "history.yaml":
            raise OSError(28, "No space left on device")
        return opened(self, *arguments, **said)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DataError, match="No space left") as caught:
        write_history(history, tmp_path / "copy")
    assert caught.value.place.endswith("history.yaml")
