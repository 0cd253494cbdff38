"""Which way a position is hurt, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leverd.domain.position import Mandate


def way(mandate: Mandate) -> str:
    """Return on which side of the liquidation price it is liquidated."""
    from leverd.domain import side  # noqa: PLC0415 -- loads the domain

    return "above" if side.side_of(mandate) is side.Side.SHORT else "below"


def volatile_symbol(mandate: Mandate) -> str:
    """Return the token whose price counts."""
    from leverd.domain import side  # noqa: PLC0415 -- as above

    return side.volatile(mandate).symbol


def liquidated_at(mandate: Mandate) -> str:
    """Return the name of a column of liquidation prices."""
    return f"liquidated {way(mandate)}, USD per {volatile_symbol(mandate)}"
