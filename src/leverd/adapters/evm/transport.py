"""JSON-RPC over HTTP to one node: one request, one deadline, a bounded answer.

web3's provider forms requests and parses answers; its own session, retries and middleware
are left out, so that each call is one request and nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from eth_typing import URI
from web3.providers.rpc import AsyncHTTPProvider
from web3.types import RPCEndpoint

from leverd.adapters.evm import codes
from leverd.adapters.evm.abi import malformed
from leverd.errors import NonsenseError, UnreachableError

BYTES_MAX: Final = 64 * 2**20
"""Answers longer than this are refused: 10,000 positions take about 40 MB."""

_CONNECT_S: Final = 2.0
_LONG: Final = 2**20  # bytes; shorter requests are refused for other reasons
_SHORT: Final = 2**16  # bytes; whoever finds so little too much takes nothing at all
_INVALID_REQUEST: Final = -32600
_SPOKEN: Final = (200, 400)
"""HTTP's OK, and its "bad request": with it some hosts refuse a method they do not serve."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One JSON-RPC question."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class RpcError:
    """The node answered, and said no."""

    code: int
    message: str
    data: object = None


Answer = object | RpcError


class TooLongError(NonsenseError):
    """The node does not take a request of this length; whoever can is to ask for less."""


class _StatusError(aiohttp.ClientError):
    """An HTTP status other than 200. Never leaves this module."""


class Endpoint:
    """One node by its URL. Only the host is ever shown: paths hold API keys."""

    def __init__(self, url: str, *, bytes_max: int = BYTES_MAX) -> None:
        self.name = urlsplit(url).hostname or "rpc"
        port = urlsplit(url).port
        if port is not None:
            self.name = f"{self.name}:{port}"
        self._provider = AsyncHTTPProvider(URI(url), exception_retry_configuration=None)
        self._url = url
        self._bytes_max = bytes_max
        self._session: aiohttp.ClientSession | None = None
        self.asked = 0  # requests made
        self.unanswered = 0  # of them, those without a usable answer

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    async def ask(
        self, asks: Sequence[Ask], deadline_s: float, *, once: bool = False
    ) -> list[Answer]:
        """Return one answer per question, in order, from one HTTP request.

        A kept connection that turns out to be closed is replaced and the request made again,
        unless it must be made only `once`.

        Raises:
            UnreachableError: no answer came in `deadline_s` seconds.
            NonsenseError: what came is no answer to these questions.
        """
        requests = [
            self._provider.form_request(RPCEndpoint(ask.method), ask.params) for ask in asks
        ]
        body = (
            self._provider.encode_rpc_dict(requests[0])
            if len(requests) == 1
            else self._provider.encode_batch_request_dicts(requests)
        )
        self.asked += 1
        try:
            async with asyncio.timeout(deadline_s):
                raw = await (self._post(body) if once else self._post_again(body))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.unanswered += 1
            raise UnreachableError(
                f"no answer within {deadline_s:.3g} s: {_said(error)}",
                number=codes.NO_ANSWER,
                place=self.name,
                remedy="check the node and the network, or add a second RPC",
            ) from error
        found = self._parsed(raw)
        if _is_refusal(found) and len(body) > _LONG:
            raise self._too_long(body)
        return _in_order(found, [request["id"] for request in requests])

    async def close(self) -> None:
        """Release the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post_again(self, body: bytes) -> bytes:
        try:
            return await self._post(body)
        except aiohttp.ServerDisconnectedError:
            return await self._post(body)

    async def _post(self, body: bytes) -> bytes:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                headers={"Content-Type": "application/json"},
            )
        # A long body goes out in parts, so that it does not hold up the event loop.
        data = io.BytesIO(body) if len(body) > _LONG else body
        async with self._session.post(self._url, data=data, allow_redirects=False) as response:
            if response.status == 413 and len(body) > _SHORT:  # noqa: PLR2004 - HTTP's "too large"
                raise self._too_long(body)
            said = await self._bounded(response) if response.status in _SPOKEN else b""
            if response.status != 200 and not _is_said(said):  # noqa: PLR2004 - HTTP's OK
                raise _StatusError(f"HTTP status {response.status}")
            return said

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._bytes_max:
                response.close()
                raise NonsenseError(
                    f"an answer of more than {self._bytes_max} bytes",
                    number=codes.TOO_LARGE,
                    place=self.name,
                    remedy="check what answers at this URL",
                )
            parts.append(part)
        return b"".join(parts)

    def _too_long(self, body: bytes) -> TooLongError:
        return TooLongError(
            f"a request of {len(body)} bytes is too long for the node",
            number=codes.TOO_LARGE,
            place=self.name,
            remedy="raise the longest request that the node, or what stands before it, takes",
        )

    def _parsed(self, raw: bytes) -> object:
        try:
            return self._provider.decode_rpc_response(raw)
        except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
            raise malformed(f"{len(raw)} bytes that are no JSON", self.name) from error


def _is_said(raw: bytes) -> bool:
    """Return whether a body is a refusal in JSON-RPC's own words."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("error"), dict) and "id" in found


def _is_refusal(found: object) -> bool:
    """Return whether a node refused a whole request before reading it, as anvil does."""
    error = found.get("error") if isinstance(found, dict) else None
    return isinstance(error, dict) and error.get("code") == _INVALID_REQUEST


def _said(error: Exception) -> str:
    """Return what an error may show: other texts may quote the URL, and with it an API key."""
    return str(error) if isinstance(error, _StatusError) else type(error).__name__


def _in_order(answer: object, ids: Sequence[object]) -> list[Answer]:
    """Return the answers to `ids` in their order; a node may shuffle a batch."""
    if isinstance(answer, dict) and len(ids) > 1 and "error" in answer:
        refused = error_of(answer["error"])
        return [refused] * len(ids)
    parts = answer if isinstance(answer, list) else [answer]
    named = (part for part in parts if isinstance(part, dict))
    by_id = {part["id"]: part for part in named if isinstance(part.get("id"), int)}
    if len(parts) != len(ids) or set(by_id) != set(ids):
        raise NonsenseError(
            "an answer to another question",
            number=codes.OTHER_ANSWER,
            remedy="check that nothing between us and the node mixes answers up",
        )
    return [_result(by_id[id_]) for id_ in ids]


def _result(part: Mapping[str, Any]) -> Answer:
    if part.get("error") is not None:
        return error_of(part["error"])
    if "result" not in part:
        raise malformed("neither result nor error")
    result: object = part["result"]
    return result


def error_of(error: object) -> RpcError:
    """Return what a node gave for an error, whatever that is."""
    if not isinstance(error, dict):
        return RpcError(0, str(error)[:200])
    code = error.get("code")
    return RpcError(
        code if isinstance(code, int) else 0, str(error.get("message"))[:500], error.get("data")
    )
