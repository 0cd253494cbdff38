"""Amounts: whole numbers of an asset's smallest unit. `float` never enters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple

from leverd.domain.fixed_point import mul_div_down, mul_div_up

_UNITS: Final[tuple[int, ...]] = tuple(10**decimals for decimals in range(256))
"""One whole token in smallest units, by decimals: contracts count those in eight bits."""


class Asset(NamedTuple):
    """A fungible token, or a currency that equity is counted in.

    A tuple, because assets are looked up hundreds of times a turn and tuples hash fastest.
    """

    symbol: str
    decimals: int

    def amount(self, whole: Decimal | int | str) -> Amount:
        """Return `whole` tokens, rounded down to the smallest unit."""
        return Amount(self, floor(Fraction(Decimal(whole)) * self.unit))

    @property
    def unit(self) -> int:
        """One whole token in smallest units."""
        return _UNITS[self.decimals]


USD: Final = Asset("USD", 8)
"""The unit of account of oracles: prices are `USD` raw units per whole token."""


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A quantity of one asset; `raw` counts its smallest unit and may be negative as a delta."""

    asset: Asset
    raw: int

    def __add__(self, other: Amount) -> Amount:
        self._check_same_asset(other)
        return Amount(self.asset, self.raw + other.raw)

    def __sub__(self, other: Amount) -> Amount:
        self._check_same_asset(other)
        return Amount(self.asset, self.raw - other.raw)

    def __neg__(self) -> Amount:
        return Amount(self.asset, -self.raw)

    def __str__(self) -> str:
        return f"{self.whole:f} {self.asset.symbol}"

    def cut(self, places: int) -> str:
        """Return whole tokens with their symbol, cut towards zero to at most `places`."""
        places = min(places, self.asset.decimals)
        cut = abs(self.raw) // 10 ** (self.asset.decimals - places)
        sign = "-" if self.raw < 0 else ""
        return f"{sign}{Decimal(f'{cut}e-{places}'):,f} {self.asset.symbol}"

    @property
    def whole(self) -> Decimal:
        """The amount in whole tokens, exactly."""
        sign, digits, _ = Decimal(self.raw).as_tuple()
        return Decimal((sign, digits, -self.asset.decimals))

    def _check_same_asset(self, other: Amount) -> None:
        if self.asset != other.asset:
            raise TypeError(f"cannot combine {self.asset.symbol} with {other.asset.symbol}")


def value_down(amount: Amount, price: int) -> int:
    """Return what we own: `amount` at `price` (USD 1e8 per whole token), floored, USD 1e8."""
    return mul_div_down(amount.raw, price, amount.asset.unit)


def value_up(amount: Amount, price: int) -> int:
    """Return what we owe: `amount` at `price` (USD 1e8 per whole token), ceiled, USD 1e8."""
    return mul_div_up(amount.raw, price, amount.asset.unit)
