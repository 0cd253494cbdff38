"""An API on another machine: it reads the copy, says how far that is behind, and bears its loss."""

from __future__ import annotations

import secrets
import threading
from contextlib import closing

import pytest
from sqlalchemy import text
from tests.journal_events import SteadyClock
from tests.unit.api.house import House, mark
from tests.unit.api.test_live import alert, followed, listening
from tests.unit.cli.owner import Owner

from leverd.adapters.sql_journal import Server, SqlRequests, doors
from leverd.adapters.sql_journal.copier import Copier
from leverd.cli import api_server
from leverd.cli.api_shared import Shared
from leverd.cli.given import settings_of
from leverd.errors import OwnerError, UnreachableError
from leverd.interfaces.requests import RequestKind


@pytest.fixture
def afar(tmp_path, monkeypatch, cluster):
    monkeypatch.chdir(tmp_path)
    made = House(tmp_path, copied_to=cluster.database())
    yield made
    made.desk.close()


async def test_before_any_turn_was_told_it_is_not_ready_and_says_so(afar):
    afar.live()
    health = (await afar.get("/health")).json()
    assert health["reasons"] == ["no turn was completed yet"]
    assert (health["source"], health["behind_s"], health["daemon_running"]) == ("copy", None, False)


async def test_a_position_is_as_the_turn_saw_it_that_the_copy_was_told_of(afar):
    afar.live().turned(price=3100)
    said = (await afar.get("/positions/eth-loop")).json()
    assert (said["source"], said["price"]["amount"]) == ("turn", "3100.00000000")
    afar.turned(block=5, price=3200)
    said = (await afar.get("/positions/eth-loop")).json()
    assert said["price"]["amount"] == "3200.00000000"


async def test_listeners_hear_of_entries_and_turns_as_the_copy_grows(afar):
    afar.live()
    newest = afar.events()[-1].seq
    async with listening(afar) as connect:
        await followed(afar, newest)
        socket = connect()
        await socket.say(token=afar.read)
        assert (await socket.hear())["seq"] == newest
        afar.write(alert(1), alert(2))
        await followed(afar, newest + 2)
        heard = [await socket.hear_until("event") for _ in range(2)]
        assert [each["seq"] for each in heard] == [newest + 1, newest + 2]
        afar.turned()
        assert (await socket.hear_until("turn"))["daemon_running"] is True
        await socket.leave()


@pytest.mark.parametrize("order", ["pause", "reduce", "unwind"])
async def test_what_makes_it_safer_waits_at_the_copy_until_the_daemon_fetches_it(afar, order):
    afar.live().turned()
    said = await afar.post(f"/control/{order}", json={"position": "eth-loop"})
    assert said.status_code == 202
    assert "fetches it from the copy" in said.json()["said"]
    assert afar.pending() == [(order, "eth-loop", "api")]
    assert len((await afar.get("/control/requests")).json()["items"]) == 1
    near = SqlRequests(afar.journal, SteadyClock())
    with closing(Copier(afar.journal, Server(afar.copied_to))) as copier, closing(near):
        assert copier.fetch(near) == 1
        assert [(each.kind, each.by) for each in near.pending()] == [
            (RequestKind(order), "api afar")
        ]
    assert afar.pending() == []


async def test_who_may_only_read_there_reads_and_puts_no_wish(afar, tmp_path):
    afar.live().turned()
    role = f"r{secrets.token_hex(6)}"

    def grant(*what):
        with closing(doors.writing(Server(afar.copied_to))) as door, door.begin() as connection:
            for each in what:
                connection.execute(text(f"{each} {role}"))

    grant("CREATE USER", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    there = House(folder, copied_to=afar.copied_to.replace("leverd@", f"{role}@"))
    with closing(there.desk):
        assert (await there.get("/status", token=afar.read)).status_code == 200
        refused = await there.post("/control/pause", json={}, token=afar.control)
        assert (refused.status_code, refused.json()["code"]) == (503, "LVD-JRN-007")
        assert "permission denied" in refused.json()["detail"]
        grant("GRANT INSERT ON requests TO", "GRANT USAGE ON SEQUENCE requests_id_seq TO")
        there.later(3)
        taken = await there.post("/control/pause", json={}, token=afar.control)
        assert taken.status_code == 202
    assert afar.pending() == [("pause", "", "api")]
    grant("DROP OWNED BY", "DROP ROLE")


@pytest.mark.parametrize("order", ["resume", "halt"])
async def test_what_raises_risk_or_ends_it_is_not_to_be_had_from_afar(afar, order):
    afar.live().turned()
    answer = await afar.post(f"/control/{order}", json={})
    assert answer.status_code == 404
    assert afar.pending() == []


async def test_while_the_server_is_away_it_says_why_and_comes_back_by_itself(
    tmp_path, monkeypatch, own_cluster
):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, copied_to=own_cluster.database()).live()
    house.turned()
    with closing(house.desk):
        assert (await house.get("/status")).status_code == 200
        own_cluster.stop()
        for path in ("/status", "/events", "/daily", "/control/requests"):
            house.later(3)
            answer = await house.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "5"
            assert answer.json()["code"] == "LVD-NET-050"
            assert "pg_isready" in answer.json()["remedy"]
        assert (await house.get("/ping", token="")).status_code == 200
        ready = (await house.get("/health/ready", token="")).json()
        assert ready["reasons"] == ["the journal cannot be read: LVD-NET-050"]
        own_cluster.start()
        house.write(mark(4, {}))
        house.later(3)
        assert (await house.get("/status")).json()["seq"] == house.events()[-1].seq
        assert (await house.get("/control/requests")).status_code == 200


async def test_before_its_first_entry_there_is_no_copy_and_then_there_is(afar):
    assert (await afar.get("/status")).json()["code"] == "LVD-OWN-011"
    afar.write(mark(1, {}))
    afar.later(3)
    assert (await afar.get("/status")).json()["seq"] == 1


def test_without_a_copy_in_the_settings_the_api_does_not_begin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    owner = Owner(tmp_path, capsys)
    answer = owner("api", "--copy")
    assert (answer.code, "LVD-OWN-112" in answer.err) == (1, True)
    with pytest.raises(OwnerError):
        api_server.desk_of(settings_of([owner.settings]), SteadyClock(), of_copy=True)


class Way:
    """A way to somewhere."""

    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Hands:
    """Time moved by hand."""

    at = 0.0

    def monotonic(self):
        return self.at


def test_one_way_is_shared_and_made_anew_once_it_broke():
    made = []

    def make():
        made.append(Way())
        return made[-1]

    shared = Shared(make, Hands())
    with shared.lend() as one, shared.lend() as other:
        assert one is other
    with pytest.raises(UnreachableError), shared.lend(), shared.lend():
        raise UnreachableError("gone")
    assert one.closed
    with pytest.raises(ValueError, match="a bug"), shared.lend() as whole:
        raise ValueError("a bug")
    assert not whole.closed, "what is no fault of the way's does not end it"
    shared.close()
    assert whole.closed
    assert len(made) == 2


def test_while_it_cannot_be_made_who_asks_hears_at_once_why_and_one_tries_again():
    clock, tries = Hands(), []

    def make():
        tries.append(clock.at)
        if clock.at < 5:
            raise UnreachableError("away", number=50)
        return Way()

    shared = Shared(make, clock)

    def refused():
        with pytest.raises(UnreachableError), shared.lend():
            pass

    refused()
    threads = [threading.Thread(target=refused) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert tries == [0.0]
    clock.at = 3.0
    refused()
    refused()
    assert tries == [0.0, 3.0]
    clock.at = 6.0
    with shared.lend(), shared.lend():
        assert tries == [0.0, 3.0, 6.0]
    shared.close()
