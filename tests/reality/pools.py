"""Markets made of recorded prices and parameters, in the records the domain reckons with.

Aave V2 priced in wei of ether; our records say USD 1e8. The arithmetic is the same: a price is
an integer a whole token, and a value is in the price's unit.
"""

from __future__ import annotations

from collections.abc import Mapping

from leverd.domain.fixed_point import RAY
from leverd.domain.lending import (
    AAVE_3_0,
    LendingAccount,
    LendingMarket,
    RateCurve,
    Reserve,
    ReserveParams,
)
from leverd.domain.money import Asset

ETHER = 10**18


def asset(symbol: str, decimals: int) -> Asset:
    """Return the asset of that name."""
    return Asset(symbol=symbol, decimals=decimals)


def reserve(
    asset: Asset, price: int, *, threshold: int = 0, bonus: int = 0, factor: int = 0
) -> Reserve:
    """Return a reserve whose balances are its scaled balances."""
    return Reserve(
        asset=asset,
        reserve_id=0,
        params=ReserveParams(
            ltv=0,
            liquidation_threshold=threshold,
            liquidation_bonus=bonus,
            liquidation_protocol_fee=0,
            reserve_factor=factor,
            supply_cap=0,
            borrow_cap=0,
        ),
        curve=RateCurve(optimal_usage=RAY, base_rate=0, slope1=0, slope2=0),
        price=price,
        liquidity_index=RAY,
        borrow_index=RAY,
        liquidity_rate=0,
        borrow_rate=0,
        updated_at=0,
        scaled_supply=0,
        scaled_debt=0,
        available=0,
        accrued_to_treasury=0,
    )


def market(*reserves: Reserve) -> LendingMarket:
    """Return a market of `reserves` by the rules of Aave 3.0, the nearest to those of V2."""
    return LendingMarket("recorded", AAVE_3_0, {each.asset: each for each in reserves})


def account(supplies: Mapping[Asset, int], debts: Mapping[Asset, int]) -> LendingAccount:
    """Return an account whose supplies all count as collateral."""
    held = {each: amount for each, amount in supplies.items() if amount}
    owed = {each: amount for each, amount in debts.items() if amount}
    return LendingAccount(supplies=held, debts=owed, collaterals=frozenset(held))
