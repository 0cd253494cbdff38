"""A reserve in time: accrued to a moment, and with its rates refreshed after an action.

Source: Aave's ReserveLogic (updateState, updateInterestRates and the normalized getters).
"""

from __future__ import annotations

from leverd.domain import rates
from leverd.domain.changed import changed
from leverd.domain.fixed_point import RAY, mul_div_down, percent_mul, ray_mul
from leverd.domain.lending import LendingMarket, LendingRules, Reserve, Rounding
from leverd.domain.lending_errors import Refusal, refuse
from leverd.domain.money import Asset
from leverd.domain.scaled import debt_balance, supply_balance, supply_minted


def reserve_of(market: LendingMarket, asset: Asset) -> Reserve:
    """Return the reserve of `asset`.

    Raises:
        ImpossibleError: the market does not list it.
    """
    reserve = market.reserves.get(asset)
    if reserve is None:
        refuse(Refusal.AssetNotListed, f"{asset.symbol} in {market.market_id}")
    return reserve


def with_reserve(market: LendingMarket, reserve: Reserve) -> LendingMarket:
    """Return the market with `reserve` in place of its namesake."""
    return changed(market, reserves={**market.reserves, reserve.asset: reserve})


def normalized_income(reserve: Reserve, at: int) -> int:
    """Return the supply index (ray) at chain time `at`."""
    seconds = _elapsed(reserve, at)
    if seconds == 0:
        return reserve.liquidity_index
    return ray_mul(rates.linear_factor(reserve.liquidity_rate, seconds), reserve.liquidity_index)


def normalized_debt(reserve: Reserve, rules: LendingRules, at: int) -> int:
    """Return the borrow index (ray) at chain time `at`."""
    seconds = _elapsed(reserve, at)
    if seconds == 0:
        return reserve.borrow_index
    factor = rates.compounded_factor(reserve.borrow_rate, seconds, rules.compounding)
    return ray_mul(factor, reserve.borrow_index)


def accrued(
    reserve: Reserve, rules: LendingRules, at: int, *, indexes: tuple[int, int] | None = None
) -> Reserve:
    """Return the reserve as an action at `at` finds it: indexes grown, treasury's share set aside.

    `indexes` (liquidity, borrow; ray) replace the grown ones when a receipt tells them.
    """
    if indexes is None:
        if _elapsed(reserve, at) == 0:
            return reserve
        indexes = _grown(reserve, rules, at)
    liquidity_index, borrow_index = indexes
    treasury = _treasury_share(reserve, rules, liquidity_index, borrow_index)
    return changed(
        reserve,
        liquidity_index=liquidity_index,
        borrow_index=borrow_index,
        accrued_to_treasury=reserve.accrued_to_treasury + treasury,
        updated_at=at,
    )


def with_liquidity(
    reserve: Reserve,
    rules: LendingRules,
    *,
    added: int = 0,
    taken: int = 0,
    supplied: int = 0,
    owed: int = 0,
) -> Reserve:
    """Return an accrued reserve after liquidity moved, its rates refreshed.

    `supplied` and `owed` are what its scaled supply and debt grew by, below zero if they fell.
    """
    available = reserve.available + added - taken
    scaled_debt = reserve.scaled_debt + owed
    debt = debt_balance(scaled_debt, reserve.borrow_index, rules.rounding)
    fresh = rates.rates_at(reserve, rules, debt, available)
    return changed(
        reserve,
        available=available,
        scaled_supply=reserve.scaled_supply + supplied,
        scaled_debt=scaled_debt,
        liquidity_rate=fresh.liquidity,
        borrow_rate=fresh.borrow,
    )


def supplied_total(reserve: Reserve, rules: LendingRules, at: int) -> int:
    """Return what all suppliers own (raw), the treasury's unminted share left out."""
    return supply_balance(reserve.scaled_supply, normalized_income(reserve, at), rules.rounding)


def debt_total(reserve: Reserve, rules: LendingRules, at: int) -> int:
    """Return what all borrowers owe (raw)."""
    index = normalized_debt(reserve, rules, at)
    return debt_balance(reserve.scaled_debt, index, rules.rounding)


def utilisation(reserve: Reserve, rules: LendingRules, at: int) -> int:
    """Return the share of the pool that is lent out (ray)."""
    return rates.usage(debt_total(reserve, rules, at), reserve.available)


def rates_after(
    reserve: Reserve, rules: LendingRules, at: int, *, borrowed: int = 0, supplied: int = 0
) -> rates.Rates:
    """Return the rates once we borrow and supply that much more (raw; negative is less).

    So the cost of a loan is known before it is taken.
    """
    debt = max(debt_total(reserve, rules, at) + borrowed, 0)
    available = max(reserve.available + supplied - borrowed, 0)
    return rates.rates_at(reserve, rules, debt, available)


def _elapsed(reserve: Reserve, at: int) -> int:
    if at < reserve.updated_at:
        refuse(Refusal.BeforeLastUpdate, f"{at} is before {reserve.updated_at}")
    return at - reserve.updated_at


def _grown(reserve: Reserve, rules: LendingRules, at: int) -> tuple[int, int]:
    # A side nobody earns on, or owes, stands still; the contract skips it too.
    income = normalized_income(reserve, at) if reserve.liquidity_rate else reserve.liquidity_index
    debt = normalized_debt(reserve, rules, at) if reserve.scaled_debt else reserve.borrow_index
    return income, debt


def _treasury_share(
    reserve: Reserve, rules: LendingRules, liquidity_index: int, borrow_index: int
) -> int:
    """Return the scaled supply that the protocol takes of the interest since the last touch."""
    grown = borrow_index - reserve.borrow_index
    if rules.rounding is Rounding.DIRECTED:
        interest = mul_div_down(reserve.scaled_debt, max(grown, 0), RAY)
    else:
        before = ray_mul(reserve.scaled_debt, reserve.borrow_index)
        interest = max(ray_mul(reserve.scaled_debt, borrow_index) - before, 0)
    share = percent_mul(interest, reserve.params.reserve_factor)
    return supply_minted(share, liquidity_index, rules.rounding)
