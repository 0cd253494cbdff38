"""From an owner's settings: the mandate, the models and the rules of a replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from leverd.backtest.history import load_history
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey
from leverd.backtest.history.price_rows import PriceRows
from leverd.backtest.replay.models import Chain, Listing, Models, Oracle, Pool, Walk
from leverd.backtest.replay.replay import Rules
from leverd.backtest.replay.synthetic import synthetic
from leverd.bootstrap.seating import seats_of
from leverd.bootstrap.timing import timing_of
from leverd.domain import lending
from leverd.domain.fixed_point import BPS, RAY, WAD
from leverd.domain.lending import EMode, RateCurve, ReserveParams
from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.errors import SettingsError
from leverd.settings import Settings, UniswapV3
from leverd.settings.backtest import SYNTHETIC, EModeSection, ListingSection

_GWEI: Final = 10**9
_NATIVE: Final = "WETH"
_RULES: Final = {
    each.name: each
    for each in (
        lending.AAVE_3_0,
        lending.AAVE_3_3,
        lending.AAVE_3_4,
        lending.AAVE_3_5,
        lending.AAVE_3_6,
        lending.AAVE_3_7,
    )
}
_CURVE: Final = RateCurve(RAY * 9 // 10, 0, RAY * 4 // 100, RAY * 6 // 10)
"""What a rate does after our own act, until the next look shows the recorded one."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A history, and what is to be known of it."""

    history: History
    warnings: tuple[str, ...] = ()
    holes: tuple[tuple[int, int], ...] = ()  # from when to when prices are held, not recorded
    made_up: bool = False


def past_of(settings: Settings) -> Past:
    """Return the past that the settings name.

    Raises:
        DataError: it cannot be read, or is malformed.
    """
    return past_named(settings.backtest.history, settings.backtest.draw)


def past_named(history: str, draw: int) -> Past:
    """Return the past that a file describes; or `synthetic`, the year of that `draw`.

    Raises:
        DataError: it cannot be read, or is malformed.
    """
    if history == SYNTHETIC:
        return Past(synthetic(draw), made_up=True)
    found = load_history(Path(history))
    prices = [part for part in found.parts.values() if isinstance(part, PriceRows)]
    holes = tuple((gap.since, gap.until) for part in prices for gap in part.gaps)
    return Past(found.history, tuple(str(each) for each in found.warnings), holes)


def mandate_of(settings: Settings, name: str) -> Mandate:
    """Return what the position called `name` is to be, held by no account of any chain.

    Raises:
        SettingsError: its tokens are not among `backtest.assets`, or its category is not among
            `backtest.emodes`.
    """
    position = settings.positions[name]
    described = {each.category for each in settings.backtest.emodes}
    if position.emode and position.emode not in described:
        raise SettingsError(
            f"category {position.emode} is not among backtest.emodes",
            number=114,
            place=f"positions.{name}.emode",
            remedy="describe it there: category, ltv, threshold, bonus, collateral, debt",
        )
    assets = {
        symbol: Asset(symbol, each.decimals) for symbol, each in settings.backtest.assets.items()
    }

    def asset(symbol: str, key: str) -> Asset:
        if symbol not in assets:
            raise SettingsError(
                f"{symbol} is not among backtest.assets ({', '.join(sorted(assets))})",
                number=111,
                place=f"positions.{name}.{key}",
                remedy=f"describe it under backtest.assets.{symbol}",
            )
        return assets[symbol]

    return Mandate(
        name,
        f"backtest:{name}",
        position.lending,
        position.pool,
        asset(position.collateral, "collateral"),
        asset(position.debt, "debt"),
        USD if position.share_class == USD.symbol else asset(position.share_class, "share_class"),
        position.emode,
    )


def models_of(settings: Settings, mandate: Mandate) -> Models:
    """Return what a replay of the position assumes.

    Raises:
        SettingsError: the native token, or the pool, is not described.
    """
    section = settings.backtest
    listings = {
        Asset(symbol, each.decimals): _listing(symbol, each)
        for symbol, each in section.assets.items()
    }
    native = next((each for each in listings if each.symbol == _NATIVE), None)
    if native is None:
        raise SettingsError(
            f"{_NATIVE} is not among backtest.assets: gas is paid in it",
            number=112,
            place="backtest.assets",
            remedy=f"describe it under backtest.assets.{_NATIVE}",
        )
    gas, inclusion, oracle = section.gas, section.inclusion, section.oracle
    chain = Chain(
        delay_s=inclusion.delay_s,
        delay_congested_s=inclusion.delay_congested_s,
        congested=inclusion.congested,
        fees_at=gas.fees_at or "",
        base_fee=_wei(gas.base_fee_gwei),
        fee_on_fall=gas.on_fall,
        base_fee_max=_wei(gas.base_fee_gwei_max),
        tip=_wei(gas.tip_gwei),
        failing=inclusion.failing,
        seed=section.draw,
    )
    return Models(
        listings=listings,
        pool=Pool(_fee_of(settings, mandate), USD.amount(section.pool_depth_usd).raw),
        native=native,
        walk=Walk(section.walk),
        oracle=Oracle(oracle.deviation, oracle.heartbeat_s, oracle.lag_s),
        chain=chain,
        rules=_RULES[section.rules],
        emodes={each.category: _emode(each, listings) for each in section.emodes},
        liquidators=section.liquidators,
        deposit=mandate.collateral.amount(section.deposit).raw,
        purse=int(section.gas_purse * WAD),
    )


def rules_of(settings: Settings, name: str) -> Rules:
    """Return the agents, limits and timing that the position is kept by."""
    return Rules(
        seats_of(settings, name),
        settings.limits.limits(),
        timing_of(settings.engine.inclusion_delay_s),
    )


def _listing(symbol: str, section: ListingSection) -> Listing:
    asset = Asset(symbol, section.decimals)
    supplied = asset.amount(section.supplied).raw
    bars, price = section.bars, section.price
    return Listing(
        asset=asset,
        params=ReserveParams(
            ltv=_bps(section.ltv),
            liquidation_threshold=_bps(section.threshold),
            liquidation_bonus=BPS + _bps(section.bonus),
            liquidation_protocol_fee=1_000,
            reserve_factor=1_000,
            supply_cap=0,
            borrow_cap=0,
        ),
        curve=_CURVE,
        bars=None if bars is None else BarsKey(bars.venue, bars.asset),
        price=int(price * USD.unit) if price is not None else USD.unit,
        staked_at=section.staked_at or "",
        oracle_at=section.oracle_at or "",
        rates_at=section.rates_at or "",
        supply_rate=int(section.supply_rate * RAY),
        borrow_rate=int(section.borrow_rate * RAY),
        supplied=supplied,
        borrowed=int(Fraction(section.used) * supplied),
    )


def _emode(section: EModeSection, listed: Iterable[Asset]) -> EMode:
    assets = {each.symbol: each for each in listed}

    def named(symbols: Iterable[str], key: str) -> frozenset[Asset]:
        unknown = [each for each in symbols if each not in assets]
        if unknown:
            raise SettingsError(
                f"{unknown[0]} is not among backtest.assets ({', '.join(sorted(assets))})",
                number=115,
                place=f"backtest.emodes: category {section.category}, {key}",
                remedy=f"describe it under backtest.assets.{unknown[0]}",
            )
        return frozenset(assets[each] for each in symbols)

    return EMode(
        category_id=section.category,
        ltv=_bps(section.ltv),
        liquidation_threshold=_bps(section.threshold),
        liquidation_bonus=BPS + _bps(section.bonus),
        collaterals=named(section.collateral, "collateral"),
        borrowables=named(section.debt, "debt"),
    )


def _fee_of(settings: Settings, mandate: Mandate) -> int:
    venue = settings.venues.get(mandate.pool)
    if not isinstance(venue, UniswapV3):
        raise SettingsError(
            f"{mandate.pool} is no pool of the settings",
            number=113,
            place=f"positions.{mandate.position_id}.pool",
            remedy="name a venue of kind uniswap_v3",
        )
    return venue.fee


def _bps(share: Decimal) -> int:
    return int(share * BPS)


def _wei(gwei: Decimal) -> int:
    return int(gwei * _GWEI)
