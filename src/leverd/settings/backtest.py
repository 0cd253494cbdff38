"""How the past is replayed: what of it is recorded, and what is assumed where nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from leverd.settings.types import Flag, Fraction, Model, Number, Positive, Text, Whole

SYNTHETIC: Final = "synthetic"
"""The history that needs no data: a seeded year of hours with a crash in it."""

MADE: Final = "made"
"""Predictions are made within the replay, from what was seen by then."""

Share = Annotated[Number, Field(ge=0)]


class BarsSection(Model):
    """Whose recorded bars are the price."""

    venue: Text
    asset: Text


class ListingSection(Model):
    """An asset of the lending market as it was; ratios and rates a year are fractions."""

    decimals: Annotated[Whole, Field(ge=0, le=36)]
    bars: Annotated[BarsSection | None, Field(description="its price; or `price`")] = None
    price: Annotated[Positive | None, Field(description="USD for ever, without bars")] = None
    staked_at: Annotated[Text | None, Field(description="venue of its staking rate")] = None
    oracle_at: Annotated[Text | None, Field(description="whose recorded answers it has")] = None
    rates_at: Annotated[
        Text | None, Field(description="venue of its recorded rates or indexes")
    ] = None
    supply_rate: Annotated[Share, Field(description="a year, where none is recorded")] = Decimal(0)
    borrow_rate: Annotated[Share, Field(description="a year, where none is recorded")] = Decimal(0)
    ltv: Fraction
    threshold: Annotated[Fraction, Field(description="liquidation threshold")]
    bonus: Annotated[Fraction, Field(description="what a liquidator gains")]
    supplied: Annotated[Positive, Field(description="whole tokens, by everybody")] = Decimal(
        1_000_000_000
    )
    used: Annotated[Fraction, Field(description="share of them that is borrowed")] = Decimal("0.8")

    @model_validator(mode="after")
    def _priced_once(self) -> ListingSection:
        if (self.bars is None) == (self.price is None):
            raise ValueError("name its bars or its price, exactly one of them")
        if not self.ltv <= self.threshold:
            raise ValueError(f"must hold: ltv {self.ltv} <= threshold {self.threshold}")
        return self


class OracleSection(Model):
    """When the lending market's oracle follows the market; deviation 0 follows every move."""

    deviation: Fraction = Decimal("0.005")
    heartbeat_s: Annotated[Whole, Field(ge=1)] = 3_600
    lag_s: Annotated[Whole, Field(ge=0, description="from the price to the answer")] = 12


class InclusionSection(Model):
    """How acts come into blocks."""

    delay_s: Annotated[Whole, Field(ge=0, description="from a look to the block")] = 24
    delay_congested_s: Annotated[Whole, Field(ge=0, description="the same in a rush")] = 240
    congested: Annotated[
        Number, Field(gt=1, description="times the day's median base fee that is a rush")
    ] = Decimal(5)
    failing: Annotated[
        Fraction, Field(lt=1, description="share that fails for no reason of its own")
    ] = Decimal(0)

    @model_validator(mode="after")
    def _slower_in_a_rush(self) -> InclusionSection:
        if self.delay_congested_s < self.delay_s:
            raise ValueError(
                f"must hold: delay_s {self.delay_s} <= delay_congested_s {self.delay_congested_s}"
            )
        return self


class EModeSection(Model):
    """An efficiency category; ratios are fractions."""

    category: Annotated[Whole, Field(ge=1, le=255)]
    ltv: Fraction
    threshold: Annotated[Fraction, Field(description="liquidation threshold")]
    bonus: Annotated[Fraction, Field(description="what a liquidator gains")]
    collateral: Annotated[tuple[Text, ...], Field(min_length=1)]
    debt: Annotated[tuple[Text, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> EModeSection:
        if not self.ltv <= self.threshold:
            raise ValueError(f"must hold: ltv {self.ltv} <= threshold {self.threshold}")
        return self


class GasSection(Model):
    """What blocks cost. Gwei a gas."""

    fees_at: Annotated[Text | None, Field(description="chain whose base fees are recorded")] = None
    base_fee_gwei: Annotated[Share, Field(description="where none is recorded")] = Decimal(20)
    tip_gwei: Share = Decimal(1)
    on_fall: Annotated[
        Share, Field(description="the base fee grows by this times the last hour's fall")
    ] = Decimal(20)
    base_fee_gwei_max: Annotated[Positive, Field(description="however far it falls")] = Decimal(
        1_500
    )


def _usual() -> Mapping[str, ListingSection]:
    """Return the markets of a usual Aave V3, priced by the synthetic history."""
    ether = BarsSection(venue=SYNTHETIC, asset="ETH")
    return {
        "WETH": ListingSection(
            decimals=18,
            bars=ether,
            rates_at=SYNTHETIC,
            ltv=Decimal("0.805"),
            threshold=Decimal("0.83"),
            bonus=Decimal("0.05"),
        ),
        "USDC": ListingSection(
            decimals=6,
            price=Decimal(1),
            rates_at=SYNTHETIC,
            ltv=Decimal("0.75"),
            threshold=Decimal("0.78"),
            bonus=Decimal("0.045"),
        ),
    }


class BacktestSection(Model):
    """What `leverd backtest` and `leverd survive` go by."""

    history: Annotated[Text, Field(description="synthetic, or a file of `leverd data new`")] = (
        SYNTHETIC
    )
    predictions: Annotated[
        Text, Field(description="made anew, or a journal whose words are read as known then")
    ] = MADE
    draw: Annotated[Whole, Field(ge=0, description="which of what is drawn from chance")] = 1
    deposit: Annotated[Positive, Field(description="whole tokens of each one's collateral")] = (
        Decimal(10)
    )
    gas_purse: Annotated[Positive, Field(description="whole native tokens for gas")] = Decimal(2)
    walk: Annotated[
        Literal["worst_first", "close"], Field(description="of a bar's prices, which are met")
    ] = "worst_first"
    rules: Literal["aave-3.0", "aave-3.3", "aave-3.4", "aave-3.5", "aave-3.6", "aave-3.7"] = (
        "aave-3.6"
    )
    pool_depth_usd: Annotated[Positive, Field(description="on each side of the pool")] = Decimal(
        50_000_000
    )
    liquidators: Flag = True
    oracle: OracleSection = Field(default_factory=OracleSection)
    inclusion: InclusionSection = Field(default_factory=InclusionSection)
    gas: GasSection = Field(default_factory=GasSection)
    assets: Annotated[Mapping[str, ListingSection], Field(min_length=1)] = Field(
        default_factory=_usual
    )
    emodes: Annotated[
        tuple[EModeSection, ...], Field(description="categories that positions name")
    ] = ()

    @model_validator(mode="after")
    def _categories_once(self) -> BacktestSection:
        numbers = [each.category for each in self.emodes]
        twice = next((each for each in numbers if numbers.count(each) > 1), None)
        if twice is not None:
            raise ValueError(f"emodes: category {twice} is described twice")
        return self
