"""What the owner of a tested account allows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

WAD = 10**18


@dataclass(frozen=True)
class Terms:
    """Bounds in the order the contract takes them."""

    collateral: str
    debt: str
    swap_pools: tuple[str, ...]
    health_min: int = 110 * WAD // 100
    health_step_min: int = 102 * WAD // 100
    loss_call_max: int = 100  # bps
    loss_day_max: int = 1_000  # dollars
    emode: int = 0

    @property
    def words(self) -> tuple[Any, ...]:
        return tuple(getattr(self, one.name) for one in fields(self))
