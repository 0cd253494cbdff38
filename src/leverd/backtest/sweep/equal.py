"""The models in which the sweep's kernel and a replay through the real agents are comparable.

Everything that the kernel leaves out is set here so that it does nothing: see `kernel` for what
is left. What no setting makes equal is what a swap does in a pool that is too shallow for it, and
what becomes of a position after a liquidation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from leverd.agents import guardian, leverage_loop
from leverd.backtest.history.exact import WIDE_UNIT, Ints, Wide
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Chain, Listing, Models, Pool, Walk
from leverd.backtest.replay.replay import Rules
from leverd.backtest.replay.world import World
from leverd.backtest.sweep.configuration import RATIO, Configuration
from leverd.backtest.sweep.past import Past
from leverd.domain.fixed_point import BPS, RAY
from leverd.domain.lending import AAVE_3_6, RateCurve, ReserveParams
from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.engine.turn import Seat, Timing
from leverd.risk.limits import Limits

COLLATERAL: Final = "COLLATERAL"
DEBT: Final = "DEBT"

_VENUE: Final = "past"
_NOTHING: Final = Decimal(0)
_HAIR: Final = Decimal("1e-12")
"""What a limit that must be above or below something is beyond it."""
_ANY: Final = Decimal(10) ** 30
_PLENTY: Final = 10**45
"""Raw units to borrow, wei in the purse, USD 1e-8 in a pool without price impact."""

LIMITS: Final = Limits(
    leverage_max=_ANY,
    position_usd_max=_ANY,
    active_positions_max=1,
    health_min=1 + 2 * _HAIR,
    health_step_min=1 + _HAIR,
    shock=-_HAIR,
    slippage_max=_NOTHING,  # a block is that of the look: what is quoted is filled
    price_impact_max=Decimal(1),
    oracle_gap_max=1 - _HAIR,
    gas_price_wei_max=1,
    gas_day_wei_max=1,
    guardian_gas_share=_NOTHING,
    gas_reserve_deleverages=1,
    gas_price_wei_worst=1,
    trades_day_max=10**18,
    cooldown_after_loss_s=0,
    cost_share_max=Decimal(1),
    profit_usd_min=-_ANY,
    drag_max=_ANY,
    portfolio_stop=1 - _HAIR,
    drawdown_day_max=1 - _HAIR,
    pegged=(),
    depeg_max=Decimal(1),
    view_age_s_max=1,
)
"""Limits that hold nothing back."""

_FREE: Final = Chain(delay_s=0, delay_congested_s=0, base_fee=0, tip=0, fee_on_fall=_NOTHING)
_FLAT: Final = RateCurve(RAY * 9 // 10, 0, 0, 0)


def world_of(configuration: Configuration, past: Past) -> World:
    """Return the past as a replay goes through it: its closes and its indexes, nothing else.

    Gas costs nothing in it: the kernel's sum an act is taken off beside it.
    """
    assets = (
        Asset(COLLATERAL, past.collateral_decimals),
        Asset(DEBT, past.debt_decimals),
    )
    threshold = configuration.threshold
    params = ReserveParams(
        ltv=threshold,  # no limit of what may be borrowed but health
        liquidation_threshold=threshold,
        liquidation_bonus=BPS + past.bonus,
        liquidation_protocol_fee=0,
        reserve_factor=0,
        supply_cap=0,
        borrow_cap=0,
    )
    models = Models(
        listings={
            each: Listing(each, params, _FLAT, _key(each.symbol), rates_at=_VENUE, supplied=_PLENTY)
            for each in assets
        },
        pool=Pool(configuration.fee, configuration.depth or _PLENTY),
        native=assets[0],
        walk=Walk.CLOSE,
        chain=_FREE,
        rules=AAVE_3_6,
        deposit=past.amount,
        purse=_PLENTY,
    )
    return World(_history(past), models, Mandate("swept", "sweep", "lending", "pool", *assets, USD))


def rules_of(configuration: Configuration) -> Rules:
    """Return the loop, and the guardian if it has a trigger, of `configuration`."""
    seats = [Seat(leverage_loop.LeverageLoop(_loop(configuration)), guards=False)]
    if configuration.guardian_below:
        seats.insert(0, Seat(guardian.Guardian(_guardian(configuration)), guards=True))
    return Rules(seats, LIMITS, Timing(delay_s=0, deadline_s=1, deadline_urgent_s=1))


def _loop(configuration: Configuration) -> leverage_loop.Params:
    return leverage_loop.Params(
        target=_ratio(configuration.target),
        boost_below=_ratio(configuration.band_low),
        repay_above=_ratio(configuration.band_high),
        change_min=_NOTHING,
        wait_s_min=0,
        cost_share_max=Decimal(1),
        profit_usd_min=_NOTHING,
        health_floor=_ratio(configuration.health_floor),
    )


def _guardian(configuration: Configuration) -> guardian.Params:
    to = configuration.guardian_to
    return guardian.Params(
        deleverage_below=_ratio(configuration.guardian_below),
        repay_to=_ratio(to) if to else None,
        target=_ratio(configuration.target),
    )


def _history(past: Past) -> History:
    """Return bars of one second that end at the past's points, each a price and no path."""
    still = np.tile(np.array([[RAY // WIDE_UNIT, 0]], dtype=np.int64), (len(past), 1))
    series = [
        _index(past, COLLATERAL, Side.SUPPLY, past.supply_index),
        _index(past, COLLATERAL, Side.BORROW, still),
        _index(past, DEBT, Side.SUPPLY, still),
        _index(past, DEBT, Side.BORROW, past.borrow_index),
    ]
    bars = {
        _key(COLLATERAL): _flat(past.collateral_price),
        _key(DEBT): _flat(past.debt_price),
    }
    return History(1, past.ts - 1, bars, {each.key: each for each in series})


def _index(past: Past, asset: str, side: Side, values: Wide) -> Series:
    key = SeriesKey(Kind.INDEX, _VENUE, asset, side)
    return Series(key, past.ts.view(), values.view())  # of its own: a series shuts its arrays


def _flat(prices: Ints) -> Bars:
    return Bars(*(prices.view() for _ in range(4)))


def _key(asset: str) -> BarsKey:
    return BarsKey(_VENUE, asset)


def _ratio(number: int) -> Decimal:
    return Decimal(number) / RATIO
