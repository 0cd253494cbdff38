"""The websocket: the journal's entries and each turn as they happen, from any entry on.

The first message is the client's: `{"token": "...", "after": 42}`, where no Authorization header
was sent; a token has no place in an address. Every event carries its seq: a client that comes
back says the last one it has, and misses nothing. Close codes: 4401 no or wrong token, 4403 not
good for this, 4408 too slow, 4409 another journal (begin anew), 4429 too many, 1008 bad talk.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leverd.api.doorman import Doorman, address_of
from leverd.api.feed import Feed, Line
from leverd.api.problems import StatusError
from leverd.api.seams import Desk
from leverd.api.tokens import KeptToken, Scope
from leverd.errors import LeverdError

router = APIRouter()

BAD_TALK: Final = 1008
AGAIN_LATER: Final = 1013
SLOW: Final = 4408
ANOTHER: Final = 4409
MANY: Final = 4429
_HELLO_S: Final = 5.0
_STILL_S: Final = 15.0
_CHATTER_MAX: Final = 16
_STATUS: Final = 4000
"""Added to an HTTP status makes a close code of it: 401 is 4401."""


class Hello(BaseModel):
    """The client's first message."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(max_length=200)] = ""
    after: Annotated[int | None, Field(ge=0, le=2**62, strict=True)] = None


class _Closing(Exception):  # noqa: N818 -- an end that was meant, not an error
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Tell a client what happens until it leaves, is too slow, or its token is revoked."""
    state = socket.app.state
    await socket.accept()
    if state.listeners >= state.desk.bounds.clients_max:
        await socket.close(MANY, "too many listeners")
        return
    state.listeners += 1
    try:
        await _serve(socket, state.desk, state.doorman, state.feed)
    except _Closing as end:
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(end.code, end.reason)
    except WebSocketDisconnect:
        return
    finally:
        state.listeners -= 1


async def _serve(socket: WebSocket, desk: Desk, doorman: Doorman, feed: Feed) -> None:
    hello = await _hello(socket)
    token = await _admitted(socket, doorman, hello)
    await _known(feed)
    if hello.after is not None and hello.after > feed.newest:
        raise _Closing(ANOTHER, "this journal is shorter: begin anew")
    listener = _Listener(socket, desk, feed)
    talk = asyncio.create_task(_hear(socket))
    tell = asyncio.create_task(listener.tell(hello.after, token, doorman))
    try:
        done, _ = await asyncio.wait((talk, tell), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (talk, tell):
            task.cancel()
        await asyncio.gather(talk, tell, return_exceptions=True)


class _Listener:
    """One client and how far it has come."""

    def __init__(self, socket: WebSocket, desk: Desk, feed: Feed) -> None:
        self._socket, self._desk, self._feed = socket, desk, feed

    async def tell(self, after: int | None, token: KeptToken, doorman: Doorman) -> None:
        """Send what there is, and what comes, for as long as the token is good."""
        feed, generation = self._feed, self._feed.generation
        seq = feed.newest if after is None else after
        turn = ""
        await self._send(json.dumps({"type": "hello", "seq": seq, "version": self._desk.version}))
        while True:
            if feed.generation != generation:
                raise _Closing(ANOTHER, "another journal is in its place: begin anew")
            for line in await self._lines(seq):
                await self._send(line.text)
                seq = line.seq
            if feed.turn != turn:
                turn = feed.turn
                await self._send(turn)
            if seq >= feed.newest:
                await feed.wait(_STILL_S)
                if not _is_good_still(doorman, token):
                    raise _Closing(_STATUS + 401, "the token was revoked")

    async def _lines(self, seq: int) -> Sequence[Line]:
        try:
            return await self._feed.after(seq)
        except LeverdError as error:
            raise _Closing(AGAIN_LATER, error.code) from error

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._desk.bounds.send_s_max):
                await self._socket.send_text(text)
        except TimeoutError as error:
            raise _Closing(SLOW, "too slow; come back and say where you were") from error
        except RuntimeError as error:  # it left while we spoke
            raise WebSocketDisconnect from error


async def _hello(socket: WebSocket) -> Hello:
    try:
        async with asyncio.timeout(_HELLO_S):
            message = await socket.receive_text()
        return Hello.model_validate_json(message)
    except TimeoutError as error:
        raise _Closing(_STATUS + 401, "nothing was said") from error
    except (ValidationError, KeyError) as error:
        raise _Closing(BAD_TALK, "a first message is {token, after}") from error


async def _admitted(socket: WebSocket, doorman: Doorman, hello: Hello) -> KeptToken:
    try:
        if hello.token:
            return doorman.check(hello.token, address_of(socket), Scope.READ)
        return doorman.admit(socket, Scope.READ)
    except StatusError as error:
        raise _Closing(_STATUS + error.status, error.message) from error
    except LeverdError as error:
        raise _Closing(AGAIN_LATER, error.code) from error


async def _known(feed: Feed) -> None:
    """Wait until the journal was looked at: where it ends is not known before."""
    if not feed.has_looked:
        await feed.wait(_STILL_S)
    if not feed.has_looked:
        raise _Closing(AGAIN_LATER, feed.reason or "the journal is being read")


def _is_good_still(doorman: Doorman, token: KeptToken) -> bool:
    try:
        return doorman.is_good_still(token)
    except LeverdError as error:  # the file of tokens cannot be read
        raise _Closing(AGAIN_LATER, error.code) from error


async def _hear(socket: WebSocket) -> None:
    """Take little notice of what a client says, and end where it says too much or leaves."""
    for _ in range(_CHATTER_MAX):
        await socket.receive()
        if socket.client_state.name == "DISCONNECTED":
            raise WebSocketDisconnect
    raise _Closing(BAD_TALK, "only the first message is heard")
