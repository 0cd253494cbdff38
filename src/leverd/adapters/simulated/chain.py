"""Blocks, a pool of waiting transactions, replacement, finality and reorganisations.

Nothing happens by itself: `mine` makes the next block. One key's nonces are modelled.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final

from leverd.adapters.simulated.ledger import Ledger, execute, price_paid
from leverd.adapters.simulated.markets import Change
from leverd.adapters.simulated.transaction import Transaction
from leverd.domain.fills import Fill
from leverd.domain.position import Mandate
from leverd.errors import RefusedError
from leverd.interfaces.venue import Inclusion

BLOCK_S: Final = 12
_REPLACEMENT_PERCENT: Final = 10


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block, with its receipt."""

    sent: Transaction
    inclusion: Inclusion
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block and everything as of its end."""

    number: int
    block_hash: str
    ledger: Ledger
    mined: tuple[Mined, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction in the pool, and the first block that may take it."""

    sent: Transaction
    from_block: int


@dataclass
class SimulatedChain:
    """The chain. Tests and simulations drive it; the venue only reads and sends."""

    genesis: Ledger
    base_fee: int  # wei per gas
    delay_blocks: int = 1  # 1 is the very next block
    final_depth: int = 2
    states_max: int = 10**9  # newest blocks whose state is kept; headers and receipts stay
    receipts_max: int = 10**9  # newest blocks whose receipts are kept; headers stay
    mandates: dict[str, Mandate] = field(default_factory=dict)  # by account
    blocks: list[Block] = field(default_factory=list)
    pool: dict[int, Waiting] = field(default_factory=dict)  # by nonce
    _coming: list[Change] = field(default_factory=list)
    _forks: int = 0

    def __post_init__(self) -> None:
        if not self.blocks:
            self.blocks.append(Block(1, self._hash(1), self.genesis))

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    @property
    def final_number(self) -> int:
        """The height at or below which blocks no longer change."""
        return max(self.head.number - self.final_depth, self.blocks[0].number)

    def change(self, *changes: Change) -> None:
        """Let `changes` happen at the start of the next block."""
        self._coming.extend(changes)

    def send(self, sent: Transaction) -> None:
        """Take a transaction into the pool; one that is known already is a success.

        Raises:
            RefusedError: its nonce is spent, it does not outbid the one waiting for its nonce,
                or the key cannot pay for it.
        """
        if self.receipt(sent.tx_hash) is not None or self.holds(sent.tx_hash):
            return
        if sent.nonce < self.head.ledger.nonce:
            raise RefusedError("nonce_too_low", f"nonce {sent.nonce} is spent", number=1)
        waiting = self.pool.get(sent.nonce)
        if waiting is not None and not _outbids(sent, waiting.sent):
            raise RefusedError("replacement_underpriced", "it must bid 10 % more", number=1)
        if sent.gas_limit * sent.fees.max_fee > self.head.ledger.native:
            raise RefusedError("insufficient_funds", "the key cannot pay for it", number=1)
        self.pool[sent.nonce] = Waiting(sent, self.head.number + self.delay_blocks)

    def holds(self, tx_hash: str) -> bool:
        """Return whether the pool holds a transaction."""
        return any(each.sent.tx_hash == tx_hash for each in self.pool.values())

    def forget(self) -> None:
        """Empty the pool, as nodes do now and then."""
        self.pool.clear()

    def receipt(self, tx_hash: str) -> Mined | None:
        """Return a mined transaction, None if no block whose receipts are kept holds it."""
        for block in reversed(self.blocks[-self.receipts_max :]):
            for mined in block.mined:
                if mined.inclusion.tx_hash == tx_hash:
                    return mined
        return None

    def block(self, block_hash: str) -> int | None:
        """Return where in `blocks` that block is, None if it is not in this chain."""
        for place, block in enumerate(self.blocks):
            if block.block_hash == block_hash:
                return place
        return None

    def mine(self, count: int = 1, *, seconds: int = BLOCK_S) -> None:
        """Make `count` blocks, `seconds` apart."""
        for _ in range(count):
            self._mine_one(seconds)

    def grow(self, number: int, block_hash: str, at: int) -> None:
        """Make the next block, which has that height, hash and chain time."""
        ledger = replace(self.head.ledger, at=at)
        changes = tuple(self._coming)
        self._coming.clear()
        for change in changes:
            ledger = change(ledger)
        self.pool = {nonce: each for nonce, each in self.pool.items() if nonce >= ledger.nonce}
        mined: list[Mined] = []
        while (taken := self._next(ledger, number)) is not None:
            outcome = execute(ledger, taken, self.mandates.get(taken.account), self.base_fee)
            inclusion = Inclusion(
                taken.tx_hash,
                number,
                block_hash,
                ledger.at,
                not outcome.reason,
                outcome.reason,
                outcome.gas_used,
                price_paid(taken, self.base_fee),
            )
            mined.append(Mined(taken, inclusion, outcome.fills))
            ledger = outcome.ledger
        self.blocks.append(Block(number, block_hash, ledger, tuple(mined), changes))

    def slim(self) -> None:
        """Let go of what `states_max` and `receipts_max` say is kept no more."""
        gone = len(self.blocks) - self.states_max - 1
        if gone >= 0:
            old = self.blocks[gone]
            bare = replace(old.ledger, lending={}, pools={}, holders={})
            self.blocks[gone] = replace(old, ledger=bare, changes=())
        del self.blocks[: -self.receipts_max]

    def reorganise(self, depth: int, *, forget: bool = False) -> None:
        """Undo the last `depth` blocks; the pool gets their transactions back unless `forget`.

        The next block takes their place under another hash.
        """
        assert 0 < depth < len(self.blocks), "the first block stays"
        undone = self.blocks[-depth:]
        del self.blocks[-depth:]
        self._forks += 1
        self._coming[:0] = [change for block in undone for change in block.changes]
        for block in undone:
            for mined in block.mined:
                if not forget and mined.sent.nonce not in self.pool:
                    self.pool[mined.sent.nonce] = Waiting(mined.sent, self.head.number + 1)

    def _mine_one(self, seconds: int) -> None:
        number = self.head.number + 1
        self.grow(number, self._hash(number), self.head.ledger.at + seconds)

    def _next(self, ledger: Ledger, number: int) -> Transaction | None:
        waiting = self.pool.get(ledger.nonce)
        if waiting is None or waiting.from_block > number:
            return None
        if waiting.sent.fees.max_fee < self.base_fee:
            return None
        del self.pool[ledger.nonce]
        return waiting.sent

    def _hash(self, number: int) -> str:
        text = f"{self._forks}|{number}|{self.blocks[-1].block_hash if self.blocks else ''}"
        return "0x" + hashlib.sha256(text.encode()).hexdigest()


def _outbids(sent: Transaction, waiting: Transaction) -> bool:
    def higher(new: int, old: int) -> bool:
        return new * 100 >= old * (100 + _REPLACEMENT_PERCENT)

    return higher(sent.fees.max_fee, waiting.fees.max_fee) and higher(
        sent.fees.priority_fee, waiting.fees.priority_fee
    )
