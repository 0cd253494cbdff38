"""A venue that is not traded on, and says what an asset is worth there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from leverd.domain.reference import ReferenceQuote


class PriceReference(Protocol):
    """Reads only; one that fails is asked again later, and never waited for."""

    @property
    def source(self) -> str:
        """The name settings and journal use."""
        ...

    async def look(self) -> ReferenceQuote:
        """Return what the venue would trade at, all of it from one block.

        `bid <= middle <= ask`, and the first and the last are what its whole size would really
        trade for there, rounded against us.

        Raises:
            UnreachableError: no answer in time.
            NonsenseError: an answer that cannot be true, or no such market.
            ImpossibleError: there is not so much to trade.
        """
        ...

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each endpoint lets through now."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
