"""The websocket: what happens, as it happens, from any entry on."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager

import pytest
from tests.unit.api.house import House, mark

from leverd.api.feed import Feed
from leverd.domain.events import AlertRaised


class Socket:
    """A client of the application's websocket, without a network."""

    def __init__(self, app):
        self._in, self.out = asyncio.Queue(), asyncio.Queue(maxsize=4)
        scope = {
            "type": "websocket", "path": "/api/v1/live", "raw_path": b"/api/v1/live",
            "headers": [], "query_string": b"", "client": ("127.0.0.1", 1), "subprotocols": [],
            "scheme": "ws", "asgi": {"version": "3.0"}, "state": {}, "root_path": "",
        }  # fmt: skip
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._in.get, self.out.put))

    async def say(self, **hello):
        await self._in.put({"type": "websocket.receive", "text": json.dumps(hello)})

    async def say_raw(self, text):
        await self._in.put({"type": "websocket.receive", "text": text})

    async def hear(self):
        """Return the next message; a close as its code."""
        async with asyncio.timeout(20):
            message = await self.out.get()
        if message["type"] == "websocket.close":
            return message["code"]
        if message["type"] == "websocket.accept":
            return await self.hear()
        return json.loads(message["text"])

    async def hear_until(self, kind):
        """Return the next message of `kind`, or a code."""
        while True:
            heard = await self.hear()
            if isinstance(heard, int) or heard["type"] == kind:
                return heard

    async def leave(self):
        await self._in.put({"type": "websocket.disconnect", "code": 1000})
        while not self.task.done():
            await asyncio.wait({self.task, asyncio.create_task(self.out.get())},
                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip


@asynccontextmanager
async def listening(house):
    """Yield a way to connect while the feed follows the journal."""
    async with house.app.router.lifespan_context(house.app):
        sockets = []

        def connect():
            sockets.append(Socket(house.app))
            return sockets[-1]

        yield connect
        for each in sockets:
            each.task.cancel()
        await asyncio.gather(*(each.task for each in sockets), return_exceptions=True)


async def followed(house, seq):
    """Wait until the feed is at `seq`."""
    async with asyncio.timeout(20):
        while house.app.state.feed.newest < seq:
            house.later()
            await asyncio.sleep(0.01)


def alert(number):
    return AlertRaised("eth-loop", "LVD-GRD-001", f"alert {number}")


async def test_a_listener_hears_what_is_written_in_order_and_only_once(house):
    house.live()
    newest = house.events()[-1].seq
    async with listening(house) as connect:
        await followed(house, newest)
        client = connect()
        await client.say(token=house.read)
        assert (await client.hear())["seq"] == newest
        for number in range(5):
            house.write(alert(number))
        await followed(house, newest + 5)
        heard = [await client.hear_until("event") for _ in range(5)]
        assert [each["seq"] for each in heard] == list(range(newest + 1, newest + 6))
        assert heard[0]["said"] == "LVD-GRD-001 alert 0"
        assert "0xsigned" not in json.dumps(heard)


async def test_who_comes_before_the_first_look_waits_for_it(house, monkeypatch):
    house.live()
    newest, looked = house.events()[-1].seq, threading.Event()
    look = Feed._look

    def late(feed):
        looked.wait(60.0)
        look(feed)

    monkeypatch.setattr(Feed, "_look", late)
    async with listening(house) as connect:
        new, back = connect(), connect()
        await new.say(token=house.read)
        await back.say(token=house.read, after=newest)
        await asyncio.sleep(0.1)
        assert new.out.empty() or new.out.qsize() == 1, "it was accepted, and no more"
        looked.set()
        for each in (new, back):
            assert (await each.hear())["seq"] == newest


async def test_a_file_of_tokens_that_cannot_be_read_ends_the_line_in_order(house, monkeypatch):
    house.live()
    monkeypatch.setattr("leverd.api.live._STILL_S", 0.05)
    async with listening(house) as connect:
        await followed(house, house.events()[-1].seq)
        client = connect()
        await client.say(token=house.read)
        await client.hear_until("hello")
        house.tokens.path.chmod(0o644)
        house.later()
        assert await client.hear_until("event") == 1013


@pytest.mark.parametrize("back", [0, 1, 7])
async def test_who_comes_back_misses_nothing(house, back):
    house.live()
    newest = house.events()[-1].seq
    async with listening(house) as connect:
        await followed(house, newest)
        client = connect()
        await client.say(token=house.read, after=newest - back)
        await client.hear_until("hello")
        house.write(alert(0))
        await followed(house, newest + 1)
        heard = [(await client.hear_until("event"))["seq"] for _ in range(back + 1)]
        assert heard == list(range(newest - back + 1, newest + 2))


async def test_every_turn_is_told_with_where_positions_stand(house):
    house.live().turned(price=3100)
    async with listening(house) as connect:
        await followed(house, house.events()[-1].seq)
        client = connect()
        await client.say(token=house.read)
        turn = await client.hear_until("turn")
        assert turn["positions"][0]["price"]["amount"] == "3100.00000000"
        house.turned(block=5, price=3200)
        turn = await client.hear_until("turn")
        assert turn["positions"][0]["price"]["amount"] == "3200.00000000"


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ('{"token": "guess"}', 4401),
        ("{}", 4401),
        ("", 1008),
        ("[]", 1008),
        ('{"token": 5}', 1008),
        ('{"token": "x", "after": -1}', 1008),
        ('{"token": "x", "more": 1}', 1008),
        ('{"after": "1; DROP TABLE events"}', 1008),
    ],
)
async def test_who_does_not_say_who_he_is_is_shown_out(house, hello, code):
    house.live()
    async with listening(house) as connect:
        client = connect()
        await client.say_raw(hello)
        assert await client.hear() == code


async def test_one_who_waits_for_another_journal_is_told_to_begin_anew(house):
    house.live()
    async with listening(house) as connect:
        await followed(house, 1)
        client = connect()
        await client.say(token=house.read, after=10**6)
        assert await client.hear_until("event") == 4409


async def test_a_revoked_token_hears_no_more(house, monkeypatch):
    monkeypatch.setattr("leverd.api.live._STILL_S", 0.05)
    house.live()
    async with listening(house) as connect:
        await followed(house, 1)
        client = connect()
        await client.say(token=house.read)
        await client.hear_until("hello")
        house.tokens.change(lambda _: [])
        assert await client.hear_until("event") == 4401


async def test_one_who_does_not_listen_is_dropped_and_the_others_hear_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, send_s_max=1.0).live()
    newest = house.events()[-1].seq
    async with listening(house) as connect:
        await followed(house, newest)
        slow, quick = connect(), connect()
        for each in (slow, quick):
            await each.say(token=house.read, after=0)
        heard = [(await quick.hear_until("event"))["seq"] for _ in range(newest)]
        assert heard == list(range(1, newest + 1))
        await asyncio.wait_for(_shown_out(slow), 20)


async def _shown_out(slow):
    await asyncio.sleep(2.0)
    while await slow.hear() != 4408:
        pass


async def test_only_so_many_listen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path, clients_max=2).live()
    async with listening(house) as connect:
        await followed(house, 1)
        for _ in range(2):
            client = connect()
            await client.say(token=house.read)
            await client.hear_until("hello")
        assert await connect().hear() == 4429
        await client.leave()
        again = connect()
        await again.say(token=house.read)
        assert (await again.hear())["type"] == "hello"


async def test_chatter_ends_a_listener(house):
    house.live()
    async with listening(house) as connect:
        client = connect()
        await client.say(token=house.read)
        for _ in range(20):
            await client.say_raw("x" * 100)
        assert await client.hear_until("event") == 1008


@pytest.mark.parametrize("longer", [False, True])
async def test_another_journal_in_its_place_ends_every_listener(house, longer):
    house.live()
    newest = house.events()[-1].seq
    async with listening(house) as connect:
        await followed(house, newest)
        client = connect()
        await client.say(token=house.read)
        await client.hear_until("hello")
        for each in house.journal.parent.glob("journal.db*"):
            each.unlink()
        house.write(*[mark(1, {"price": 7})] * (newest + 5 if longer else 1))
        async with asyncio.timeout(20):
            while house.app.state.feed.generation == 0:
                house.later()
                await asyncio.sleep(0.01)
        assert await client.hear_until("event") == 4409


async def test_another_longer_journal_in_its_place_is_told_alone(house):
    house.live()
    assert (await house.get("/positions/eth-loop/pnl")).status_code == 200
    newest = house.events()[-1].seq
    for each in house.journal.parent.glob("journal.db*"):
        each.unlink()
    house.write(*[mark(1, {"price": 7 * 10**8})] * (newest + 5))
    told = (await house.get("/positions/eth-loop/pnl")).json()
    assert told["lines"] == {"price": {"amount": f"{7 * (newest + 5)}.00000000", "unit": "USD"}}
