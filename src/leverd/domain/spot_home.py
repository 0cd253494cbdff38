"""Where spot is traded, and for whom: what is held there can be sold nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

PAPER: Final = "paper:spot"
"""The account whose money is none."""

Part: TypeAlias = Literal["account", "chain_id", "market_id", "subaccount"]


@dataclass(frozen=True, slots=True)
class SpotHome:
    """A market, and who trades on it; without an account it is nowhere yet."""

    account: str = ""
    market_id: str = ""
    chain_id: str = ""  # "": an older leverd did not say, and not which subaccount either
    subaccount: int = 0

    @property
    def is_paper(self) -> bool:
        """Whether no money is real here."""
        return self.account == PAPER

    def differs(self, other: SpotHome) -> Part | None:
        """Return what is known to be another here than in `other`, None if nothing is."""
        if not self.account or not other.account:
            return None
        if self.account != other.account:
            return "account"
        are_told = bool(self.chain_id and other.chain_id)
        if are_told and self.chain_id != other.chain_id:
            return "chain_id"
        if self.market_id != other.market_id:
            return "market_id"
        return "subaccount" if are_told and self.subaccount != other.subaccount else None
