"""Market prices as Uniswap states them: square roots in Q64.96, token1 per token0, raw units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from leverd.domain.tick_math import tick_at_sqrt_ratio


@dataclass(frozen=True, slots=True)
class Pair:
    """A base token priced in a quote token, and how the pool orders the two."""

    base: str
    quote: str
    base_decimals: int
    quote_decimals: int

    @property
    def base_first(self) -> bool:
        """Whether the base token is the pool's token0: the pool sorts by address."""
        return int(self.base, 16) < int(self.quote, 16)

    @property
    def tokens(self) -> tuple[str, str]:
        """token0 and token1."""
        return (self.base, self.quote) if self.base_first else (self.quote, self.base)

    def sqrt_price(self, price: Fraction) -> int:
        """Return the pool's square root, Q64.96, at `price` whole quote tokens per base token."""
        raw = price * Fraction(10**self.quote_decimals, 10**self.base_decimals)
        ratio = raw if self.base_first else 1 / raw
        return isqrt((ratio.numerator << 192) // ratio.denominator)

    def price(self, sqrt_price: int) -> Fraction:
        """Return whole quote tokens per base token at the pool's square root."""
        ratio = Fraction(sqrt_price * sqrt_price, 1 << 192)
        raw = ratio if self.base_first else 1 / ratio
        return raw * Fraction(10**self.base_decimals, 10**self.quote_decimals)

    def ticks(self, low: Fraction, high: Fraction, spacing: int) -> tuple[int, int]:
        """Return the tick range of the prices from `low` to `high`, on the pool's grid."""
        ends = sorted(tick_at_sqrt_ratio(self.sqrt_price(price)) for price in (low, high))
        return ends[0] // spacing * spacing, ends[1] // spacing * spacing + spacing
