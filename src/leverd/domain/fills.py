"""What an action did, will at worst do, or is modelled to do."""

from __future__ import annotations

from dataclasses import dataclass

from leverd.domain.pool import Pool


@dataclass(frozen=True, slots=True)
class Fill:
    """The part of an action's result that its own numbers do not fix.

    Swaps fill `sold`, `bought` and, when modelled, `pool_after`. Lending actions fill
    `amount` when they moved something else than what was named ("everything"), and
    `indexes` (liquidity, borrow; ray) when a receipt tells what the market's were, and
    `before` when the account made one withdrawal in several calls: each rounds on its own.
    """

    at: int  # chain time of the block, unix seconds
    sold: int = 0
    bought: int = 0
    amount: int | None = None
    indexes: tuple[int, int] | None = None
    pool_after: Pool | None = None
    before: tuple[int, ...] = ()  # raw amounts withdrawn by the calls before the last
