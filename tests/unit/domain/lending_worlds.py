"""Small lending markets for tests: three assets, one category, any version of the rules."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from leverd.domain import lending_actions
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import (
    AAVE_3_0,
    AAVE_3_3,
    AAVE_3_5,
    AAVE_3_6,
    AAVE_3_7,
    EMode,
    LendingAccount,
    LendingMarket,
    LendingRules,
    RateCurve,
    Reserve,
    ReserveParams,
)
from leverd.domain.money import Asset

WETH, USDC, WSTETH = Asset("WETH", 18), Asset("USDC", 6), Asset("wstETH", 18)
NOON = 1_700_000_000
DOLLAR = 10**8
PERCENT = RAY // 100
ALL_RULES = (AAVE_3_0, AAVE_3_3, AAVE_3_5, AAVE_3_6, AAVE_3_7)

PARAMS = {
    WETH: ReserveParams(8_050, 8_300, 10_500, 1_000, 1_500, 0, 0),
    USDC: ReserveParams(7_500, 7_800, 10_450, 1_000, 1_000, 0, 0),
    WSTETH: ReserveParams(7_850, 8_100, 10_600, 1_000, 1_500, 0, 0),
}
PRICES = {WETH: 3_000 * DOLLAR, USDC: DOLLAR, WSTETH: 3_450 * DOLLAR}
ETHER_CATEGORY = EMode(
    1, 9_300, 9_500, 10_100, frozenset((WETH, WSTETH)), frozenset((WETH, WSTETH))
)


def reserve(asset: Asset, number: int, *, liquidity_index: int = RAY, borrow_index: int = RAY):
    """Return an empty reserve, last touched at noon."""
    return Reserve(
        asset=asset,
        reserve_id=number,
        params=PARAMS[asset],
        curve=RateCurve(80 * PERCENT, 0, 4 * PERCENT, 75 * PERCENT),
        price=PRICES[asset],
        liquidity_index=liquidity_index,
        borrow_index=borrow_index,
        liquidity_rate=0,
        borrow_rate=0,
        updated_at=NOON,
        scaled_supply=0,
        scaled_debt=0,
        available=0,
        accrued_to_treasury=0,
    )


def market(
    rules: LendingRules = AAVE_3_0,
    *,
    deep: int = 100_000_000,
    liquidity_index: int = RAY,
    borrow_index: int = RAY,
) -> LendingMarket:
    """Return a market in which a stranger has supplied `deep` dollars of everything."""
    reserves = {
        asset: reserve(asset, number, liquidity_index=liquidity_index, borrow_index=borrow_index)
        for number, asset in enumerate((WETH, USDC, WSTETH))
    }
    made = LendingMarket("aave", rules, reserves, {1: ETHER_CATEGORY})
    for asset in reserves:
        raw = deep * DOLLAR * asset.unit // PRICES[asset]
        if raw:
            made = lending_actions.supply(made, LendingAccount(), asset, raw, NOON).market
    return made


def changed(made: LendingMarket, asset: Asset, **changes) -> LendingMarket:
    """Return the market with fields of a reserve, or of its parameters, changed."""
    was = made.reserves[asset]
    own = {name: value for name, value in changes.items() if hasattr(was, name)}
    params = {name: value for name, value in changes.items() if name not in own}
    now = replace(was, **own, params=replace(was.params, **params))
    return replace(made, reserves={**made.reserves, asset: now})


def loop(made: LendingMarket, collateral: int, debt: int, *, of: Asset = WETH, owes: Asset = USDC):
    """Return market and account after supplying and borrowing that many raw units at noon."""
    moved = lending_actions.supply(made, LendingAccount(), of, collateral, NOON)
    moved = lending_actions.borrow(moved.market, moved.loan, owes, debt, NOON)
    return moved.market, moved.loan


rules = st.sampled_from(ALL_RULES)
indexes = st.integers(RAY, 3 * RAY)
seconds = st.integers(0, 3 * 365 * 86_400)
