"""What a node's refusal to answer a read means."""

from __future__ import annotations

from typing import Final

from eth_abi.abi import encode

from leverd.adapters.evm import codes, wire
from leverd.adapters.evm.abi import selector
from leverd.adapters.evm.transport import Answer, RpcError
from leverd.errors import ForgottenError, LeverdError, NonsenseError, UnreachableError

_EXECUTION_REVERTED: Final = 3
INVALID_PARAMS: Final = -32602
_METHOD_UNKNOWN: Final = -32601
_GAS_WORDS: Final = ("out of gas", "outofgas", "gas limit", "gas required", "exceeds", "gas cap")
_REVERT_WORDS: Final = ("revert", "invalid opcode", "stack underflow", "execution error")
_FORGOTTEN_WORDS: Final = (
    "missing trie node",  # geth
    "historical state",  # geth, erigon
    "state not available",
    "state is not available",
    "no state available",  # nethermind
    "state already discarded",
    "world state unavailable",  # besu
    "pruned",  # reth, erigon
    "blockoutofrange",  # anvil
)
_PREFIX: Final = "execution reverted: "


def value(answer: Answer) -> object:
    """Return a good answer.

    Raises:
        UnreachableError: the node could not say; another, or later, may.
        NonsenseError: the node does not know the question.
    """
    if isinstance(answer, RpcError):
        raise failure(answer)
    return answer


def failure(error: RpcError) -> LeverdError:
    """Return the error for a node that did not answer a read."""
    text = f"the node answered {error.code}: {error.message}"
    if is_forgotten(error):
        return ForgottenError(
            text, number=codes.FORGOTTEN, remedy="add the RPC of an archive node to chain.rpc"
        )
    if error.code in (INVALID_PARAMS, _METHOD_UNKNOWN):
        return NonsenseError(
            text, number=codes.MALFORMED, remedy="use an RPC that serves the standard methods"
        )
    return UnreachableError(
        text, number=codes.REFUSED_BY_NODE, remedy="check the node's state and rate limits"
    )


def is_forgotten(error: RpcError) -> bool:
    """Return whether a read failed because the block's state is kept no more."""
    text = error.message.lower()
    return any(word in text for word in _FORGOTTEN_WORDS)


def ran_out(error: RpcError) -> bool:
    """Return whether a call failed for want of gas, the node's cap included."""
    text = error.message.lower()
    return any(word in text for word in _GAS_WORDS)


def revert_data(error: RpcError) -> bytes | None:
    """Return what a reverted call returned, None when the call was not executed at all."""
    found = _hex_in(error.data)
    if found is not None:
        return found
    text = error.message.lower()
    if error.code != _EXECUTION_REVERTED and not any(word in text for word in _REVERT_WORDS):
        return None
    reason = error.message.partition(_PREFIX)[2]
    return selector("Error(string)") + encode(("string",), (reason,)) if reason else b""


def _hex_in(data: object) -> bytes | None:
    """Return the bytes in an error's data: plain, nested, or after a word as Parity does."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if not isinstance(data, str) or "0x" not in data:
        return None
    try:
        return wire.data(data[data.index("0x") :].strip())
    except NonsenseError:
        return None
