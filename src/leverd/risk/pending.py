"""What is under way and may still be charged to shared budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pending:
    """What the open slots of all positions may still use up."""

    gas: int = 0  # wei: gas limit times highest fee bid, summed
    guardian_gas: int = 0  # wei of it for deleverages
    trades: int = 0  # plans not yet completed


NOTHING_PENDING: Final = Pending()
"""No slot is open."""
