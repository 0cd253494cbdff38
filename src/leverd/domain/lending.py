"""Records of a pooled lending market and one account's side of it.

Numbers are in the protocol's own scale: indexes and rates in ray, parameters in basis
points, prices in USD 1e8 per whole token, amounts in the asset's smallest unit. A balance
is `scaled * index`; scaled numbers change only when somebody acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from leverd.domain.fixed_point import UINT256_MAX
from leverd.domain.money import Asset

INFINITE_HEALTH: Final = UINT256_MAX
"""The health factor (wad) of an account without debt, as the contract reports it."""


class Rounding(StrEnum):
    """How scaled balances are rounded."""

    HALF_UP = "half_up"
    """Aave up to 3.4: to nearest, in every conversion."""

    DIRECTED = "directed"
    """Aave from 3.5: against the account, always."""


class Compounding(StrEnum):
    """How the borrow index grows between touches."""

    BINOMIAL = "binomial"
    """Aave up to 3.3: three terms of (1 + r/n)^n."""

    TAYLOR = "taylor"
    """Aave from 3.4: three terms of e^x."""


class LiquidationRules(StrEnum):
    """Which liquidation logic the pool runs."""

    V3_0 = "v3_0"
    """Half of the debt unless health is at most 0.95."""

    V3_3 = "v3_3"
    """All of the debt, unless the position is large and healthy enough; no dust is left."""

    V3_7 = "v3_7"
    """As 3.3, every division rounded against the liquidator."""


class RateStrategy(StrEnum):
    """How the pool's rate contract turns usage into rates."""

    V1 = "v1"
    """Aave 3.0: the suppliers' rate starts from an average over stable and variable debt."""

    V2 = "v2"
    """Aave from 3.1: variable debt only, and a deficit dilutes the suppliers' rate."""


class EModeRules(StrEnum):
    """How an efficiency category combines with a reserve's own parameters."""

    COUPLED = "coupled"
    """Aave up to 3.5: an asset whose own LTV is zero counts as zero in every category."""

    DECOUPLED = "decoupled"
    """Aave from 3.6: inside a category only the category's terms count."""


@dataclass(frozen=True, slots=True)
class LendingRules:
    """The version of the protocol's arithmetic."""

    name: str
    rounding: Rounding
    compounding: Compounding
    liquidation: LiquidationRules
    strategy: RateStrategy
    emode: EModeRules


AAVE_3_0: Final = LendingRules(
    "aave-3.0",
    Rounding.HALF_UP,
    Compounding.BINOMIAL,
    LiquidationRules.V3_0,
    RateStrategy.V1,
    EModeRules.COUPLED,
)
AAVE_3_3: Final = replace(
    AAVE_3_0, name="aave-3.3", liquidation=LiquidationRules.V3_3, strategy=RateStrategy.V2
)
AAVE_3_4: Final = replace(AAVE_3_3, name="aave-3.4", compounding=Compounding.TAYLOR)
AAVE_3_5: Final = replace(AAVE_3_4, name="aave-3.5", rounding=Rounding.DIRECTED)
AAVE_3_6: Final = replace(AAVE_3_5, name="aave-3.6", emode=EModeRules.DECOUPLED)
AAVE_3_7: Final = replace(AAVE_3_6, name="aave-3.7", liquidation=LiquidationRules.V3_7)


@dataclass(frozen=True, slots=True)
class RateCurve:
    """The kinked borrow-rate curve; all in ray."""

    optimal_usage: int
    base_rate: int
    slope1: int
    slope2: int


@dataclass(frozen=True, slots=True)
class ReserveParams:
    """What governance set for one reserve."""

    ltv: int  # bps of collateral value that may be borrowed
    liquidation_threshold: int  # bps
    liquidation_bonus: int  # bps, 10500 pays the liquidator 5 %
    liquidation_protocol_fee: int  # bps of the bonus
    reserve_factor: int  # bps of interest kept by the protocol
    supply_cap: int  # whole tokens, 0 is none
    borrow_cap: int  # whole tokens, 0 is none
    active: bool = True
    frozen: bool = False
    paused: bool = False
    borrowing_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Reserve:
    """One asset's pool inside a lending market, as last touched at `updated_at`."""

    asset: Asset
    reserve_id: int
    params: ReserveParams
    curve: RateCurve
    price: int  # the venue's oracle, USD 1e8 per whole token
    liquidity_index: int  # ray
    borrow_index: int  # ray
    liquidity_rate: int  # ray a year, simple
    borrow_rate: int  # ray a year, compounded each second
    updated_at: int  # unix seconds
    scaled_supply: int  # all receipt tokens, without the treasury's accrued share
    scaled_debt: int
    available: int  # underlying that can leave the pool
    accrued_to_treasury: int  # scaled
    deficit: int = 0  # bad debt written off and not yet covered


@dataclass(frozen=True, slots=True)
class EMode:
    """An efficiency category: better terms for correlated assets."""

    category_id: int
    ltv: int  # bps
    liquidation_threshold: int  # bps
    liquidation_bonus: int  # bps
    collaterals: frozenset[Asset]
    borrowables: frozenset[Asset]
    label: str = ""
    zero_ltv: frozenset[Asset] = frozenset()  # collaterals that may not be borrowed against


@dataclass(frozen=True, slots=True)
class LendingMarket:
    """Every reserve we can touch in one lending venue, at one block."""

    market_id: str
    rules: LendingRules
    reserves: Mapping[Asset, Reserve]
    emodes: Mapping[int, EMode] = field(default_factory=dict)
    staking: Mapping[Asset, int] = field(default_factory=dict)  # wad: what a token stands for
    kept_at: str = ""  # the pool that keeps the loans, "" where it has no address


@dataclass(frozen=True, slots=True)
class LendingAccount:
    """One account's scaled balances. Absent assets are zero."""

    supplies: Mapping[Asset, int] = field(default_factory=dict)  # scaled
    debts: Mapping[Asset, int] = field(default_factory=dict)  # scaled
    collaterals: frozenset[Asset] = frozenset()  # supplies that count as collateral
    emode: int = 0
