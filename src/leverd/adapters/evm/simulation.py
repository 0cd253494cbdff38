"""Trying a call without sending it (eth_simulateV1)."""

from __future__ import annotations

from typing import Any

from leverd.adapters.evm import answers, codes, revert_reasons, wire
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.transport import Answer, RpcError
from leverd.errors import NonsenseError, RevertedError
from leverd.interfaces.chain_client import Call


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
