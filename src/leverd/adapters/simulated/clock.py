"""Time that passes only when somebody waits, and takes the simulated chain with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from leverd.adapters.simulated.chain import BLOCK_S, SimulatedChain


class SimulatedClock:
    """A `Clock` whose `sleep` mines the blocks that the time would have brought.

    `each_block` is called before every block, so that a price path can move the market.
    """

    def __init__(
        self, chain: SimulatedChain, each_block: Callable[[SimulatedChain], None] | None = None
    ) -> None:
        self._chain, self._each_block = chain, each_block
        self._slept = 0.0
        self._since_block = 0.0

    def now(self) -> datetime:
        """Return the chain's time, aware UTC."""
        return datetime.fromtimestamp(self._chain.head.ledger.at, UTC)

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._slept

    async def sleep(self, seconds: float) -> None:
        """Return once the blocks of `seconds` are mined; other tasks get a turn."""
        self._slept += seconds
        self._since_block += seconds
        while self._since_block >= BLOCK_S:
            self._since_block -= BLOCK_S
            if self._each_block is not None:
                self._each_block(self._chain)
            self._chain.mine()
        await asyncio.sleep(0)
