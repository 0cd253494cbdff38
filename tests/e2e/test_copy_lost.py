"""The database's server is killed under a daemon that copies to it, and comes back."""

from __future__ import annotations

import asyncio
from contextlib import closing

import httpx
import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled
from tests.e2e.test_standby import fallen
from tests.standby import eventually

from leverd.adapters.sql_journal import Server, SqlLedger, upkeep
from leverd.adapters.sql_journal.copying import NAME
from leverd.adapters.system_clock import SystemClock
from leverd.api.app import build
from leverd.cli import api_server
from leverd.cli.given import settings_of
from leverd.domain.events import BreakerTurned
from leverd.errors import JournalError, OwnerError, UnreachableError

__all__ = ["agents", "devnet", "stage"]  # fixtures

pytestmark = pytest.mark.chain


def copied(url):
    """Return how many entries are there, None where nobody answers or nothing is."""
    try:
        with closing(SqlLedger(Server(url))) as ledger:
            return ledger.count()
    except (UnreachableError, OwnerError, JournalError):
        return None


def turned(stage):
    """Return what the journal says of whether it is copied, oldest first."""
    turns = [each for each in stage.events(BreakerTurned) if each.breaker == NAME]
    return [each.circuit for each in turns]


class Page:
    """An API over the copy, as it is asked from elsewhere."""

    def __init__(self, settings):
        token, own = api_server.own_token("read")
        self._token = token
        self.desk = api_server.desk_of(settings, SystemClock(), own, of_copy=True)
        self._app = build(self.desk)

    def get(self, path):
        return asyncio.run(self._get(path))

    async def _get(self, path):
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://leverd") as client:
            return await client.get(f"/api/v1{path}", headers=headers)

    def status(self):
        return self.get("/status").status_code


def test_a_killed_server_stops_nothing_and_gets_everything_once_it_is_back(
    stage, agents, own_cluster
):
    url = own_cluster.database()
    files = stage.files(journal={"copy_to": url})
    page = Page(settings_of(files))
    with moving(stage) as market, closing(page.desk):
        child = agents.start(stage, files)
        child.wait_calm()
        eventually(lambda: copied(url) == len(stage.events()), "it copies")
        eventually(lambda: page.status() == 200, "the API reads the copy")
        assert page.get("/health").json()["source"] == "copy"

        own_cluster.kill()
        child.wait_said("the journal is not copied")
        eventually(lambda: page.status() == 503, "the API says so")  # once what is kept is old
        assert page.get("/events").json()["code"] == "LVD-NET-050"
        held = stage.truth()
        with fallen(stage, market, 0.85):
            child.wait_for(lambda: stage.truth().sequence > held.sequence, "guards no more")
            child.wait_calm()
            eventually(lambda: turned(stage)[-1:] == ["open"], "the journal says so too")

            own_cluster.start()
            eventually(lambda: "the journal is copied again" in child.said(), "it copies again")
            eventually(lambda: page.status() == 200, "the API comes back by itself")
            eventually(lambda: turned(stage)[-1:] == ["closed"], "the journal says so too")
            child.wait_calm()
            assert child.stop() == 0
    check_nothing_lost_nothing_doubled(stage, "2.8")  # in its band, after the fall
    with closing(SqlLedger(Server(url))) as there:
        assert [each.event for each in there.entries(limit=10**6)] == stage.events()
    assert upkeep.verify_copy(Server(url)).entries == len(stage.events())
