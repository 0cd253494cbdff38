"""Trying a call without sending it.

A simulation (eth_simulateV1) runs the call once, where an estimate runs it a dozen times; it
reports gas after refunds, which are at most a fifth (EIP-3529).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leverd.adapters.evm import answers, codes, questions, replies, revert_reasons, wire
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.sources import Sources
from leverd.adapters.evm.transport import Answer, Ask, RpcError
from leverd.domain.fixed_point import mul_div_up
from leverd.errors import NonsenseError, RevertedError
from leverd.interfaces.chain_client import Call


class Rehearsals:
    """Tries calls on the newest block; remembers whether the node simulates."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._simulates = True  # until the node says that it does not

    async def gas(self, call: Call, sender: str) -> int:
        """Return gas enough for `call` before refunds, in one request.

        Raises:
            RevertedError: it would revert; the reason is that of a call without a gas limit.
        """
        if self._simulates:
            ask = Ask("eth_simulateV1", (of(call, sender), questions.LATEST))
            used = await self._sources.read((ask,), lambda got: gas_used(got[0]))
            if used is not None:
                return mul_div_up(used, 5, 4)
            self._simulates = False
        parameters = (questions.transaction(call, sender), questions.LATEST)
        asks = (Ask("eth_call", parameters), Ask("eth_estimateGas", parameters))
        return await self._sources.read(asks, _estimate)


def of(call: Call, sender: str) -> dict[str, Any]:
    """Return the simulation of one block that holds `call` alone."""
    transaction = {"from": sender, "to": call.to, "input": "0x" + call.data.hex()}
    return {"blockStateCalls": [{"calls": [transaction]}]}


def gas_used(answer: Answer) -> int | None:
    """Return the gas the call used after refunds, None if the node does not simulate.

    Raises:
        RevertedError: it would revert.
        UnreachableError: the node could not say.
    """
    if isinstance(answer, RpcError):
        error = answers.failure(answer)
        if isinstance(error, NonsenseError):  # it does not know the method or its parameters
            return None
        raise error
    try:
        result = answer[0]["calls"][0]  # type: ignore[index]  # checked by trying
        succeeded = wire.quantity(result["status"]) == 1
        used = wire.quantity(result["gasUsed"])
    except (TypeError, KeyError, IndexError):
        raise malformed("a simulation without a result") from None
    if succeeded:
        return used
    raise RevertedError(revert_reasons.name(_revert_data(result)), number=codes.REVERTED)


def _estimate(got: Sequence[Answer]) -> int:
    tried = replies.reply(got[0])
    if not tried.succeeded:
        raise RevertedError(revert_reasons.name(tried.data), number=codes.REVERTED)
    return replies.gas(got[1])


def _revert_data(result: dict[str, Any]) -> bytes:
    """Return what the call reverted with; nodes put it in one of two places."""
    returned = result.get("returnData")
    if isinstance(returned, str) and len(returned) > len("0x"):
        return wire.data(returned)
    error = result.get("error")
    if not isinstance(error, dict):
        return b""
    found = RpcError(int(error.get("code") or 0), str(error.get("message")), error.get("data"))
    return answers.revert_data(found) or b""
