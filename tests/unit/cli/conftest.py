"""An owner in an empty folder."""

from __future__ import annotations

import pytest
from tests.unit.cli.owner import Owner


@pytest.fixture
def owner(tmp_path, monkeypatch, capsys):
    for name in ("COLUMNS", "LEVERD_KEY", "LEVERD_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Owner(tmp_path, capsys)
