"""A private relay: shown a transaction before everybody else, and never trusted with it alone."""

from __future__ import annotations

from typing import Final, NoReturn

from eth_utils.crypto import keccak

from leverd.adapters.evm import codes, refusals, wire
from leverd.adapters.evm.transport import Ask, Endpoint, RpcError
from leverd.errors import BreakerOpenError, NonsenseError, UnreachableError
from leverd.interfaces.breaker import Breaker
from leverd.interfaces.clock import Clock

_DEADLINE_S: Final = 2.0
"""Wall seconds for an answer: what takes longer goes public, and one of both is mined."""

_WRAPPED: Final = "eth_sendPrivateTransaction"


class Relay:
    """One endpoint that takes raw transactions, behind a breaker of its own."""

    def __init__(
        self, url: str, method: str, clock: Clock, *, deadline_s: float = _DEADLINE_S
    ) -> None:
        self._endpoint = Endpoint(url)
        self._method, self._clock, self._deadline_s = method, clock, deadline_s
        self._breaker = Breaker()

    def circuit(self) -> str:
        """Return what its breaker lets through now."""
        return self._breaker.circuit(self._clock.monotonic())

    async def send(self, payload: bytes) -> None:
        """Hand a signed transaction over. That it was taken proves nothing: only a block does.

        Raises:
            UnreachableError: it may or may not have been taken.
            RefusedError: it was not taken.
        """
        if not self._breaker.admits(self._clock.monotonic()):
            raise BreakerOpenError(
                "the relay failed too often and is left alone for now",
                number=codes.BREAKER_OPEN,
                place=self._endpoint.name,
            )
        try:
            await self._hand_over(payload)
        except UnreachableError:
            self._breaker.failed(self._clock.monotonic())
            raise
        self._breaker.succeeded()

    async def close(self) -> None:
        """Release the connection."""
        await self._endpoint.close()

    async def _hand_over(self, payload: bytes) -> None:
        raw = "0x" + payload.hex()
        ask = Ask(self._method, ({"tx": raw},) if self._method == _WRAPPED else (raw,))
        try:
            (answer,) = await self._endpoint.ask((ask,), self._deadline_s, once=True)
            if isinstance(answer, RpcError):
                if refusals.is_known(answer.message):
                    return
                raise refusals.refusal(answer.code, answer.message, self._endpoint.name)
            if wire.digest(answer) != "0x" + keccak(payload).hex():
                self._lied()
        except NonsenseError as error:
            self._lied(error)

    def _lied(self, error: NonsenseError | None = None) -> NoReturn:
        raise UnreachableError(
            "the relay confirmed something else; the outcome is unknown",
            number=codes.OTHER_ANSWER,
            place=self._endpoint.name,
        ) from error


class NoRelay:
    """What stands where no relay is named."""

    async def send(self, payload: bytes) -> None:
        """Take nothing.

        Raises:
            UnreachableError: always.
        """
        raise UnreachableError(
            f"no relay is named; {len(payload)} bytes were not sent", number=codes.NO_ANSWER
        )

    async def close(self) -> None:
        """Do nothing: there is no connection."""
