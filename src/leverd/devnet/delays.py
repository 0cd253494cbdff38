"""How long transactions from outside wait for a block; seeded, so that it repeats."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from leverd.devnet.raw_transaction import RawTransaction


@dataclass(frozen=True, slots=True)
class Delay:
    """Now and then a transaction that could be included is not, some blocks in a row at most."""

    seed: int
    chance: float = 0.1  # for each transaction and block
    blocks_max: int = 3

    def holds(self, sent: RawTransaction, number: int, first_seen: int) -> bool:
        """Return whether block `number` leaves out what came to its nonce after `first_seen`."""
        if number - first_seen >= self.blocks_max:
            return False
        random = Random(f"delay:{self.seed}:{sent.tx_hash}:{number}")  # noqa: S311 -- a market
        return random.random() < self.chance


@dataclass(frozen=True, slots=True)
class Congestion:
    """Every nonce waits for a block of its own, however high it bids: 1 is the very next one."""

    seed: int
    blocks_min: int
    blocks_max: int

    def holds(self, sent: RawTransaction, number: int, first_seen: int) -> bool:
        """Return whether block `number` leaves out what came to its nonce after `first_seen`."""
        random = Random(f"congestion:{self.seed}:{sent.sender}:{sent.nonce}")  # noqa: S311 -- a market
        return number - first_seen < random.randint(self.blocks_min, self.blocks_max)


Delays: TypeAlias = Delay | Congestion
