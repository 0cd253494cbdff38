"""The transactions of everyone outside, waiting for a block, by the rules geth's pool has."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from leverd.devnet.delays import Delays
from leverd.devnet.node import CHAIN_ID
from leverd.devnet.raw_transaction import RawTransaction, read_raw
from leverd.devnet.rpc import Rpc
from leverd.errors import RefusedError

_BUMP: Final = 10  # per cent that both fees of a replacement must rise by
_GAS_MAX: Final = 16_777_216  # of one transaction (EIP-7825)
_GAS_MIN: Final = 21_000
_PER_SENDER: Final = 64
_IN_ALL: Final = 4096


class PoolRefusal(Exception):  # noqa: N818 -- an answer to a client, not our failure
    """Why the pool does not take a transaction, in geth's words."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    sent: RawTransaction
    since: int  # the head when its nonce was first asked for


class Mempool:
    """Holds payloads until a block takes them. Used by two threads: the front and the driver."""

    def __init__(self, url: str, delay: Delays) -> None:
        self._rpc = Rpc(url)
        self._delay = delay
        self._lock = threading.RLock()
        self._waiting: dict[str, dict[int, _Waiting]] = {}

    def accept(self, payload: str) -> str:
        """Take a signed transaction; return its hash.

        Raises:
            PoolRefusal: geth would not take it either.
        """
        try:
            sent = read_raw(payload)
        except ValueError as error:
            raise PoolRefusal(str(error)) from error
        with self._lock:
            mined = self._mined(sent.sender)
            queue = self._waiting.get(sent.sender, {})
            _check_itself(sent)
            _check_place(sent, mined, queue)
            self._check_funds(sent, mined)
            if sum(map(len, self._waiting.values())) >= _IN_ALL:
                raise PoolRefusal("txpool is full")
            standing = queue.get(sent.nonce)
            queue[sent.nonce] = _Waiting(sent, standing.since if standing else self._head())
            self._waiting[sent.sender] = queue
        return sent.tx_hash

    def pending_nonce(self, sender: str, mined: int) -> int:
        """Return the sender's next nonce, counting what waits without a gap."""
        with self._lock:
            queue = self._waiting.get(sender, {})
            nonce = mined
            while nonce in queue:
                nonce += 1
            return nonce

    def find(self, tx_hash: str) -> RawTransaction | None:
        """Return the waiting transaction of that hash."""
        with self._lock:
            for queue in self._waiting.values():
                for waiting in queue.values():
                    if waiting.sent.tx_hash == tx_hash:
                        return waiting.sent
        return None

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def fill_block(self, number: int, base_fee: int) -> Sequence[str]:
        """Hand the node what block `number` is to take; return the hashes."""
        with self._lock:
            chosen: list[RawTransaction] = []
            for sender in list(self._waiting):
                self._forget_mined(sender)
                chosen += self._ready(sender, number, base_fee)
            return [sent.tx_hash for sent in chosen if self._hand_over(sent)]

    def settle_block(self, handed: Sequence[str]) -> None:
        """Forget what was mined of `handed`; take back what was not."""
        with self._lock:
            for tx_hash in handed:
                if self._rpc.ask("eth_getTransactionReceipt", tx_hash) is None:
                    self._rpc.ask("anvil_dropTransaction", tx_hash)
                    continue
                for queue in self._waiting.values():
                    for nonce in [at for at, each in queue.items() if each.sent.tx_hash == tx_hash]:
                        del queue[nonce]

    @contextmanager
    def node_away(self) -> Iterator[None]:
        """Let who sends wait while the node is replaced."""
        with self._lock:
            self._rpc.close()
            yield

    def close(self) -> None:
        """Drop the connection to the node."""
        self._rpc.close()

    def _ready(self, sender: str, number: int, base_fee: int) -> list[RawTransaction]:
        queue = self._waiting.get(sender, {})
        ready: list[RawTransaction] = []
        nonce = self._mined(sender) if queue else 0
        while nonce in queue:
            waiting = queue[nonce]
            sent = waiting.sent
            if sent.max_fee < base_fee or self._delay.holds(sent, number, waiting.since):
                break
            ready.append(sent)
            nonce += 1
        return ready

    def _hand_over(self, sent: RawTransaction) -> bool:
        try:
            self._rpc.ask("eth_sendRawTransaction", sent.payload)
        except RefusedError:  # e.g. its sender's ether went elsewhere: it waits on
            return False
        return True

    def _forget_mined(self, sender: str) -> None:
        queue = self._waiting[sender]
        mined = self._mined(sender)
        for nonce in [nonce for nonce in queue if nonce < mined]:
            del queue[nonce]
        if not queue:
            del self._waiting[sender]

    def _check_funds(self, sent: RawTransaction, mined: int) -> None:
        balance = int(self._rpc.ask("eth_getBalance", sent.sender, "latest"), 16)
        queue = self._waiting.get(sent.sender, {})
        others = sum(
            each.sent.cost for nonce, each in queue.items() if mined <= nonce != sent.nonce
        )
        if balance < others + sent.cost:
            short = others + sent.cost - balance
            raise PoolRefusal(
                f"insufficient funds for gas * price + value: balance {balance}, "
                f"tx cost {sent.cost}, overshot {short}"
            )

    def _mined(self, sender: str) -> int:
        return int(self._rpc.ask("eth_getTransactionCount", sender, "latest"), 16)

    def _head(self) -> int:
        return int(self._rpc.ask("eth_blockNumber"), 16)


def _check_itself(sent: RawTransaction) -> None:
    if sent.chain_id not in {None, CHAIN_ID}:
        raise PoolRefusal(f"invalid chain id for signer: have {sent.chain_id} want {CHAIN_ID}")
    if sent.tip > sent.max_fee:
        raise PoolRefusal(
            "max priority fee per gas higher than max fee per gas: "
            f"address {sent.sender}, maxPriorityFeePerGas: {sent.tip}, maxFeePerGas: {sent.max_fee}"
        )
    if sent.gas > _GAS_MAX:
        raise PoolRefusal(f"transaction gas limit too high (cap: {_GAS_MAX}, tx: {sent.gas})")
    if sent.gas < _GAS_MIN:
        raise PoolRefusal(f"intrinsic gas too low: gas {sent.gas}, minimum needed {_GAS_MIN}")
    if sent.tip == 0:
        raise PoolRefusal("transaction underpriced: gas tip cap 0, minimum needed 1")


def _check_place(sent: RawTransaction, mined: int, queue: dict[int, _Waiting]) -> None:
    if sent.nonce < mined:
        raise PoolRefusal(f"nonce too low: next nonce {mined}, tx nonce {sent.nonce}")
    standing = queue.get(sent.nonce)
    if standing is None:
        if len(queue) >= _PER_SENDER:
            raise PoolRefusal("account limit exceeded")
        return
    old = standing.sent
    if old.tx_hash == sent.tx_hash:
        raise PoolRefusal("already known")
    if any(
        new * 100 < was * (100 + _BUMP) or new <= was
        for new, was in ((sent.max_fee, old.max_fee), (sent.tip, old.tip))
    ):
        raise PoolRefusal("replacement transaction underpriced")


def pending_form(sent: RawTransaction) -> dict[str, Any]:
    """Return what a node tells of a waiting transaction, as far as clients go by it."""
    return {
        "hash": sent.tx_hash,
        "from": sent.sender,
        "nonce": hex(sent.nonce),
        "gas": hex(sent.gas),
        "maxFeePerGas": hex(sent.max_fee),
        "maxPriorityFeePerGas": hex(sent.tip),
        "gasPrice": hex(sent.max_fee),
        "value": hex(sent.value),
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
    }
