"""The same question within a moment has the same answer, and nobody is told who may not ask."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

import pytest
from fastapi import Response
from tests.unit.api.house import House

from leverd.api import kept_answers, routes
from leverd.api.kept_answers import FOR_S, KeptAnswers, KeptRoute
from leverd.domain.events import AlertRaised

WRONG = "lvd_00_wrong"


class Steps:
    def __init__(self):
        self.at = 0.0

    def monotonic(self):
        return self.at


class Worker:
    """Counts how often it worked; answers with that number."""

    def __init__(self, status=200):
        self.times, self.status = 0, status
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self):
        self.times += 1
        await self.may_end.wait()
        return Response(str(self.times), self.status)


def kept():
    clock = Steps()
    return KeptAnswers(clock), clock


ASKED = ("/api/v1/status", b"")


async def test_for_a_moment_nothing_is_worked_out_twice():
    answers, clock = kept()
    work = Worker()
    first = await answers.get(ASKED, work)
    clock.at = FOR_S * 0.9
    assert (await answers.get(ASKED, work)).body == first.body == b"1"
    clock.at = FOR_S * 1.1
    assert (await answers.get(ASKED, work)).body == b"2"


async def test_those_who_ask_while_it_is_worked_out_wait_for_it():
    answers, _ = kept()
    work = Worker()
    work.may_end.clear()
    asking = [asyncio.create_task(answers.get(ASKED, work)) for _ in range(20)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert {each.body for each in await asyncio.gather(*asking)} == {b"1"}


async def test_who_goes_away_leaves_the_work_to_the_next():
    answers, _ = kept()
    work = Worker()
    work.may_end.clear()
    gone = asyncio.create_task(answers.get(ASKED, work))
    next_one = asyncio.create_task(answers.get(ASKED, work))
    await asyncio.sleep(0)
    gone.cancel()
    work.may_end.set()
    assert (await next_one).body == b"2"


async def test_another_query_is_another_question():
    answers, _ = kept()
    work = Worker()
    bodies = {
        (await answers.get((path, query), work)).body
        for path in ("/a", "/b")
        for query in (b"", b"limit=1")
    }
    assert bodies == {b"1", b"2", b"3", b"4"}


async def test_a_refusal_is_not_told_again():
    answers, _ = kept()
    work = Worker(status=404)
    await answers.get(ASKED, work)
    assert (await answers.get(ASKED, work)).body == b"2"


async def test_however_many_questions_there_are_few_are_kept(monkeypatch):
    monkeypatch.setattr(kept_answers, "_MOST", 8)
    answers, _ = kept()
    for number in range(100):
        await answers.get((f"/{number}", b""), Worker())
    assert len(answers._kept) <= 8


@pytest.mark.parametrize("path", ["/status", "/decisions", "/positions/eth-loop/pnl"])
async def test_who_has_no_token_is_not_told_what_others_were(house, path):
    house.live()
    assert (await house.get(path)).status_code == 200
    for token in ("", WRONG):
        assert (await house.get(path, token=token)).status_code == 401


def test_every_family_of_routes_tells_again():
    """But for what says how the API itself is."""
    names = {each.name for each in pkgutil.iter_modules(routes.__path__)}
    assert {"standing", "money"} < names
    for name in names - {"health"}:
        family = importlib.import_module(f"{routes.__name__}.{name}").router
        assert family.routes, name
        assert all(isinstance(route, KeptRoute) for route in family.routes), name


async def test_what_is_new_is_told_a_moment_later(house):
    house.live()
    count = len((await house.get("/events")).json()["items"])
    house.write(AlertRaised("eth-loop", "LVD-GRD-001", "health is low"))
    assert len((await house.get("/events")).json()["items"]) == count + 1


async def test_who_asked_for_a_change_sees_it_at_once(house):
    house.live()
    house.turned()
    assert (await house.get("/status")).json()["pending_requests"] == 0
    assert (await house.post("/control/pause", json={})).status_code == 202
    assert (await house.get("/status")).json()["pending_requests"] == 1


async def test_what_is_told_again_counts_as_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, requests_s_max=1.0)  # and a burst of four
    house.live()
    codes = [(await house.get("/positions")).status_code for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2
