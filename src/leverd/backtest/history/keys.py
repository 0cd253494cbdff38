"""What a recorded series is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}", re.ASCII)
"""How a venue or an asset is called: no space, no character that a terminal would obey."""


class Kind(StrEnum):
    """What the numbers of a series mean, and so how they are kept."""

    RATE = "rate"  # float64, fraction a year
    INDEX = "index"  # exact, ray
    LST_RATE = "lst_rate"  # exact, wad: what one staked token is worth in its own asset
    FUNDING = "funding"  # float64, fraction per interval; positive: longs pay
    GAS = "gas"  # exact, wei per gas
    ORACLE = "oracle"  # exact, USD 1e-8


class Side(StrEnum):
    """Which of a kind's two series it is."""

    NONE = ""
    SUPPLY = "supply"
    BORROW = "borrow"
    BASE_FEE = "base_fee"
    TIP = "tip"


_LENDING: Final = frozenset({Side.SUPPLY, Side.BORROW})
SIDES: Final[Mapping[Kind, frozenset[Side]]] = {
    Kind.RATE: _LENDING,
    Kind.INDEX: _LENDING,
    Kind.LST_RATE: frozenset({Side.NONE}),
    Kind.FUNDING: frozenset({Side.NONE}),
    Kind.GAS: frozenset({Side.BASE_FEE, Side.TIP}),
    Kind.ORACLE: frozenset({Side.NONE}),
}
"""The sides each kind has."""


@dataclass(frozen=True, slots=True, order=True)
class BarsKey:
    """Whose bars: an asset's price at a venue."""

    venue: str
    asset: str

    def __str__(self) -> str:
        return f"bars {self.venue} {self.asset}"


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Whose numbers: e.g. the borrow rate of USDC at aave. Gas has a chain and no asset."""

    kind: Kind
    venue: str
    asset: str = ""
    side: Side = Side.NONE

    def __post_init__(self) -> None:
        assert self.side in SIDES[self.kind], f"a {self.kind} has no side {self.side!r}"

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.venue, self.asset, self.side) if part)
