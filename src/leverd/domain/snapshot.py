"""What a position holds at one block, as the journal keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A position's balances at one block, as the journal keeps them."""

    block: int
    block_hash: str
    at: int  # chain time, unix seconds
    idle: Mapping[str, int]  # symbol -> raw
    supplied: Mapping[str, int]  # symbol -> scaled
    owed: Mapping[str, int]  # symbol -> scaled
    prices: Mapping[str, int]  # symbol -> USD 1e8
    supply_indexes: Mapping[str, int]  # symbol -> ray
    borrow_indexes: Mapping[str, int]  # symbol -> ray
    health: int  # wad
    equity: int  # share class raw units
    decimals: Mapping[str, int] = field(default_factory=dict)  # symbol -> of its raw units
    staking: Mapping[str, int] = field(default_factory=dict)  # symbol -> wad, what it stands for
    kept_at: str = ""  # the pool that keeps what is supplied and owed, "" where that is unknown

    @property
    def is_lent(self) -> bool:
        """Whether anything is supplied or owed."""
        return any(self.supplied.values()) or any(self.owed.values())
