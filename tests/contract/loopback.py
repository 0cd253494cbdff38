"""A server on loopback that sends whatever bytes a script says, well-formed or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    script: Script
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def stop(self) -> None:
        """Leave no connection behind."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _parsed(reader)
                self.asked.append(asked)
                await self.script(asked, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _parsed(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def loopback(script: Script) -> AsyncIterator[Loopback]:
    found = Loopback(script)
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        await found.stop()
        await server.wait_closed()


def whole(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def says(*answers: bytes) -> Script:
    """Answer with each in turn, and with the last one from then on."""
    left = list(answers)

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return script


def cuts_after(part: bytes, then: bytes | None = None) -> Script:
    """Send `part` and close; answer later requests with `then`, if there is any."""
    cut = False

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal cut
        if cut and then is not None:
            writer.write(then)
            return
        cut = True
        writer.write(part)
        await writer.drain()
        writer.close()

    return script


def never() -> Script:
    async def script(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return script


def endless(part: bytes) -> Script:
    """Send `part` for as long as anybody listens."""

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = f"{len(part):x}\r\n".encode() + part + b"\r\n"
        while True:
            writer.write(chunk)
            await writer.drain()

    return script
