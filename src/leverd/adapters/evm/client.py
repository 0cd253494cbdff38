"""All I/O of one EVM chain.

A turn is one HTTP request: the newest header, every read through `aggregate3`, and the
signing key's nonce, in one JSON-RPC batch. The reads tell the number, time and parent of the
block they ran in; if that is not the header's (a block came in between), they are made once
more, pinned to the header's hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from leverd.adapters.evm import (
    answers,
    batch,
    codes,
    fees,
    refusals,
    revert_reasons,
    simulation,
    wire,
)
from leverd.adapters.evm.batch_reader import BatchReader, Pin
from leverd.adapters.evm.sources import PATIENT, Patience, Sources
from leverd.adapters.evm.transport import Answer, Ask, Endpoint, RpcError
from leverd.domain.fixed_point import mul_div_up
from leverd.errors import NonsenseError, RevertedError, UnreachableError
from leverd.interfaces.chain_client import BatchRead, Call, Head, Receipt, Reply
from leverd.interfaces.clock import Clock

_LATEST: Final = "latest"
_PENDING: Final = "pending"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A batch of reads, and what the same block says about an address."""

    batch: BatchRead
    nonce: int  # mined transactions of the address
    base_fee: int  # wei per gas, of the next block
    priority_fee: int  # wei per gas, the median of what the last blocks took


@dataclass(frozen=True, slots=True)
class SlotLook:
    """What one consistent look shows about a nonce."""

    head: Head
    final_number: int
    nonce: int  # mined transactions of the address as of `head`
    receipts: tuple[Receipt, ...]  # of those hashes that are mined
    known: frozenset[str]  # hashes a pool or a block holds


class EvmClient:
    """A `ChainClient` over JSON-RPC."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        clock: Clock,
        chain_id: int | None = None,
        final_tag: str = "",
        final_depth: int = 2,
        multicall: str = batch.MULTICALL3,
        patience: Patience = PATIENT,
    ) -> None:
        self._sources = Sources([Endpoint(url) for url in urls], clock, patience)
        self._patience = patience
        self._chain_id = chain_id
        self._final_tag = final_tag
        self._final_depth = final_depth
        self.multicall = multicall
        self._reader = BatchReader(multicall)
        self._simulates = True  # until the node says that it does not

    @property
    def source(self) -> str:
        """The preferred node's host, for stamps."""
        return self._sources.endpoints[0].name

    async def connect(self, *, deadline_s: float) -> int:
        """Return the chain's id, waiting up to `deadline_s` for a node to answer.

        Raises:
            UnreachableError: none did.
            NonsenseError: it is another chain than expected.
        """
        return await self._sources.read((_CHAIN,), self._chain_of, deadline_s=deadline_s)

    async def chain_id(self) -> int:
        """Return the chain's id; see `ChainClient`."""
        return await self._sources.read((_CHAIN,), self._chain_of)

    async def genesis(self) -> str:
        """Return the hash of block 0, which tells one chain from another of the same id."""
        first = await self.block(0)
        if first is None:
            raise NonsenseError("no block 0", number=codes.MALFORMED, place=self.source)
        return first.block_hash

    async def head(self) -> Head:
        """Return the newest block; see `ChainClient`."""
        return await self._sources.read(
            (_header(_LATEST),), lambda got: wire.head(answers.value(got[0]))
        )

    async def block(self, number: int) -> Head | None:
        """Return the canonical block of that height; see `ChainClient`."""
        return await self._sources.read((_header(hex(number)),), lambda got: _maybe_head(got[0]))

    async def block_by_hash(self, block_hash: str) -> Head | None:
        """Return the block of that hash, canonical or not, None if the node lost it."""
        ask = Ask("eth_getBlockByHash", (block_hash, False))
        return await self._sources.read((ask,), lambda got: _maybe_head(got[0]))

    async def final_number(self) -> int:
        """Return the height at or below which blocks no longer change; see `ChainClient`."""
        asks = (_header(_LATEST), *self._final_ask())
        return await self._sources.read(asks, lambda got: self._final_of(_head(got[0]), got[1:]))

    async def read(self, calls: Sequence[Call], *, head: Head | None = None) -> BatchRead:
        """Return replies to all `calls` from one block; see `ChainClient`."""
        return (await self._read(calls, head, ()))[0]

    async def snapshot(self, calls: Sequence[Call], address: str) -> Snapshot:
        """Return replies to all `calls` and the nonce of `address`, of the newest block.

        One HTTP request, unless a block arrived while it was answered.
        """
        extra = (_nonce(address, _LATEST), _history(_RECENT), _header(_LATEST))
        read, got = await self._read(calls, None, extra)
        nonce = wire.quantity(answers.value(got[0]))
        if _head(got[2]).block_hash != read.head.block_hash:
            nonce = await self._nonce_at(address, read.head)
        return Snapshot(read, nonce, *_recent_fees(got[1], read.head))

    async def witnesses(self, head: Head, address: str, nonce: int) -> int:
        """Return how many nodes name `head` and `nonce` too, the preferred one included."""
        agree = 1
        for endpoint in self._sources.endpoints[1:]:
            asks = (_header(hex(head.number)), _nonce(address, hex(head.number)))
            try:
                got = await endpoint.ask(asks, self._patience.deadline_s / 2)
                seen = _maybe_head(got[0])
                counted = wire.quantity(answers.value(got[1]))
            except (UnreachableError, NonsenseError):
                continue  # a node that cannot say does not agree; the gate decides what that means
            agree += seen is not None and seen.block_hash == head.block_hash and counted == nonce
        return agree

    async def call(self, call: Call, *, sender: str, block: int | None = None) -> Reply:
        """Return what `call` would answer `sender`; see `ChainClient`."""
        ask = Ask("eth_call", (_transaction(call, sender), _tag(block)))
        return await self._sources.read((ask,), lambda got: _reply(got[0]))

    async def replay(self, call: Call, *, sender: str, block: int, at: int) -> Reply:
        """Return what `call` would have answered on top of `block`, at chain time `at`.

        Nodes that cannot set the time answer as of the block's own.
        """
        plain = (_transaction(call, sender), hex(block))
        timed = Ask("eth_call", (*plain, {}, {"time": hex(at)}))

        def either(got: Sequence[Answer]) -> Reply:
            usable = not isinstance(got[0], RpcError) or answers.revert_data(got[0]) is not None
            return _reply(got[0] if usable else got[1])

        return await self._sources.read((timed, Ask("eth_call", plain)), either)

    async def estimate_gas(self, call: Call, *, sender: str) -> int:
        """Return the gross gas `call` needs on the pending block; see `ChainClient`."""
        ask = Ask("eth_estimateGas", (_transaction(call, sender), _PENDING))
        return await self._sources.read((ask,), lambda got: _gas(got[0]))

    async def rehearse(self, call: Call, *, sender: str) -> int:
        """Return gas enough for `call` on the newest block, before refunds, in one request.

        A simulation runs the call once, where an estimate runs it a dozen times; it reports
        gas after refunds, which are at most a fifth (EIP-3529).

        Raises:
            RevertedError: it would revert; the reason is that of a call without a gas limit.
        """
        if self._simulates:
            ask = Ask("eth_simulateV1", (simulation.of(call, sender), _LATEST))
            used = await self._sources.read((ask,), lambda got: simulation.gas_used(got[0]))
            if used is not None:
                return mul_div_up(used, 5, 4)
            self._simulates = False
        transaction = _transaction(call, sender)
        asks = (
            Ask("eth_call", (transaction, _LATEST)),
            Ask("eth_estimateGas", (transaction, _LATEST)),
        )

        def both(got: Sequence[Answer]) -> int:
            reply = _reply(got[0])
            if not reply.succeeded:
                raise RevertedError(revert_reasons.name(reply.data), number=codes.REVERTED)
            return _gas(got[1])

        return await self._sources.read(asks, both)

    async def nonce(self, address: str, *, pending: bool = False) -> int:
        """Return how many transactions of `address` are mined; see `ChainClient`."""
        ask = _nonce(address, _PENDING if pending else _LATEST)
        return await self._sources.read((ask,), lambda got: wire.quantity(answers.value(got[0])))

    async def balance(self, address: str) -> int:
        """Return the native balance in wei; see `ChainClient`."""
        ask = Ask("eth_getBalance", (address, _LATEST))
        return await self._sources.read((ask,), lambda got: wire.quantity(answers.value(got[0])))

    async def code(self, address: str) -> bytes:
        """Return the deployed code; see `ChainClient`."""
        return (await self.codes([address]))[0]

    async def codes(self, addresses: Sequence[str]) -> tuple[bytes, ...]:
        """Return the deployed code at each address, in one request."""
        asks = [Ask("eth_getCode", (address, _LATEST)) for address in addresses]
        return await self._sources.read(
            asks, lambda got: tuple(wire.data(answers.value(one)) for one in got)
        )

    async def receipt(self, tx_hash: str) -> Receipt | None:
        """Return the receipt of a mined transaction; see `ChainClient`."""
        ask = Ask("eth_getTransactionReceipt", (tx_hash,))
        return await self._sources.read((ask,), lambda got: _maybe_receipt(got[0], tx_hash))

    async def transaction(self, tx_hash: str) -> tuple[Call, str, int] | None:
        """Return a known transaction's call, sender and gas limit."""
        ask = Ask("eth_getTransactionByHash", (tx_hash,))
        return await self._sources.read((ask,), lambda got: _maybe_transaction(got[0]))

    async def fee_history(self, blocks: int) -> tuple[int, list[list[int]]]:
        """Return the next block's base fee, and tips at the 20th, 50th and 90th percentile."""
        return await self._sources.read(
            (_history(blocks),), lambda got: _fee_history(answers.value(got[0]))
        )

    async def look(self, address: str, slot: int, tx_hashes: Sequence[str]) -> SlotLook:
        """Return what became of nonce `slot`, receipts and nonce agreeing with each other.

        Raises:
            UnreachableError: the node contradicts itself for now.
        """
        for _ in range(3):
            seen = await self._look_once(address, tx_hashes)
            mined = any(receipt.block <= seen.head.number for receipt in seen.receipts)
            ahead = any(receipt.block > seen.head.number for receipt in seen.receipts)
            if not ahead and (not mined or seen.nonce > slot):
                return seen
        raise UnreachableError(
            "receipts and nonce do not agree yet",
            number=codes.INCONSISTENT_LOOK,
            place=self.source,
            remedy="if it stays so, use one node instead of a balanced pool of them",
        )

    async def send(self, payload: bytes) -> None:
        """Hand a signed transaction to the node; see `ChainClient`."""
        ask = Ask("eth_sendRawTransaction", ("0x" + payload.hex(),))
        expected = "0x" + keccak(payload).hex()

        def taken(answer: Answer, place: str) -> None:
            if isinstance(answer, RpcError):
                if refusals.is_known(answer.message):
                    return
                raise refusals.refusal(answer.code, answer.message, place)
            if wire.digest(answer) != expected:
                raise UnreachableError(
                    "the node confirmed another transaction; the outcome is unknown",
                    number=codes.OTHER_ANSWER,
                    place=place,
                )

        await self._sources.send(ask, taken, self._patience.deadline_s)

    async def close(self) -> None:
        """Release connections."""
        await self._sources.close()

    async def _read(
        self, calls: Sequence[Call], head: Head | None, extra: Sequence[Ask]
    ) -> tuple[BatchRead, Sequence[Answer]]:
        """Return replies from `head`, or the newest block, and answers to `extra`."""
        got: Sequence[Answer] = ()
        if head is None:
            asks = (_CHAIN, _header(_LATEST), *extra)

            def parse(seen: Sequence[Answer]) -> tuple[Head, Sequence[Answer]]:
                self._chain_of(seen)
                return _head(seen[1]), seen[2:]

            newest, replies, got = await self._reader.newest(self._sources, calls, asks, parse)
            if replies is not None:
                return BatchRead(newest, replies), got
            head = newest
        pin = Pin(head)
        return BatchRead(head, await self._reader.pinned(self._sources, calls, pin)), got

    async def _nonce_at(self, address: str, head: Head) -> int:
        ask = _nonce(address, hex(head.number))
        return await self._sources.read((ask,), lambda got: wire.quantity(answers.value(got[0])))

    async def _look_once(self, address: str, tx_hashes: Sequence[str]) -> SlotLook:
        count = len(tx_hashes)
        asks = (
            *(Ask("eth_getTransactionByHash", (tx_hash,)) for tx_hash in tx_hashes),
            _header(_LATEST),
            _nonce(address, _LATEST),
            *(Ask("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in tx_hashes),
            *self._final_ask(),
        )

        def parse(got: Sequence[Answer]) -> SlotLook:
            head = _head(got[count])
            pairs = zip(got[count + 2 : 2 * count + 2], tx_hashes, strict=True)
            found = (_maybe_receipt(answer, tx_hash) for answer, tx_hash in pairs)
            known = zip(got[:count], tx_hashes, strict=True)
            return SlotLook(
                head,
                self._final_of(head, got[2 * count + 2 :]),
                wire.quantity(answers.value(got[count + 1])),
                tuple(receipt for receipt in found if receipt is not None),
                frozenset(tx_hash for answer, tx_hash in known if answers.value(answer)),
            )

        return await self._sources.read(asks, parse)

    def _final_ask(self) -> tuple[Ask, ...]:
        return (_header(self._final_tag),) if self._final_tag else ()

    def _final_of(self, head: Head, got: Sequence[Answer]) -> int:
        if not self._final_tag:
            return max(head.number - self._final_depth, 0)
        final = _maybe_head(got[0])
        return 0 if final is None else min(final.number, head.number)

    def _chain_of(self, got: Sequence[Answer]) -> int:
        """Return the chain id, which must be the expected one, or the first one seen."""
        seen = wire.quantity(answers.value(got[0]))
        if self._chain_id is None:
            self._chain_id = seen
        if seen != self._chain_id:
            raise NonsenseError(
                f"the node is on chain {seen}, not {self._chain_id}",
                number=codes.WRONG_CHAIN,
                remedy="point chain.rpc at a node of the chain that chain.id names",
            )
        return seen


_CHAIN: Final = Ask("eth_chainId")
_RECENT: Final = 4  # blocks


def _header(tag: str) -> Ask:
    return Ask("eth_getBlockByNumber", (tag, False))


def _history(blocks: int) -> Ask:
    return Ask("eth_feeHistory", (hex(blocks), _LATEST, [20, 50, 90]))


def _nonce(address: str, tag: str) -> Ask:
    return Ask("eth_getTransactionCount", (address, tag))


def _tag(block: int | None) -> str:
    return _PENDING if block is None else hex(block)


def _transaction(call: Call, sender: str) -> dict[str, str]:
    return {"from": sender, "to": call.to, "data": "0x" + call.data.hex()}


def _head(answer: Answer) -> Head:
    return wire.head(answers.value(answer))


def _maybe_head(answer: Answer) -> Head | None:
    found = answers.value(answer)
    return None if found is None else wire.head(found)


def _maybe_receipt(answer: Answer, tx_hash: str) -> Receipt | None:
    found = answers.value(answer)
    if found is None:
        return None
    receipt = wire.receipt(found)
    if receipt.tx_hash != tx_hash.lower():
        raise _other_receipt(tx_hash)
    return receipt


def _other_receipt(tx_hash: str) -> NonsenseError:
    return NonsenseError(
        f"a receipt that is not of {tx_hash}",
        number=codes.OTHER_ANSWER,
        remedy="check what answers at this URL",
    )


def _maybe_transaction(answer: Answer) -> tuple[Call, str, int] | None:
    found = answers.value(answer)
    if not isinstance(found, dict):
        return None
    call = Call(str(found.get("to") or ""), wire.data(found.get("input")))
    return call, str(found.get("from")), wire.quantity(found.get("gas"))


def _reply(answer: Answer) -> Reply:
    if not isinstance(answer, RpcError):
        return Reply(succeeded=True, data=wire.data(answer))
    data = answers.revert_data(answer)
    if data is None:
        raise answers.failure(answer)
    return Reply(succeeded=False, data=data)


def _gas(answer: Answer) -> int:
    if not isinstance(answer, RpcError):
        return wire.quantity(answer)
    data = answers.revert_data(answer)
    if data is not None:
        raise RevertedError(revert_reasons.name(data), number=codes.REVERTED)
    if answers.ran_out(answer):
        raise RevertedError(revert_reasons.OUT_OF_GAS, number=codes.OUT_OF_GAS)
    raise answers.failure(answer)


def _recent_fees(answer: Answer, head: Head) -> tuple[int, int]:
    """Return the next base fee and the usual tip; reckoned where the node keeps no history."""
    if isinstance(answer, RpcError):
        return fees.next_base_fee(head), 0
    base_fee, tips = _fee_history(answer)
    medians = sorted(row[1] for row in tips if len(row) > 1)
    return base_fee, medians[len(medians) // 2] if medians else 0


def _fee_history(found: object) -> tuple[int, list[list[int]]]:
    if not isinstance(found, dict) or not isinstance(found.get("baseFeePerGas"), list):
        raise NonsenseError("a fee history without base fees", number=codes.MALFORMED)
    tips = [[wire.quantity(tip) for tip in block] for block in found.get("reward") or []]
    return wire.quantity(found["baseFeePerGas"][-1]), tips
