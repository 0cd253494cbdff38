"""A replay's ingredients, small enough for tests: ether against dollars on a made-up past."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from leverd.agents.guardian import Guardian
from leverd.agents.guardian import Params as GuardianParams
from leverd.agents.leverage_loop import LeverageLoop
from leverd.agents.leverage_loop import Params as LoopParams
from leverd.backtest.history.exact import widened
from leverd.backtest.history.history import Bars, History
from leverd.backtest.history.keys import BarsKey, Kind, SeriesKey, Side
from leverd.backtest.history.series import Series
from leverd.backtest.replay.models import Chain, Listing, Models, Pool, Walk
from leverd.backtest.replay.replay import Replay, Rules
from leverd.backtest.replay.world import World
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.lending import RateCurve, ReserveParams
from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.engine.turn import Seat, Timing
from leverd.risk.limits import Limits

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
HOUR = 3_600
SINCE = 1_500_001_200 // HOUR * HOUR
ETHER = BarsKey("somewhere", "ETH")
CURVE = RateCurve(RAY * 8 // 10, 0, RAY * 4 // 100, RAY * 6 // 10)
MANDATE = Mandate("loop", "backtest:loop", "aave", "pool", WETH, USDC, USD)
LIMITS = Limits(
    leverage_max=Decimal(10),
    position_usd_max=Decimal(10) ** 12,
    active_positions_max=3,
    health_min=Decimal("1.01"),
    health_step_min=Decimal("1.005"),
    shock=Decimal("-0.01"),
    slippage_max=Decimal("0.01"),
    price_impact_max=Decimal("0.02"),
    oracle_gap_max=Decimal("0.02"),
    gas_price_wei_max=10**15,
    gas_day_wei_max=10**24,
    guardian_gas_share=Decimal("0.5"),
    gas_reserve_deleverages=1,
    gas_price_wei_worst=10**12,
    trades_day_max=10**9,
    cooldown_after_loss_s=0,
    cost_share_max=Decimal(1),
    profit_usd_min=Decimal(-(10**9)),
    drag_max=Decimal(1),
    portfolio_stop=Decimal("0.99"),
    drawdown_day_max=Decimal("0.99"),
    pegged=(),
    depeg_max=Decimal("0.02"),
    view_age_s_max=120,
)
LOOP = LoopParams(
    target=Decimal(3),
    boost_below=Decimal("2.5"),
    repay_above=Decimal("3.5"),
    change_min=Decimal(0),
    wait_s_min=0,
    health_floor=Decimal("1.3"),
    cost_share_max=Decimal(1),
)
GUARDIAN = GuardianParams(target=Decimal(3), band_high=Decimal("3.5"))
FREE = Chain(
    delay_s=0,
    delay_congested_s=0,
    base_fee=0,
    tip=0,
    fee_on_fall=Decimal(0),
)


def params(threshold, ltv):
    return ReserveParams(ltv, threshold, 10_500, 1_000, 1_500, 0, 0)


LISTINGS = {
    WETH: Listing(
        WETH, params(9_300, 9_000), CURVE, ETHER, rates_at="aave", supplied=10**24, borrowed=10**23
    ),
    USDC: Listing(
        USDC, params(8_000, 7_700), CURVE, None, rates_at="aave", supplied=10**16, borrowed=10**15
    ),
}
MODELS = Models(
    listings=LISTINGS,
    pool=Pool(500, 10**12 * USD.unit),
    native=WETH,
    walk=Walk.CLOSE,
    chain=FREE,
    deposit=10 * WETH.unit,
    purse=1_000 * WAD,
)


def prices(count, *, volatility=0.6, seed=1, drift=0.0):
    """Return lognormal closes, USD 1e8, an hour apart; volatility is a year's."""
    rng = np.random.default_rng(seed)
    each = volatility * (HOUR / 31_536_000) ** 0.5
    moves = rng.normal(drift - each * each / 2, each, count)
    return np.rint(2_000e8 * np.exp(np.cumsum(moves))).astype(np.int64)


def indexes(count, seed=1):
    """Return supply and borrow indexes of both assets, from rates that change every hour."""
    rng = np.random.default_rng(seed)
    found = {}
    ts = SINCE + HOUR * np.arange(count + 1, dtype=np.int64)
    for asset, side, rate in (
        ("WETH", Side.SUPPLY, 0.02),
        ("WETH", Side.BORROW, 0.025),
        ("USDC", Side.SUPPLY, 0.04),
        ("USDC", Side.BORROW, 0.05),
    ):
        hourly = (rate * (1 + rng.uniform(-0.3, 0.3, count)) / 8_760 * 1e18).astype(np.int64)
        grown, index = [RAY], RAY
        for each in hourly.tolist():
            index += index * each // WAD
            grown.append(index)
        key = SeriesKey(Kind.INDEX, "aave", asset, side)
        found[key] = Series(key, ts.copy(), widened(grown))
    return found


def flat(closes):
    return Bars(closes, closes.copy(), closes.copy(), closes.copy())


def history(closes, *, bars=None, series=None):
    ts = SINCE + HOUR * np.arange(len(closes), dtype=np.int64)
    found = indexes(len(closes)) if series is None else series
    return History(HOUR, ts, {ETHER: bars or flat(closes)}, found)


def walked(closes, seed=1):
    """Return bars round `closes` that reach beyond them on both sides."""
    rng = np.random.default_rng(seed)
    opens = np.concatenate([closes[:1], closes[:-1]])
    above = (np.maximum(opens, closes) * (1 + rng.uniform(0, 0.02, len(closes)))).astype(np.int64)
    below = (np.minimum(opens, closes) * (1 - rng.uniform(0, 0.02, len(closes)))).astype(np.int64)
    return Bars(opens, above, below, closes)


def rules(loop=LOOP, guardian=GUARDIAN, limits=LIMITS, timing=None, others=()):
    seats = [] if guardian is None else [Seat(Guardian(guardian), guards=True)]
    seats += [] if loop is None else [Seat(LeverageLoop(loop), guards=False)]
    return Rules([*seats, *others], limits, timing or Timing(0, 600, 120))


def replay(past, kept=None, models=MODELS, mandate=MANDATE, **how):
    return Replay(World(past, models, mandate), kept or rules(), **how).run()


def events(replayed, *kinds):
    return [each.event for each in replayed.entries if isinstance(each.event, kinds)]
