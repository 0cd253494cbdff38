"""Returns by units: money that comes in buys units, money that goes out sells them.

So the price of a unit moves by P&L alone. Gas, paid outside the position, lowers the price
as a loss would: it is money in that was lost at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from leverd.domain.changed import changed
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.money import Asset
from leverd.domain.pnl import Attribution


@dataclass(frozen=True, slots=True)
class UnitBook:
    """How many units a position has, what one is worth, and the most it was ever worth."""

    units: int = 0  # WAD
    price: int = 0  # share class raw units per WAD units, 0 before the first flow
    peak: int = 0  # highest price marked

    @property
    def drawdown(self) -> Decimal:
        """The fall from the peak, as a fraction of it."""
        return 1 - Decimal(self.price) / self.peak if self.peak else Decimal(0)


def advance(
    book: UnitBook, pnl: Attribution, flow: int, equity: int, share_class: Asset
) -> UnitBook:
    """Return `book` after a stretch with this `pnl` and `flow` that ended at `equity`.

    All in raw units of the share class. The flow counts as coming last.
    """
    gas = -pnl.gas
    earned = equity - flow
    if book.units and earned > gas:
        book = flowed(book, earned - gas, gas, share_class)
    book = marked(book, earned)
    return marked(flowed(book, earned, flow, share_class), equity)


def flowed(book: UnitBook, equity: int, flow: int, share_class: Asset) -> UnitBook:
    """Return `book` after `flow` came in (or went out), which found it worth `equity`.

    Units are rounded so that those who do not move never pay for those who do. The first
    unit costs one whole `share_class`; after everything was withdrawn the next one costs
    what the last was worth, and after everything was lost a whole `share_class` again.
    """
    if book.units and equity > 0:
        if flow >= 0:
            return changed(book, units=book.units + mul_div_down(flow, book.units, equity))
        return changed(book, units=max(book.units - mul_div_up(-flow, book.units, equity), 0))
    if flow <= 0:
        return book
    price = book.price or share_class.unit
    return changed(book, units=mul_div_down(flow, WAD, price), price=price)


def marked(book: UnitBook, equity: int) -> UnitBook:
    """Return `book` with its price and peak as of `equity`; without units they stand still."""
    if book.units == 0:
        return book
    price = mul_div_down(max(equity, 0), WAD, book.units)
    return changed(book, price=price, peak=max(book.peak, price))
