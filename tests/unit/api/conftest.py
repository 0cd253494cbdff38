"""An API over a folder of its own."""

from __future__ import annotations

import pytest
from tests.unit.api.house import House


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)
