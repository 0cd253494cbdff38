"""What every `HttpClient` promises, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest
from loguru import logger
from tests.contract.loopback import (
    Loopback,
    Script,
    cuts_after,
    endless,
    loopback,
    never,
    says,
    whole,
)

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.errors import (
    BreakerOpenError,
    LeverdError,
    NonsenseError,
    SecretError,
    UnreachableError,
)
from leverd.interfaces.http_client import HttpClient
from leverd.interfaces.secrets import Secret

pytestmark = pytest.mark.sockets

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUSY = "429 Too Many Requests"
LONG = 60.0  # seconds; never waited for, because the clock jumps


class JumpingClock:
    """Time passes by waiting alone, and waits, which are remembered, take none."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return sum(self.waits)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(params=[AiohttpClient])
async def client(request, clock) -> AsyncIterator[HttpClient]:
    found = request.param(clock, Random(0), bytes_max=10_000)
    yield found
    await found.close()


@asynccontextmanager
async def asked(client: HttpClient, script: Script) -> AsyncIterator[Loopback]:
    """Serve `script`; the connections go first, so that none is left half open."""
    async with loopback(script) as server:
        yield server
        await client.close()


async def test_a_read_returns_the_whole_answer(client):
    async with asked(client, says(whole(b"[1]", "200 OK", "X-Left: 9"))) as server:
        answer = await client.read(
            server.url + "/a", params={"topic": "1&2"}, headers={"X-Key": Secret("hidden-key")}
        )
    assert (answer.status, answer.body, answer.headers["x-left"]) == (200, b"[1]", "9")
    assert server.asked[0].method == "GET"
    assert server.asked[0].target == "/a?topic=1%262"
    assert server.asked[0].headers["x-key"] == "hidden-key"


async def test_a_send_posts_its_body_once(client):
    async with asked(client, says(whole(b"ok", "201 Created"))) as server:
        answer = await client.send(server.url, b"order")
    assert (answer.status, answer.body) == (201, b"ok")
    assert [(one.method, one.body) for one in server.asked] == [("POST", b"order")]


async def test_no_is_an_answer_and_is_not_asked_again(client, clock):
    async with asked(client, says(whole(b"no such topic", "404 Not Found"))) as server:
        answer = await client.read(server.url, deadline_s=LONG)
    assert (answer.status, answer.body) == (404, b"no such topic")
    assert len(server.asked) == 1
    assert clock.waits == []


async def test_a_failing_read_is_asked_again_with_growing_waits(client, clock):
    broken = whole(b"", "502 Bad Gateway")
    async with asked(client, says(broken, broken, whole(b"there"))) as server:
        assert (await client.read(server.url, deadline_s=LONG)).body == b"there"
    assert len(server.asked) == 3
    assert 0.5 <= clock.waits[0] <= 0.75
    assert 1.0 <= clock.waits[1] <= 1.5


async def test_a_cut_answer_is_never_taken_for_a_whole_one(client):
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2"
    async with asked(client, cuts_after(part, whole(b"[1, 2, 3]"))) as server:
        assert (await client.read(server.url, deadline_s=LONG)).body == b"[1, 2, 3]"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "script",
    [
        says(whole(b"", "500 Oops")),
        says(whole(b"", BUSY)),
        cuts_after(b""),
        cuts_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2"),
        says(b"\x00\xff\x13garbage\r\n\r\n"),
        says(whole(b"", "302 Found", "Location: /b")),
        says(whole(b"x" * 10_001)),
        endless(b"x" * 1000),
    ],
    ids=["500", "429", "dropped", "cut", "garbage", "redirect", "huge", "endless"],
)
async def test_a_send_that_fails_in_any_way_is_unknown_and_never_repeated(client, script):
    async with asked(client, script) as server:
        with pytest.raises(UnreachableError):
            await client.send(server.url, b"order", deadline_s=LONG)
    assert len(server.asked) == 1


async def test_silence_ends_at_the_deadline(client):
    async with asked(client, never()) as server:
        now = asyncio.get_running_loop().time
        begun = now()
        with pytest.raises(UnreachableError) as caught:
            await client.read(server.url, deadline_s=0.2)
        assert now() - begun >= 0.19  # the loop's clock ticks coarsely
    assert caught.value.code == "LVD-NET-070"


async def test_a_service_that_is_not_there_is_unreachable(client):
    async with loopback(never()) as server:
        url = server.url
    with pytest.raises(UnreachableError):
        await client.read(url, deadline_s=LONG)


async def test_retry_after_in_seconds_is_waited_for(client, clock):
    async with asked(client, says(whole(b"", BUSY, "Retry-After: 7"), whole(b"ok"))) as server:
        assert (await client.read(server.url, deadline_s=LONG)).body == b"ok"
    assert len(clock.waits) == 1
    assert 7.0 < clock.waits[0] < 8.0


async def test_retry_after_as_a_date_is_waited_for(client, clock):
    until = format_datetime(NOW + timedelta(seconds=9), usegmt=True)
    busy = whole(b"", "503 Service Unavailable", f"Retry-After: {until}")
    async with asked(client, says(busy, whole(b"ok"))) as server:
        assert (await client.read(server.url, deadline_s=LONG)).body == b"ok"
    assert 9.0 < clock.waits[0] < 10.0


async def test_who_asks_to_be_left_alone_for_longer_is_left_alone(client, clock):
    async with asked(client, says(whole(b"", BUSY, "Retry-After: 90"), whole(b"ok"))) as server:
        with pytest.raises(UnreachableError) as caught:
            await client.read(server.url, deadline_s=LONG)
        assert caught.value.code == "LVD-NET-072"
        with pytest.raises(BreakerOpenError):
            await client.read(server.url, deadline_s=LONG)
        assert len(server.asked) == 1
        await clock.sleep(91)
        assert (await client.read(server.url, deadline_s=LONG)).body == b"ok"


async def test_nobody_can_ask_to_be_left_alone_for_years(client, clock):
    busy = whole(b"", BUSY, "Retry-After: 999999999")
    async with asked(client, says(busy, whole(b"ok"))) as server:
        with pytest.raises(UnreachableError):
            await client.read(server.url, deadline_s=LONG)
        await clock.sleep(301)
        assert (await client.read(server.url, deadline_s=LONG)).body == b"ok"


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "١٢", "Wed, 99 Foo 2026 99:99:99 GMT"])
async def test_a_retry_after_that_says_nothing_is_as_none(client, clock, nonsense):
    busy = whole(b"", BUSY, f"Retry-After: {nonsense}")
    async with asked(client, says(busy, whole(b"ok"))) as server:
        assert (await client.read(server.url, deadline_s=LONG)).body == b"ok"
    assert clock.waits[0] <= 0.75


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (says(b"\x00\xff\x13garbage\r\n\r\n"), "LVD-CHN-072"),
        (says(whole(b"", "302 Found", "Location: http://127.0.0.1:1/b")), "LVD-CHN-071"),
        (says(whole(b"x" * 10_001)), "LVD-CHN-070"),
        (says(whole(gzip.compress(b"{}"), "200 OK", "Content-Encoding: gzip")), "LVD-CHN-073"),
        (endless(b"x" * 1000), "LVD-CHN-070"),
    ],
    ids=["garbage", "redirect", "huge", "compressed", "endless"],
)
async def test_what_is_no_answer_is_named_and_not_asked_for_again(client, clock, script, code):
    async with asked(client, script) as server:
        with pytest.raises(NonsenseError) as caught:
            await client.read(server.url, deadline_s=LONG)
    assert caught.value.code == code
    assert clock.waits == []
    assert len(server.asked) == 1


async def test_an_answer_of_just_the_longest_length_is_taken(client):
    async with asked(client, says(whole(b"x" * 10_000))) as server:
        assert len((await client.read(server.url)).body) == 10_000


async def test_a_failing_service_is_left_alone_and_the_next_is_not(client, clock):
    async with loopback(says(whole(b"ok"))) as good, asked(client, cuts_after(b"")) as bad:
        for _ in range(3):
            with pytest.raises(UnreachableError):
                await client.read(bad.url, deadline_s=0.3)
        count = len(bad.asked)
        with pytest.raises(BreakerOpenError):
            await client.read(bad.url)
        with pytest.raises(BreakerOpenError):
            await client.send(bad.url, b"order")
        assert len(bad.asked) == count
        assert (await client.read(good.url)).body == b"ok"
        assert sorted(client.circuits().values()) == ["closed", "open"]


async def test_the_true_cause_is_reported_when_the_breaker_opens_between_tries(client):
    async with asked(client, says(whole(b"", "500 Oops"))) as server:
        with pytest.raises(UnreachableError) as caught:
            await client.read(server.url, deadline_s=LONG)
    assert caught.value.code == "LVD-NET-072"
    assert not isinstance(caught.value, BreakerOpenError)


async def test_a_service_that_comes_back_is_asked_again(client, clock):
    broken = whole(b"", "500 Oops")
    async with asked(client, says(broken, broken, broken, whole(b"back"))) as server:
        with pytest.raises(UnreachableError):
            await client.read(server.url, deadline_s=LONG)
        await clock.sleep(5)
        assert (await client.read(server.url)).body == b"back"
        assert set(client.circuits().values()) == {"closed"}


@pytest.mark.parametrize(
    "script",
    [
        says(whole(b"", "500 Oops")),
        cuts_after(b""),
        says(b"\x00garbage\r\n\r\n"),
        says(whole(b"x" * 10_001)),
        says(whole(b"", "307 Moved", "Location: https://example.com")),
    ],
)
async def test_neither_errors_nor_logs_show_more_than_the_host(client, script):
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, diagnose=False)
    async with asked(client, script) as server:
        with pytest.raises(LeverdError) as caught:
            await client.read(
                server.url + "/v2/path-with-key",
                params={"apikey": "key-in-params"},
                headers={"x-api-key": Secret("key-in-header")},
                deadline_s=2,
            )
        logger.opt(exception=caught.value).error("it failed")
    logger.remove(sink)
    said = "".join(lines) + str(caught.value)
    assert not any(word in said for word in ("path-with-key", "key-in-params", "key-in-header"))
    assert "127.0.0.1" in said


async def test_a_secret_never_leaves_the_machine_unencrypted(client):
    for url in ("http://api.example.com/v2", "http://10.0.0.1", "ftp://localhost.example"):
        with pytest.raises(SecretError) as caught:
            await client.read(url, headers={"x-api-key": Secret("hidden-key")})
        assert caught.value.code == "LVD-KEY-070"
    with pytest.raises(SecretError):
        await client.send("http://api.example.com", b"", headers={"k": Secret("hidden-key")})


async def test_no_cookie_and_no_compression_is_asked_for(client):
    async with asked(client, says(whole(b"", "200 OK", "Set-Cookie: id=1"))) as server:
        await client.read(server.url)
        await client.read(server.url)
    assert "cookie" not in server.asked[1].headers
    assert server.asked[0].headers["accept-encoding"] == "identity"


async def test_reads_go_side_by_side_on_one_client(client):
    async with asked(client, says(whole(b"ok"))) as server:
        answers = await asyncio.gather(*(client.read(server.url) for _ in range(20)))
    assert [answer.body for answer in answers] == [b"ok"] * 20


async def test_a_client_that_was_closed_opens_again_when_it_is_asked(client):
    async with asked(client, says(whole(b"ok"))) as server:
        await client.read(server.url)
        await client.close()
        assert (await client.read(server.url)).body == b"ok"
