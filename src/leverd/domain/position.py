"""What the owner asked for (a mandate) and what is held for it (a position of many legs)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.keeping import kept
from leverd.domain.lending import LendingAccount
from leverd.domain.money import Asset
from leverd.errors import ImpossibleError

NO_LOAN: Final = LendingAccount()
"""What an account has in a market it never touched."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """One position the owner wants kept: where, in what, counted how."""

    position_id: str
    account: str  # the account contract (or plain address) that holds it
    lending: str  # lending market id
    pool: str  # swap pool id
    collateral: Asset
    debt: Asset
    share_class: Asset  # the currency equity and P&L are counted in: USD or an asset
    emode: int = 0


class LegKind(StrEnum):
    """How a leg is held."""

    IDLE = "idle"
    SUPPLIED = "supplied"
    OWED = "owed"


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing owned or owed: raw units when idle, scaled units in a lending venue."""

    kind: LegKind
    venue: str  # lending market id, "" for idle
    asset: Asset
    held: int


@dataclass(frozen=True, slots=True)
class Position:
    """Everything one account owns and owes, across venues.

    `idle` is raw units in the account; `loans` maps a lending market to our side of it.
    Inside an atomic step an idle balance may be negative for a moment: a flash swap pays
    out before it is paid.
    """

    mandate: Mandate
    loans: Mapping[str, LendingAccount]
    idle: Mapping[Asset, int] = field(default_factory=dict)

    @property
    def loan(self) -> LendingAccount:
        """Our side of the mandate's own lending market."""
        return self.loans.get(self.mandate.lending, NO_LOAN)

    def legs(self) -> tuple[Leg, ...]:
        """Return every non-zero leg in a stable order."""
        return _legs(self)

    def with_idle(self, asset: Asset, delta: int) -> Position:
        """Return the position with `delta` raw units more (or less) of `asset` idle."""
        idle = {**self.idle, asset: self.idle.get(asset, 0) + delta}
        return changed(self, idle=idle)

    def with_loan(self, venue: str, loan: LendingAccount) -> Position:
        """Return the position with `loan` as its side of lending market `venue`."""
        return changed(self, loans={**self.loans, venue: loan})

    def check_settled(self) -> None:
        """Check that nothing idle is owed.

        Raises:
            ImpossibleError: an idle balance is negative.
        """
        for asset, raw in self.idle.items():
            if raw < 0:
                raise ImpossibleError(f"idle {asset.symbol} would be {raw}", number=1)


@kept(64)
def _legs(position: Position) -> tuple[Leg, ...]:
    return tuple(_found(position))


def _found(position: Position) -> Iterator[Leg]:
    for asset, raw in sorted(position.idle.items()):
        if raw:
            yield Leg(LegKind.IDLE, "", asset, raw)
    for venue, loan in sorted(position.loans.items()):
        for asset, scaled in sorted(loan.supplies.items()):
            if scaled:
                yield Leg(LegKind.SUPPLIED, venue, asset, scaled)
        for asset, scaled in sorted(loan.debts.items()):
            if scaled:
                yield Leg(LegKind.OWED, venue, asset, scaled)
