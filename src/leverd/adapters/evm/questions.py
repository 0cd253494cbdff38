"""The JSON-RPC questions the client asks."""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm.transport import Ask
from leverd.interfaces.chain_client import Call

LATEST: Final = "latest"
PENDING: Final = "pending"
CHAIN: Final = Ask("eth_chainId")


def header(tag: str) -> Ask:
    """Return the question for a block's header, by tag or number."""
    return Ask("eth_getBlockByNumber", (tag, False))


def history(blocks: int) -> Ask:
    """Return the question for base fees, and tips at the 20th, 50th and 90th percentile."""
    return Ask("eth_feeHistory", (hex(blocks), LATEST, [20, 50, 90]))


def nonce(address: str, tag: str) -> Ask:
    """Return the question for how many transactions of `address` are in, by tag or number."""
    return Ask("eth_getTransactionCount", (address, tag))


def tag(block: int | None) -> str:
    """Return the block parameter for a height, or for the pending block."""
    return PENDING if block is None else hex(block)


def transaction(call: Call, sender: str) -> dict[str, str]:
    """Return the transaction parameter of a call that `sender` makes."""
    return {"from": sender, "to": call.to, "data": "0x" + call.data.hex()}
