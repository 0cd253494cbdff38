"""All I/O of one chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Head:
    """A block header, as far as leverd needs it."""

    number: int
    block_hash: str
    parent_hash: str
    at: int  # unix seconds
    base_fee: int  # wei per gas of this block
    gas_used: int
    gas_limit: int


@dataclass(frozen=True, slots=True)
class Call:
    """One read: calldata for a contract."""

    to: str
    data: bytes
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one `Call`; `data` is the return data, or the revert data if it failed."""

    succeeded: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """One event of a receipt."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chain did with a mined transaction."""

    tx_hash: str
    block: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price: int  # wei per gas, effective
    logs: tuple[Log, ...]
    l1_fee: int = 0  # wei beside gas, for its data on Ethereum; a rollup's alone

    @property
    def paid(self) -> int:
        """Return what it cost in all, wei."""
        return self.gas_used * self.gas_price + self.l1_fee


@dataclass(frozen=True, slots=True)
class BatchRead:
    """Replies that all come from the one block `head`."""

    head: Head
    replies: tuple[Reply, ...]


class ChainClient(Protocol):
    """Deadlines, backoff and a breaker stand around every read; sends are never retried.

    Every method raises `UnreachableError` when no answer came, `NonsenseError` when the
    answer cannot be true.
    """

    async def chain_id(self) -> int:
        """Return the chain's id."""
        ...

    async def head(self) -> Head:
        """Return the newest block."""
        ...

    async def block(self, number: int) -> Head | None:
        """Return the canonical block of that height, None beyond the head."""
        ...

    async def final_number(self) -> int:
        """Return the height at or below which blocks no longer change."""
        ...

    async def read(self, calls: Sequence[Call], *, head: Head | None = None) -> BatchRead:
        """Return replies to all `calls` from one block, chunked only at the node's gas cap."""
        ...

    async def call(self, call: Call, *, sender: str, block: int | None = None) -> Reply:
        """Return what `call` would answer `sender`, at `block` or pending."""
        ...

    async def estimate_gas(self, call: Call, *, sender: str) -> int:
        """Return the gross gas `call` needs on the pending block.

        Raises:
            RevertedError: it would revert; `reason` is decoded.
        """
        ...

    async def nonce(self, address: str, *, pending: bool = False) -> int:
        """Return how many transactions of `address` are mined (or known, with `pending`)."""
        ...

    async def balance(self, address: str) -> int:
        """Return the native balance in wei."""
        ...

    async def code(self, address: str) -> bytes:
        """Return the deployed code, empty when there is none."""
        ...

    async def receipt(self, tx_hash: str) -> Receipt | None:
        """Return the receipt of a mined transaction, else None."""
        ...

    async def send(self, payload: bytes) -> None:
        """Hand a signed transaction to the node. An already known one is a success.

        Raises:
            RefusedError: the node would not take it (nonce too low, underpriced, funds).
            UnreachableError: no answer; it may be in the pool.
        """
        ...
