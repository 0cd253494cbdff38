"""Whatever is asked, however it is asked: a 4xx that says why, never a 5xx, and no secret."""

from __future__ import annotations

import httpx
import pytest
from loguru import logger

PROBLEM = "application/problem+json"


def refused(answer):
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == PROBLEM
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "remedy"}
    assert answer.json()["status"] == answer.status_code
    return answer.json()["code"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=1e3", "limit=' OR 1=1 --", "after=-1", "before=x",
        f"after={10**40}", "since=yesterday",
        "since=1700000000", "until=0.0", "since=2026-01-31",
        "until=9999999999999999999999", "format=xml",
        "positions=eth-loop", "Limit=5", "position=" + "a" * 201,
        "&".join(f"kind=k{n}" for n in range(33)),
    ],
)  # fmt: skip
async def test_a_filter_that_means_nothing_is_refused(house, query):
    house.live()
    assert refused(await house.get(f"/events?{query}")) in {"LVD-API-004", "LVD-API-005"}


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE events; --", "x' OR '1'='1", "%00", "../../etc/passwd", "\N{SKULL}" * 9, "%"],
)
async def test_sql_in_a_filter_is_only_a_name_nobody_has(house, text):
    house.live()
    count = len(house.events())
    for params in ({"position": text}, {"kind": text}):
        answer = await house.get("/events", params=params)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert len(house.events()) == count


@pytest.mark.parametrize(
    "path",
    [
        "/", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/docs/assets/../../../../etc/passwd",
        "/docs/assets/..%2f..%2f..%2fpyproject.toml", "/page/..%2f..%2fapp.py", "/page/%00",
        "/api/v2/status", "/api/v1/positions/", "/api/v1//status", "/.env", "/api/v1/events/%ff",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_house(house, path):
    house.live()
    answer = await house.ask(path)
    assert b"root:" not in answer.content
    if path != "/":  # the page itself
        refused(answer)


async def test_a_body_beyond_the_bound_is_refused_whole_or_in_parts(house):
    house.live()
    many = b'{"position": "' + b"a" * 20_000 + b'"}'
    assert refused(await house.post("/control/pause", content=many)) == "LVD-API-005"

    async def parts():
        for _ in range(100):
            yield b"a" * 1000

    assert refused(await house.post("/control/pause", content=parts())) == "LVD-API-005"
    lied = await house.post(
        "/control/pause", content=b"{}", headers={"Content-Length": "99999999999999"}
    )
    assert refused(lied) == "LVD-API-005"
    odd = await house.post("/control/pause", content=b"{}", headers={"Content-Length": "-1"})
    assert refused(odd) == "LVD-API-004"
    assert house.pending() == []


async def test_an_address_without_end_is_refused(house):
    assert refused(await house.get("/events?position=" + "a" * 9000)) == "LVD-API-005"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/status", "/control/pause", "/ping"])
async def test_what_cannot_be_done_says_so(house, method, path):
    house.live()
    answer = await house.ask(f"/api/v1{path}", method=method)
    assert refused(answer) == "LVD-API-007"
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"X-Forwarded-For": "127.0.0.1"},
        {"X-HTTP-Method-Override": "PUT"},
        {"Accept": "*/*;q=" + "9" * 500}, {"Range": "bytes=0-" + "9" * 90},
        {"Cookie": "a=" + "b" * 900},
        {"Content-Type": "application/xml"}, {"Transfer-Encoding": "chunked, chunked"},
        {"Expect": "100-continue"}, {"Upgrade": "h2c"}, {"Accept-Encoding": "\x01"},
    ],
)  # fmt: skip
async def test_odd_headers_change_nothing(house, headers):
    house.live()
    assert (await house.get("/version", headers=headers)).status_code == 200
    assert refused(await house.get("/version", token="", headers=headers)) == "LVD-API-001"


async def test_a_body_that_is_not_json_by_its_name_is_refused(house):
    house.live()
    answer = await house.post(
        "/control/pause", content=b"<a/>", headers={"Content-Type": "application/xml"}
    )
    refused(answer)
    assert house.pending() == []


async def test_a_bug_tells_nothing_of_itself(house, monkeypatch):
    house.live()

    def broken():
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(house.app.state.desk.board, "_look", broken)
    answer = await house.get("/status")
    assert answer.status_code == 500
    assert answer.json()["code"] == "LVD-API-012"
    assert "hunter2" not in answer.text


async def test_no_log_line_holds_a_token_a_query_or_a_body(house):
    lines = []
    sink = logger.add(lines.append, level="TRACE")
    try:
        house.live()
        await house.get("/events?position=hidden-query")
        await house.get("/status", token="lvd_000000000000_" + "S" * 43)
        await house.post("/control/pause", json={"position": "hidden-body"})
        await house.get("/positions/https:%2F%2Fu:hidden-path@h%2Fhidden-path")
    finally:
        logger.remove(sink)
    text = "".join(lines)
    assert "/api/v1/events" in text
    for hidden in (house.read, house.control, "S" * 43, "hidden-query", "hidden-body"):
        assert hidden not in text
    for token in (house.read, house.control):
        assert token.rsplit("_", 1)[1] not in text


async def test_a_journal_that_is_damaged_is_told_as_such(house):
    house.live()
    raw = bytearray(house.journal.read_bytes())
    raw[:] = b"\x00" * len(raw)
    for each in house.journal.parent.glob("journal.db-*"):
        each.unlink()
    house.journal.write_bytes(raw)
    house.later()
    answer = await house.get("/status")
    assert answer.status_code == 503
    assert answer.json()["code"].startswith("LVD-JRN")
    assert httpx.codes.is_server_error(answer.status_code)  # 503 with its reason, not a crash
