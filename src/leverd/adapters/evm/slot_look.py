"""One consistent look at what became of a nonce."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leverd.adapters.evm import answers, codes, questions, replies, wire
from leverd.adapters.evm.sources import Sources
from leverd.adapters.evm.transport import Answer, Ask
from leverd.errors import UnreachableError
from leverd.interfaces.chain_client import Head, Receipt


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a transaction says that it is."""

    block: int
    block_hash: str
    gas_price: int  # wei per gas, effective


@dataclass(frozen=True, slots=True)
class SlotLook:
    """What one consistent look shows about a nonce."""

    head: Head
    final_number: int
    nonce: int  # mined transactions of the address as of `head`
    receipts: tuple[Receipt, ...]  # of those hashes that are mined
    known: frozenset[str]  # hashes a pool or a block holds
    placed: Mapping[str, Placed]  # of them, those that say which block holds them


@dataclass(frozen=True, slots=True)
class Finality:
    """How to tell which blocks no longer change: by tag, or by depth without one."""

    tag: str
    depth: int

    def asks(self) -> tuple[Ask, ...]:
        """Return the question that `number` needs answered, if any."""
        return (questions.header(self.tag),) if self.tag else ()

    def number(self, head: Head, got: Sequence[Answer]) -> int:
        """Return the height at or below which blocks no longer change."""
        if not self.tag:
            return max(head.number - self.depth, 0)
        final = replies.maybe_head(got[0])
        return 0 if final is None else min(final.number, head.number)


async def look(
    sources: Sources, finality: Finality, address: str, slot: int, tx_hashes: Sequence[str]
) -> SlotLook:
    """Return what became of nonce `slot`, receipts and nonce agreeing with each other.

    A nonce that is spent while no receipt is found is looked at once more: a balanced pool of
    nodes may have shown the newer state first.

    Raises:
        UnreachableError: the node contradicts itself for now.
    """
    asks, parse = _question(finality, address, tx_hashes)
    doubted = False
    for _ in range(3):
        seen = await sources.read(asks, parse)
        mined = any(receipt.block <= seen.head.number for receipt in seen.receipts)
        ahead = any(receipt.block > seen.head.number for receipt in seen.receipts)
        foreign = not seen.receipts and seen.nonce > slot
        if ahead or (mined and seen.nonce <= slot) or (foreign and not doubted):
            doubted = True
            continue
        return seen
    raise UnreachableError(
        "receipts and nonce do not agree yet",
        number=codes.INCONSISTENT_LOOK,
        remedy="if it stays so, use one node instead of a balanced pool of them",
    )


def _question(
    finality: Finality, address: str, tx_hashes: Sequence[str]
) -> tuple[tuple[Ask, ...], Callable[[Sequence[Answer]], SlotLook]]:
    """Return what to ask, in an order in which receipts are never older than the nonce."""
    count = len(tx_hashes)
    asks = (
        *(Ask("eth_getTransactionByHash", (tx_hash,)) for tx_hash in tx_hashes),
        questions.header(questions.LATEST),
        questions.nonce(address, questions.LATEST),
        *(Ask("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in tx_hashes),
        *finality.asks(),
    )

    def parse(got: Sequence[Answer]) -> SlotLook:
        head = replies.head(got[count])
        pairs = zip(got[count + 2 : 2 * count + 2], tx_hashes, strict=True)
        found = (replies.maybe_receipt(answer, tx_hash) for answer, tx_hash in pairs)
        known = {
            tx_hash: said
            for answer, tx_hash in zip(got[:count], tx_hashes, strict=True)
            if (said := answers.value(answer))
        }
        placed = {tx_hash: _placed(said) for tx_hash, said in known.items()}
        return SlotLook(
            head,
            finality.number(head, got[2 * count + 2 :]),
            replies.number(got[count + 1]),
            tuple(receipt for receipt in found if receipt is not None),
            frozenset(known),
            {tx_hash: place for tx_hash, place in placed.items() if place is not None},
        )

    return asks, parse


def _placed(found: object) -> Placed | None:
    """Return where a transaction is, None for one that waits."""
    if not isinstance(found, dict) or found.get("blockNumber") is None:
        return None
    return Placed(
        wire.quantity(found["blockNumber"]),
        wire.digest(found.get("blockHash")),
        wire.quantity(found.get("gasPrice")),
    )
