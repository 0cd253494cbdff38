"""What holds for every test, and servers that several suites share."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says what else the machine is doing, and nothing of the code.
settings.register_profile("leverd", deadline=None)
settings.load_profile("leverd")


@pytest.fixture(scope="session")
def cluster():
    """Return a PostgreSQL server of this process's own."""
    pytest.importorskip("psycopg", reason="leverd[postgres] is not installed")
    from tests import postgres  # noqa: PLC0415 -- needs the driver

    if not postgres.is_installed():
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="leverd-pg-"))
    try:
        with postgres.running(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_cluster(cluster):
    """Return a server that a test may stop or kill; there is one, for the shared one runs."""
    from tests import postgres  # noqa: PLC0415 -- needs the driver

    assert cluster.port
    folder = Path(tempfile.mkdtemp(prefix="leverd-pg-"))
    try:
        with postgres.running(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
