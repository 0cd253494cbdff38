"""What differs between EVM chains, as far as keeping a position is concerned.

Arbitrum is not among them: its contracts see Ethereum's block numbers and hashes, by which
nothing read there can be told to be of one block, and a transfer takes more than 21,000 gas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class ChainProfile:
    """A chain's habits."""

    name: str
    chain_id: int | None  # None: any, as on a local chain
    block_s: float  # seconds between blocks
    final_tag: str  # the tag below which blocks no longer change, "" to count depth instead
    replaces: bool  # a higher bid replaces a waiting transaction (there is a public pool)
    bump: int  # percent both fees must rise by for a replacement
    l1_data_fee: bool  # calldata is charged for on Ethereum too
    sequencer_feed: str  # Chainlink's uptime feed, "" where there is no sequencer
    priority_fee_min: int  # wei per gas
    fee_blocks: tuple[int, int]  # full blocks a bid survives: calm, urgent


PROFILES: Final[Mapping[str, ChainProfile]] = MappingProxyType(
    {
        "ethereum": ChainProfile(
            "ethereum",
            1,
            12.0,
            final_tag="finalized",
            replaces=True,
            bump=10,
            l1_data_fee=False,
            sequencer_feed="",
            priority_fee_min=10_000_000,
            fee_blocks=(6, 12),
        ),
        "base": ChainProfile(
            "base",
            8453,
            2.0,
            final_tag="finalized",
            replaces=True,
            bump=10,
            l1_data_fee=True,
            sequencer_feed="0xBCF85224fc0756B9Fa45aA7892530B47e10b6433",
            priority_fee_min=100_000,
            fee_blocks=(6, 12),
        ),
        "optimism": ChainProfile(
            "optimism",
            10,
            2.0,
            final_tag="finalized",
            replaces=True,
            bump=10,
            l1_data_fee=True,
            sequencer_feed="0x371EAD81c9102C9BF4874A9075FFFf170F2Ee389",
            priority_fee_min=100_000,
            fee_blocks=(6, 12),
        ),
        "local": ChainProfile(
            "local",
            None,
            12.0,
            final_tag="",
            replaces=True,
            bump=10,
            l1_data_fee=False,
            sequencer_feed="",
            priority_fee_min=10_000_000,
            fee_blocks=(6, 12),
        ),
    }
)
"""Chain ids and sequencer feeds: the chains' and Chainlink's own documentation."""
