"""HTTP, for every service that is asked by a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from leverd.interfaces.secrets import Secret

Headers = Mapping[str, str | Secret]
"""By name. A secret is revealed only while the request is written."""

NONE: Final[Mapping[str, str]] = {}
"""No headers, or no parameters."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer: what it says of itself is for whoever asked to judge."""

    status: int  # 200-299, or 400-499 without 408, 425 and 429, which mean: not now
    headers: Mapping[str, str]  # names in small letters
    body: bytes


class HttpClient(Protocol):
    """Deadlines, bounded answers, no redirects, and a breaker for each origin asked.

    Errors and logs name the host and never path, parameters, headers or body: those hold keys.
    Every method raises `SecretError` when a secret would leave the machine unencrypted.
    """

    async def read(
        self,
        url: str,
        *,
        params: Mapping[str, str] = NONE,
        headers: Headers = NONE,
        deadline_s: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a GET, which is asked again while there is time for it.

        Waits between tries grow, and are at least as long as the service asks for.

        Raises:
            BreakerOpenError: it failed too often, or asked to be left alone; it was not asked.
            UnreachableError: no whole answer before the deadline, or only "not now".
            NonsenseError: what came is no answer: too long, a redirect, or not HTTP.
        """
        ...

    async def send(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers = NONE,
        deadline_s: float | None = None,
    ) -> HttpAnswer:
        """Return the answer to a POST that is made at most once.

        Raises:
            BreakerOpenError: it failed too often; nothing was sent.
            UnreachableError: no whole answer; it may or may not have been done.
        """
        ...

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each origin lets through now, by host."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...
