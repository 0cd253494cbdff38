"""Single steps of a position held by a plain address: direct calls, exact approvals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from leverd.adapters.evm import codes
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.survey import Survey
from leverd.adapters.evm.uniswap import swaps
from leverd.domain.fixed_point import UINT256_MAX
from leverd.domain.money import Amount, Asset
from leverd.domain.plan import (
    Action,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Supply,
    Swap,
    Withdraw,
)
from leverd.errors import OwnerError
from leverd.interfaces.chain_client import Call

_NO_REFERRAL: Final = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a call takes from the account, and who takes it."""

    asset: Asset
    spender: str
    amount: int  # raw


@dataclass(frozen=True, slots=True)
class PlainCall:
    """One direct call, and the allowance it needs, if any."""

    call: Call
    needs: Allowance | None = None


def encode(
    config: EvmVenueConfig, survey: Survey, holder: str, action: Action, deadline: int
) -> PlainCall:
    """Return `action` as a call that `holder` itself makes.

    Raises:
        OwnerError: it needs a router and the settings name none.
    """
    match action:
        case Supply(venue, amount):
            market, token = survey.markets[venue], survey.markets[venue].reserves[amount.asset]
            data = aave.SUPPLY.encode(token.token, amount.raw, holder, _NO_REFERRAL)
            needs = Allowance(amount.asset, market.pool, amount.raw)
            return PlainCall(Call(market.pool, data), needs)
        case Withdraw(venue, amount, everything):
            market, token = survey.markets[venue], survey.markets[venue].reserves[amount.asset]
            raw = UINT256_MAX if everything else amount.raw
            return PlainCall(Call(market.pool, aave.WITHDRAW.encode(token.token, raw, holder)))
        case Borrow(venue, amount):
            market, token = survey.markets[venue], survey.markets[venue].reserves[amount.asset]
            data = aave.BORROW.encode(token.token, amount.raw, aave.VARIABLE, _NO_REFERRAL, holder)
            return PlainCall(Call(market.pool, data))
        case Repay(venue, amount, everything):
            return _repay(survey, venue, holder, amount, everything=everything)
        case Swap(pool, sell, buy_min):
            router, trade = _route(config, survey, pool, sell.asset, buy_min.asset)
            call = swaps.exact_in(
                router, trade, holder, sell=sell.raw, buy_min=buy_min.raw, deadline=deadline
            )
            return PlainCall(call, Allowance(sell.asset, router, sell.raw))
        case BuyExact(pool, buy, sell_max):
            router, trade = _route(config, survey, pool, sell_max.asset, buy.asset)
            call = swaps.exact_out(
                router, trade, holder, buy=buy.raw, sell_max=sell_max.raw, deadline=deadline
            )
            return PlainCall(call, Allowance(sell_max.asset, router, sell_max.raw))
        case SetEMode(venue, category):
            pool_address = survey.markets[venue].pool
            return PlainCall(Call(pool_address, aave.SET_EMODE.encode(category)))
        case _:
            assert_never(action)


def _repay(
    survey: Survey, venue: str, holder: str, amount: Amount, *, everything: bool
) -> PlainCall:
    """Return a repayment; of everything, whatever the debt has grown to by then."""
    market, token = survey.markets[venue], survey.markets[venue].reserves[amount.asset]
    raw = UINT256_MAX if everything else amount.raw
    data = aave.REPAY.encode(token.token, raw, aave.VARIABLE, holder)
    # Interest runs until the call is mined: a thousandth covers months of it at any sane rate.
    allowed = amount.raw + amount.raw // 1000 + 1 if everything else amount.raw
    return PlainCall(Call(market.pool, data), Allowance(amount.asset, market.pool, allowed))


def _route(
    config: EvmVenueConfig, survey: Survey, pool: str, sold: Asset, bought: Asset
) -> tuple[str, swaps.Trade]:
    venue = next(venue for venue in config.pools if venue.name == pool)
    if not venue.router:
        raise OwnerError(
            f"{pool} has no router, which a position held by a plain address swaps through",
            number=codes.NO_ROUTER,
            remedy=f"set venues.{pool}.router, or move the position into an account contract",
        )
    addresses = config.addresses
    return venue.router, swaps.Trade(addresses[sold], addresses[bought], survey.pools[pool].fee)
