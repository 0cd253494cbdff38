"""Machine code is kept where it can be, under a name that changes with what it was made of."""

from __future__ import annotations

import numba
import pytest

from leverd.backtest.sweep import jit


@pytest.fixture
def anew(monkeypatch):
    """Have numba looked for again, and forget what was found."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    jit._numba.cache_clear()
    yield
    jit._numba.cache_clear()


def test_it_is_kept_under_the_digest_of_all_its_files(anew, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jit._numba()[1]
    (folder,) = (tmp_path / "leverd").iterdir()
    assert folder.name == f"kernel-{jit.source_digest()[:16]}"
    assert str(folder) == numba.config.CACHE_DIR
    assert jit.source_digest() != jit.source_digest(jit.COMPILED[:-1])


def test_where_nothing_can_be_written_it_is_compiled_each_time(anew, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not jit._numba()[1]
    assert numba.config.CACHE_DIR == ""
    assert jit.compiled(_one_more)(1.0) == 2.0


def _one_more(number: float) -> float:
    return number + 1.0
