"""What to bid for inclusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leverd.adapters.evm.profiles import ChainProfile
from leverd.domain.fixed_point import mul_div_up
from leverd.interfaces.chain_client import Head
from leverd.interfaces.venue import Fees

BLOCKS: Final = 20
"""How many past blocks a bid looks at."""

_CALM, _USUAL, _HURRIED = range(3)  # the percentiles that the client asks for


def bid(
    base_fee: int,
    tips: Sequence[Sequence[int]],
    urgency: float,
    *,
    profile: ChainProfile,
    price_max: int,
) -> Fees:
    """Return a bid that stays good for some full blocks, more of them the more urgent it is.

    `tips` are, for each past block, what its transactions paid at rising percentiles, wei.
    """
    urgency = min(max(urgency, 0.0), 1.0)
    calm, urgent = profile.fee_blocks
    blocks = round(calm + (urgent - calm) * urgency)
    column = _HURRIED if urgency > 0.75 else _USUAL if urgency > 0.25 else _CALM  # noqa: PLR2004 - thirds
    paid = sorted(row[column] for row in tips if len(row) > column)
    # Calm pays what half of the blocks took, urgent what nearly all of them took.
    place = round((len(paid) - 1) * (0.5 + 0.4 * urgency))
    tip = max(paid[place] if paid else 0, profile.priority_fee_min)
    max_fee = min(after_full_blocks(base_fee, blocks) + tip, price_max)
    return Fees(max_fee=max_fee, priority_fee=min(tip, max_fee))


def after_full_blocks(base_fee: int, blocks: int) -> int:
    """Return the base fee after `blocks` full blocks: an eighth more each (EIP-1559)."""
    return mul_div_up(base_fee, 9**blocks, 8**blocks)


def next_base_fee(head: Head) -> int:
    """Return the base fee of the block after `head` (EIP-1559)."""
    target = head.gas_limit // 2
    if target in {head.gas_used, 0}:
        return head.base_fee
    if head.gas_used > target:
        return head.base_fee + max(head.base_fee * (head.gas_used - target) // target // 8, 1)
    return head.base_fee - head.base_fee * (target - head.gas_used) // target // 8
