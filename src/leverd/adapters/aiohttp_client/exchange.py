"""One request and its answer: bounded, not decompressed, not followed anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from leverd.adapters.aiohttp_client import codes
from leverd.errors import NonsenseError, UnreachableError
from leverd.interfaces.http_client import HttpAnswer

_CONNECT_S: Final = 3.0
_NOT_NOW: Final = frozenset({408, 425, 429})
_REDIRECTS: Final = range(300, 400)
_FAILURES: Final = range(500, 600)


@dataclass(frozen=True, slots=True)
class Question:
    """One request, ready to be written."""

    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Question({self.method} {host(self.url)})"


class NotNowError(UnreachableError):
    """The service answered that it would not answer now, and perhaps when to ask again."""

    retry_after: str | None = None


def host(url: str) -> str:
    """Return the part of `url` that may be shown."""
    parts = urlsplit(url)
    name = parts.hostname or "?"
    return name if parts.port is None else f"{name}:{parts.port}"


def session() -> aiohttp.ClientSession:
    """Return a session that keeps connections and nothing else: no cookies, no proxies."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
        # A few compressed kilobytes can be gigabytes; plain ones are counted as they come.
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def exchange(
    through: aiohttp.ClientSession, question: Question, deadline_s: float, bytes_max: int
) -> HttpAnswer:
    """Return the whole answer to `question`, asked once.

    Raises:
        UnreachableError: no whole answer in `deadline_s` seconds, or only "not now".
        NonsenseError: too long, compressed, a redirect, or no HTTP.
    """
    place = host(question.url)
    try:
        async with asyncio.timeout(deadline_s):
            return await _exchange(through, question, bytes_max)
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        raise NonsenseError(
            f"no HTTP came ({type(error).__name__})",
            number=codes.NOT_HTTP,
            place=place,
            remedy="check what answers at this URL",
        ) from None  # its text quotes the URL
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UnreachableError(
            f"no whole answer within {deadline_s:.3g} s ({type(error).__name__})",
            number=codes.NO_ANSWER,
            place=place,
            remedy="check the service and the network",
        ) from None


async def _exchange(
    through: aiohttp.ClientSession, question: Question, bytes_max: int
) -> HttpAnswer:
    async with through.request(
        question.method,
        question.url,
        params=dict(question.params) or None,
        headers=question.headers,
        data=question.body,
        allow_redirects=False,
    ) as response:
        _judge(response)
        body = await _bounded(response, bytes_max)
        named = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(response.status, named, body)


def _judge(response: aiohttp.ClientResponse) -> None:
    """Raise unless the body is worth reading."""
    place = host(str(response.url))
    if response.status in _NOT_NOW or response.status in _FAILURES:
        error = NotNowError(f"HTTP status {response.status}", number=codes.NOT_NOW, place=place)
        error.retry_after = response.headers.get("Retry-After")
        response.close()
        raise error
    if response.status in _REDIRECTS:
        response.close()
        raise NonsenseError(
            "a redirect, which is not followed: it could carry a key to somebody else",
            number=codes.REDIRECT,
            place=place,
            remedy="name the final URL in the settings",
        )
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise NonsenseError(
            "a compressed answer, which was not asked for", number=codes.ENCODED, place=place
        )


async def _bounded(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    parts, size = [], response.content_length or 0
    if size <= bytes_max:
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            parts.append(part)
            if size > bytes_max:
                break
        else:
            return b"".join(parts)
    response.close()
    raise NonsenseError(
        f"an answer of more than {bytes_max} bytes",
        number=codes.TOO_LARGE,
        place=host(str(response.url)),
        remedy="check what answers at this URL",
    )
