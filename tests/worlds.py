"""Small worlds for tests: one lending market, one deep pool, one position, one view.

Figures follow the WETH and USDC markets of late 2023: threshold 83 % and 5 bp swaps.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from leverd.domain.fixed_point import RAY
from leverd.domain.lending import (
    AAVE_3_0,
    LendingAccount,
    LendingMarket,
    RateCurve,
    Reserve,
    ReserveParams,
)
from leverd.domain.money import USD, Asset
from leverd.domain.pool import ConcentratedPool
from leverd.domain.position import Mandate, Position
from leverd.domain.state import State
from leverd.domain.tick_math import tick_at_sqrt_ratio
from leverd.domain.view import Gas, Record, Stamp, View

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
NOON = 1_700_000_000
PERCENT = RAY // 100
GWEI = 10**9


def mandate(**changes):
    """Return the mandate of a WETH/USDC loop counted in dollars."""
    base = Mandate("loop", "0xAccount", "aave", "weth-usdc", WETH, USDC, USD)
    return replace(base, **changes)


def reserve(asset, price, params, *, liquidity=10**6, debt=10**5):
    """Return a reserve of `liquidity` whole tokens, `debt` of them lent out."""
    unit = asset.unit
    return Reserve(
        asset=asset,
        reserve_id=0 if asset == WETH else 1,
        params=params,
        curve=RateCurve(80 * PERCENT, 0, 4 * PERCENT, 60 * PERCENT),
        price=price,
        liquidity_index=RAY,
        borrow_index=RAY,
        liquidity_rate=2 * PERCENT,
        borrow_rate=3 * PERCENT,
        updated_at=NOON,
        scaled_supply=(liquidity + debt) * unit,
        scaled_debt=debt * unit,
        available=liquidity * unit,
        accrued_to_treasury=0,
    )


def market(price=3000, **changes):
    """Return an Aave 3.0 market with WETH at `price` dollars and USDC at one."""
    weth = ReserveParams(8050, 8300, 10500, 1000, 1500, 0, 0)
    usdc = ReserveParams(7500, 7800, 10450, 1000, 1000, 0, 0)
    reserves = {
        WETH: reserve(WETH, int(Decimal(price) * 10**8), weth),
        USDC: reserve(USDC, 10**8, usdc, liquidity=10**9, debt=10**8),
    }
    return replace(LendingMarket("aave", AAVE_3_0, reserves), **changes)


def pool(price=3000, *, depth=10**21):
    """Return a WETH/USDC pool at `price` whose liquidity is the same at every tick."""
    raw = Decimal(price) * 10**6 / 10**18
    sqrt_price = int(raw.sqrt() * 2**96)
    tick = tick_at_sqrt_ratio(sqrt_price)
    edge = 887_220
    return ConcentratedPool(
        "weth-usdc",
        WETH,
        USDC,
        500,
        10,
        sqrt_price,
        tick,
        depth,
        ((-edge, depth), (edge, -depth)),
        (-edge, edge),
    )


def state(*, price=3000, posted=0, debt=0, idle=0, idle_debt=0, pool_price=None, **changes):
    """Return a state with `posted` and `idle` whole WETH, `debt` and `idle_debt` whole USDC."""
    supplies = {WETH: int(Decimal(posted) * WETH.unit)} if posted else {}
    debts = {USDC: int(Decimal(debt) * USDC.unit)} if debt else {}
    loan = LendingAccount(supplies, debts, frozenset(supplies))
    idles = {WETH: int(Decimal(idle) * WETH.unit), USDC: int(Decimal(idle_debt) * USDC.unit)}
    position = Position(mandate(), {"aave": loan}, idles)
    pools = {"weth-usdc": pool(price if pool_price is None else pool_price)}
    return replace(State(NOON, {"aave": market(price)}, pools, position), **changes)


def view(of=None, *, atomic=True, record=None, **changes):
    """Return a fresh view of state `of`."""
    stamp = Stamp("test", 100, "0xb10c", NOON, datetime.fromtimestamp(NOON, UTC))
    gas = Gas(20 * GWEI, GWEI, 3000 * 10**8, 10**19)
    base = View(stamp, state(idle=10) if of is None else of, gas, 0, atomic, record or Record())
    return replace(base, **changes)


def at_leverage(leverage, *, equity=10, price=3000):
    """Return a state of `equity` whole WETH's worth, levered to `leverage`."""
    exposure = Decimal(equity) * Decimal(leverage)
    owed = (exposure - equity) * price
    return state(price=price, posted=exposure, debt=owed)
