"""Who may ask for what."""

from __future__ import annotations

import pytest
from tests.unit.api.house import House
from tests.unit.api.trader import Trader

from leverd.api.tokens import hashed

READING = [
    "/health", "/version", "/status", "/positions", "/positions/eth-loop",
    "/positions/eth-loop/pnl", "/positions/eth-loop/rates", "/positions/eth-loop/series", "/daily",
    "/events", "/decisions", "/transactions", "/trades", "/limits", "/breakers", "/settings",
    "/predictions", "/log", "/control/requests", "/spot", "/spot/series",
]  # fmt: skip
CONTROL = ["/control/pause", "/control/reduce", "/control/unwind"]


@pytest.mark.parametrize("path", READING)
async def test_every_answer_about_money_needs_a_token(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    house = Trader(tmp_path).live()
    assert (await house.get(path)).status_code == 200
    assert (await house.get(path, token=house.control)).status_code == 200
    answer = await house.get(path, token="")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="leverd"'
    assert answer.json()["code"] == "LVD-API-001"


async def test_no_route_but_a_few_lets_anybody_in(house):
    free = {"/api/v1/ping", "/api/v1/health/live", "/api/v1/health/ready"}
    found = house.app.openapi()["paths"]
    told = {path for path, each in found.items() for how in each.values() if "security" not in how}
    assert told == free
    assert {*READING, *CONTROL} | {"/metrics"} >= {
        path.removeprefix("/api/v1").replace("{position}", "eth-loop")
        for path in found
        if path not in free
    }


@pytest.mark.parametrize("path", CONTROL)
async def test_a_token_to_read_asks_for_nothing(house, path):
    house.live()
    answer = await house.post(path, token=house.read, json={})
    assert answer.status_code == 403
    assert answer.json()["code"] == "LVD-API-002"
    assert house.pending() == []


@pytest.mark.parametrize(
    "given",
    [
        "Bearer lvd_000000000000_" + "A" * 43,
        "Bearer " + "x" * 500,
        "Bearer",
        "Basic bHZkOmx2ZA==",
        "bearer \x00",
        "Bearer lvd_zz_'; DROP TABLE events; --",
    ],
)
async def test_no_other_credential_is_one(house, given):
    house.live()
    answer = await house.get("/status", token="", headers={"Authorization": given})
    assert answer.status_code == 401


async def test_a_token_with_one_letter_changed_is_none(house):
    house.live()
    wrong = house.read[:-1] + ("A" if house.read[-1] != "A" else "B")
    assert (await house.get("/status", token=wrong)).status_code == 401
    assert (await house.get("/status", token=house.read)).status_code == 200


async def test_a_revoked_token_is_good_for_nothing_at_once(house):
    house.live()
    assert (await house.get("/version")).status_code == 200
    house.tokens.change(lambda records: [each for each in records if each["scopes"] != ["read"]])
    assert (await house.get("/version")).status_code == 401


async def test_hashes_are_kept_never_tokens(house):
    kept = house.tokens.path.read_text()
    assert house.read not in kept
    assert house.read.rsplit("_", 1)[1] not in kept
    assert hashed(house.read) in kept
    assert house.tokens.path.stat().st_mode & 0o777 == 0o600


async def test_tokens_that_others_may_change_are_not_believed(house):
    house.live()
    house.tokens.path.chmod(0o666)
    answer = await house.get("/status")
    assert answer.status_code == 503
    assert answer.json()["code"] == "LVD-KEY-020"


async def test_a_token_is_held_to_its_rate_and_told_when_to_come_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, requests_s_max=2.0)
    codes = [(await house.get("/version")).status_code for _ in range(10)]
    assert codes == [200] * 8 + [429] * 2
    last = await house.get("/version")
    assert last.headers["retry-after"] == "1"
    assert last.json()["code"] == "LVD-API-006"
    assert (await house.get("/version", token=house.control)).status_code == 200
    house.later(1.0)
    assert (await house.get("/version")).status_code == 200


async def test_who_guesses_is_slowed_and_who_knows_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, failures_min_max=3)
    guesses = [(await house.get("/version", token="guess")).status_code for _ in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert (await house.get("/version")).status_code == 200


async def test_no_other_site_is_let_in(house):
    house.live()
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    asked = await house.ask("/api/v1/control/unwind", method="OPTIONS", headers=headers)
    assert asked.status_code == 405
    answer = await house.get("/status", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
