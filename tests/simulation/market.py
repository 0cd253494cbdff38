"""The price: it walks, and falls by gaps no larger than what feasibility accepted.

An owner who was told that a fall of 10 % within a look and its delay is survived may hold us
to that, as long as we are able to look and to act. So time counts only while the daemon lives
and nothing stands between it and the chain: an outage is part of the gap it happens in.
"""

from __future__ import annotations

from decimal import Decimal

from tests import worlds
from tests.simulation.settings import WATCH

from leverd.adapters.simulated import markets

WINDOW_S = WATCH.look_s + WATCH.delay_s
_TICK = Decimal("0.01")


class Market:
    """Prices of one schedule, and how far they may fall now."""

    def __init__(self, fall, price=3000):
        self.price, self._fall = Decimal(price), fall
        self.gap = Decimal(0)  # how far the pool is from the oracle, as a share
        self.depth = 10**21
        self._able_s = 0
        self._recent = [(0, self.price)]

    def passes(self, seconds, *, able):
        """Let `seconds` pass, in which the daemon could act or not."""
        if able:
            self._able_s += seconds
            self._recent = [one for one in self._recent if one[0] >= self._able_s - WINDOW_S]
            if not self._recent:
                self._recent = [(self._able_s, self.price)]

    def move(self, share):
        """Move the price by `share`, down at most as far as is accepted; return whether."""
        ceiling = max(price for _, price in self._recent)
        wanted = max(self.price * (1 + Decimal(share)), ceiling * (1 - self._fall))
        wanted = min(max(wanted.quantize(_TICK), Decimal(1200)), Decimal(6000))
        moved = wanted != self.price
        self.price = wanted
        self._recent.append((self._able_s, self.price))
        return moved

    def changes(self):
        """Return the changes that bring oracle and pool to the price."""
        pool_price = self.price * (1 + self.gap)
        pool = worlds.pool(pool_price, depth=self.depth)

        def arbitrage(ledger):
            return type(ledger)(
                ledger.at,
                ledger.lending,
                {**ledger.pools, pool.pool_id: pool},
                ledger.holders,
                ledger.nonce,
                ledger.native,
            )

        return markets.priced(worlds.WETH, self.price), arbitrage
