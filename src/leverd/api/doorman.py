"""Who asks, and whether they may."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

from starlette.requests import HTTPConnection

from leverd.api import codes
from leverd.api.problems import StatusError
from leverd.api.rates import Buckets
from leverd.api.seams import Desk
from leverd.api.tokens import KeptToken, Scope, found

_BURST: Final = 4
_REMEDY: Final = "make one on the machine with `leverd keys token new`"


class Doorman:
    """Checks tokens, scopes and rates. A right token is never held up by wrong ones."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        bounds, monotonic = desk.bounds, desk.clock.monotonic
        self._asks = Buckets(monotonic, bounds.requests_s_max, bounds.requests_s_max * _BURST)
        most = bounds.failures_min_max
        self._failures = Buckets(monotonic, most / 60, most)

    def admit(self, connection: HTTPConnection, scope: Scope) -> KeptToken:
        """Return the token a request comes with.

        Raises:
            StatusError: there is none, it is wrong, not good for `scope`, or used too often.
        """
        return self.check(_bearer(connection), address_of(connection), scope)

    def check(self, presented: str, address: str, scope: Scope) -> KeptToken:
        """Return the kept token that `presented` is; see `admit`."""
        kept = found(presented, self._desk.keyring.tokens()) if presented else None
        if kept is None:
            self._refuse(address, wrong=bool(presented))
        assert kept is not None, "nobody is refused and let in"
        if wait := self._asks.take(kept.token_id):
            raise _too_many(wait)
        if not kept.may(scope):
            raise StatusError(
                HTTPStatus.FORBIDDEN,
                codes.NOT_ALLOWED,
                f"this token is not good for {scope.value}",
                "make one with `leverd keys token new --scope control`",
            )
        return kept

    def is_good_still(self, token: KeptToken) -> bool:
        """Return whether `token` was not revoked meanwhile."""
        return token in self._desk.keyring.tokens()

    def _refuse(self, address: str, *, wrong: bool) -> None:
        if wrong and (wait := self._failures.take(address)):
            raise _too_many(wait)
        said = "this token is not known" if wrong else "a bearer token is needed"
        raise StatusError(HTTPStatus.UNAUTHORIZED, codes.NO_TOKEN, said, _REMEDY)


def address_of(connection: HTTPConnection) -> str:
    """Return where a request comes from, as the kernel says; no header is believed."""
    return connection.client.host if connection.client else ""


def _bearer(connection: HTTPConnection) -> str:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _too_many(wait: float) -> StatusError:
    said = "too many requests"
    seconds = math.ceil(wait)
    return StatusError(
        HTTPStatus.TOO_MANY_REQUESTS, codes.TOO_MANY, said, f"wait {seconds} s", wait_s=seconds
    )
