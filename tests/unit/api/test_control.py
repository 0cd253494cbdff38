"""The API only asks for less risk, through the letter box the daemon empties."""

from __future__ import annotations

import pytest
from tests.journal_events import SteadyClock

from leverd.adapters.sql_journal import SqlRequests
from leverd.domain.events import DaemonStarted
from leverd.interfaces.requests import RequestKind


@pytest.mark.parametrize(
    ("path", "body", "wish"),
    [
        ("pause", {"position": "eth-loop"}, ("pause", "eth-loop", "api")),
        ("pause", {}, ("pause", "", "api")),
        ("reduce", {"position": "eth-loop"}, ("reduce", "eth-loop", "api")),
        ("unwind", {"position": "eth-loop"}, ("unwind", "eth-loop", "api")),
        ("unwind", {"position": "", "now": True}, ("unwind_now", "", "api")),
    ],
)
async def test_a_wish_is_in_the_letter_box_once_it_is_answered(house, path, body, wish):
    house.live()
    before = len(house.events())
    answer = await house.post(f"/control/{path}", json=body)
    assert answer.status_code == 202, answer.json()
    assert (answer.json()["order"], answer.json()["position"]) == wish[:2]
    assert house.pending() == [wish]
    assert len(house.events()) == before  # the journal is the daemon's to write
    waiting = (await house.get("/control/requests")).json()["items"]
    assert [(each["order"], each["position"], each["by"]) for each in waiting] == [wish]


async def test_the_same_wish_twice_waits_once(house):
    house.live()
    first = await house.post("/control/pause", json={"position": "eth-loop"})
    again = await house.post("/control/pause", json={"position": "eth-loop"})
    other = await house.post("/control/unwind", json={"position": "eth-loop"})
    assert first.json()["request"] == again.json()["request"] != other.json()["request"]
    assert len(house.pending()) == 2


async def test_a_wish_after_a_resume_that_waits_is_another_than_the_one_before_it(house):
    house.live()
    first = await house.post("/control/pause", json={})
    box = SqlRequests(house.journal, SteadyClock())
    box.put(RequestKind.RESUME, "", "cli")
    box.close()
    second = await house.post("/control/pause", json={})
    again = await house.post("/control/pause", json={})
    assert first.json()["request"] < second.json()["request"] == again.json()["request"]
    assert [kind for kind, _, _ in house.pending()] == ["pause", "resume", "pause"]


async def test_nobody_raises_risk_through_the_api(house):
    house.live()
    for verb in ("resume", "halt", "open", "settings", "resume/"):
        answer = await house.post(f"/control/{verb}", json={})
        assert answer.status_code == 404, verb
    assert house.pending() == []
    said = str(house.app.openapi()["paths"].keys())
    assert "resume" not in said
    assert {kind.value for kind in RequestKind} >= {"resume", "halt"}  # which the letter box knows


async def test_a_position_nobody_knows_is_refused_and_nothing_is_asked(house):
    house.live()
    answer = await house.post("/control/unwind", json={"position": "eth-lop"})
    assert answer.status_code == 404
    assert answer.json()["remedy"] == "there are: eth-loop"
    assert house.pending() == []


async def test_a_position_of_the_settings_can_be_lowered_before_its_first_turn(house):
    house.write(DaemonStarted("0.1.0", "devnet", "cafe"))
    assert (await house.get("/status")).json()["unknown_positions"] == ["eth-loop"]
    assert (await house.post("/control/pause", json={"position": "eth-loop"})).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"position": 5}', b'{"position": null}',
        b'{"positions": "eth-loop"}', b'{"position": "' + b"a" * 201 + b'"}', b'{"now": "yes"}',
        b"[" * 5000, b'{"position": "\\ud800"}', b"{}" * 3, b'{"position": NaN}',
    ],
)  # fmt: skip
async def test_a_malformed_wish_is_refused_and_nothing_is_asked(house, body):
    house.live()
    answer = await house.post(
        "/control/unwind", content=body, headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert house.pending() == []


async def test_without_a_daemon_the_next_one_takes_it(house):
    house.live()
    said = (await house.post("/control/pause", json={})).json()["said"]
    assert "no daemon runs: the next one takes it" in said
