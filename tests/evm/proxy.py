"""A loopback JSON-RPC node that answers as a script says, or stands before a real one and errs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

Fault = Callable[[web.Request, list[Any], list[Any]], Awaitable[web.StreamResponse | None]]


class Proxy:
    """Counts what it is asked; `fault`, when set, may answer in the node's place.

    A fault sees the questions and the true answers (lists, also for a single one) and returns
    a response, or None to have the answers sent, which it may have changed in place.
    """

    def __init__(self, upstream: str | Callable[[str, list[Any]], Any]) -> None:
        self._upstream = upstream
        self.fault: Fault | None = None
        self.requests = 0
        self.methods: list[str] = []
        self.url = ""

    def forget(self) -> None:
        self.requests = 0
        self.methods.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        questions = asked if isinstance(asked, list) else [asked]
        self.requests += 1
        self.methods += [one["method"] for one in questions]
        answers = await self._true_answers(asked, questions)
        if self.fault is not None:
            response = await self.fault(request, questions, answers)
            if response is not None:
                return response
        return web.json_response(answers if isinstance(asked, list) else answers[0])

    async def _true_answers(self, asked: Any, questions: list[Any]) -> list[Any]:
        if callable(self._upstream):
            return [_scripted(self._upstream, one) for one in questions]
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._upstream, json=asked) as response,
        ):
            found = await response.json()
        return found if isinstance(found, list) else [found]


def _scripted(script: Callable[[str, list[Any]], Any], question: Any) -> Any:
    found = script(question["method"], question["params"])
    part = found if isinstance(found, dict) and "error" in found else {"result": found}
    return {"jsonrpc": "2.0", "id": question["id"], **part}


@asynccontextmanager
async def proxied(upstream: str | Callable[[str, list[Any]], Any]):
    """Run a proxy on a free loopback port."""
    proxy = Proxy(upstream)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/", proxy.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    proxy.url = f"http://127.0.0.1:{port}/"
    try:
        yield proxy
    finally:
        await runner.cleanup()


def always(response: Callable[[], web.StreamResponse]) -> Fault:
    async def fault(_request, _questions, _answers):
        return response()

    return fault


def status(code: int) -> Fault:
    return always(lambda: web.Response(status=code, text="no"))


def body(text: str | bytes) -> Fault:
    raw = text.encode() if isinstance(text, str) else text
    return always(lambda: web.Response(body=raw, content_type="application/json"))


async def dropped(request, _questions, _answers):
    """Close the connection without a word."""
    request.transport.close()
    return web.Response()


def delayed(seconds: float) -> Fault:
    async def fault(_request, _questions, _answers):
        await asyncio.sleep(seconds)

    return fault


def changed(change: Callable[[str, Any], Any]) -> Fault:
    """Replace each result by `change(method, result)`."""

    async def fault(_request, questions, answers):
        by_id = {question["id"]: question["method"] for question in questions}
        for answer in answers:
            if "result" in answer:
                answer["result"] = change(by_id[answer["id"]], answer["result"])

    return fault


def times(count: int, fault: Fault) -> Fault:
    """Err `count` times, then be good."""
    left = [count]

    async def limited(request, questions, answers):
        if left[0] == 0:
            return None
        left[0] -= 1
        return await fault(request, questions, answers)

    return limited


def mangled(raw: list[Any]) -> bytes:
    """Return answers with a byte in the middle replaced."""
    text = bytearray(json.dumps(raw).encode())
    text[len(text) // 2] ^= 0x15
    return bytes(text)
