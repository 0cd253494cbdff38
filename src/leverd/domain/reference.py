"""What other venues say an asset is worth. Prices are whole 1e-18s of quote per base."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReferenceQuote:
    """What one venue would trade at, at one of its blocks; all zeros if it said nothing yet."""

    source: str
    bid: int  # what a base brings, `size` of it sold: fee and impact are in it
    middle: int  # before fee and impact
    ask: int  # what a base costs, bought for `size`: as above
    size: int  # quote
    error: int  # share, 1e-18s: one sigma of what is unsure besides, as its quote asset's worth
    at: int  # chain time of the block, unix seconds
    block: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A quote, and what was made of it."""

    quote: ReferenceQuote
    error: int  # share, 1e-18s: all of it; 0 where it was ignored
    against: str  # why it was ignored, one word; "" if it counts


def silent(source: str) -> ReferenceQuote:
    """Return the quote of a venue that said nothing."""
    return ReferenceQuote(source, 0, 0, 0, 0, 0, 0, 0)
