"""What every request passes before it means anything: its size, its headers, and the log line."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leverd.api import codes
from leverd.api.problems import answer
from leverd.errors import ApiError
from leverd.interfaces.clock import Clock
from leverd.interfaces.veil import redacted

_TARGET_MAX: Final = 4096  # characters of path and query
_SHOWN: Final = 200
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gatekeeper:
    """Middleware: bounds bodies, adds the headers of a closed house, writes one line a request.

    The line holds method, path and status; never a header, a query or a body.
    """

    def __init__(self, app: ASGIApp, clock: Clock, body_bytes_max: int) -> None:
        self._app, self._clock, self._most = app, clock, body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, sending)
        else:
            await self._pass_on(scope, receive, sending)
        took = (self._clock.monotonic() - began) * 1000
        path = redacted(repr(scope["path"])[:_SHOWN])
        logger.debug("api {} {} -> {} in {:.1f} ms", scope["method"], path, status, took)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        if len(scope["path"]) + len(scope.get("query_string", b"")) > _TARGET_MAX:
            return answer(ApiError("the address is too long", number=codes.TOO_LARGE), 414)
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return answer(ApiError("no such length", number=codes.MALFORMED), 400)
        return self._too_large() if int(length) > self._most else None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body within its bound, then have it answered: a stream is held to it too."""
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # gone before it had said what it wanted
            body += message.get("body", b"")
            if len(body) > self._most:
                await self._too_large()(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        told = False

        async def replay() -> MutableMapping[str, Any]:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    def _too_large(self) -> ASGIApp:
        error = ApiError(f"a body has at most {self._most} bytes", number=codes.TOO_LARGE)
        return answer(error, 413)


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(raw=message["headers"])
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    message["headers"] = headers.raw
