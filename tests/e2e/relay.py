"""A private relay on loopback, in front of the devnet: it forwards, delays, swallows and lies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from eth_utils.crypto import keccak
from tests.evm.proxy import proxied

from leverd.devnet.rpc import Rpc

SEND: Final = "eth_sendRawTransaction"
WRAPPED: Final = "eth_sendPrivateTransaction"
LIE: Final = "0x" + "77" * 32


@dataclass
class RelayStandIn:
    """Takes transactions as a relay does; what it does with them is `manner`."""

    node: str
    manner: str  # honest | swallows | lies | late
    taken: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def answer(self, method: str, params: list[Any]) -> Any:
        assert method in {SEND, WRAPPED}, method
        raw = params[0]["tx"] if method == WRAPPED else params[0]
        self.methods.append(method)
        self.taken.append(raw)
        if self.manner != "swallows":
            rpc = Rpc(self.node)
            try:
                rpc.ask(SEND, raw)
            finally:
                rpc.close()
        return LIE if self.manner == "lies" else "0x" + keccak(hexstr=raw).hex()


@asynccontextmanager
async def relay_before(node: str, manner: str):
    """Run a relay before `node`; yield it and its URL."""
    relay = RelayStandIn(node, manner)
    async with proxied(relay.answer) as proxy:
        if manner == "late":
            proxy.fault = _late(3.0)
        if manner == "dead":
            proxy.fault = _dead(relay)
        yield relay, proxy.url


def _late(seconds: float) -> Callable[..., Any]:
    async def fault(_request: web.Request, _questions: Any, _answers: Any) -> None:
        await asyncio.sleep(seconds)

    return fault


def _dead(relay: RelayStandIn) -> Callable[..., Any]:
    relay.manner = "swallows"

    async def fault(_request: web.Request, _questions: Any, _answers: Any) -> web.Response:
        return web.Response(status=503)

    return fault
