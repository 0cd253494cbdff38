"""What must be true before a daemon begins, on the chain or on paper."""

from __future__ import annotations

from collections.abc import Sequence

from leverd.adapters.evm import preflight
from leverd.adapters.evm.preflight import Finding
from leverd.adapters.evm.venue import EvmVenue
from leverd.bootstrap.chain import Chain
from leverd.domain.position import Mandate


async def findings(chain: Chain, mandates: Sequence[Mandate]) -> Sequence[Finding]:
    """Return everything that is wrong with the chain and, where something is signed, with whose.

    Raises:
        UnreachableError: no node answers.
    """
    if isinstance(chain.venue, EvmVenue):
        return await preflight.check(chain.config, chain.client, chain.venue.signer, mandates)
    return await preflight.check_market(chain.config, chain.client)
