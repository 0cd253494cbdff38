"""Single steps of a position held by a plain address: direct calls, exact approvals."""

from __future__ import annotations

from typing import Final, assert_never

from leverd.adapters.evm import codes, erc20
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.aave.market import Market
from leverd.adapters.evm.allow_list import Rule
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.survey import Survey
from leverd.adapters.evm.uniswap import functions as uniswap
from leverd.adapters.evm.uniswap import swaps
from leverd.adapters.evm.uniswap.swaps import Trade
from leverd.domain.fixed_point import UINT256_MAX
from leverd.domain.money import Asset
from leverd.domain.plan import (
    Action,
    Approve,
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
_RECIPIENT_WORD: Final = 3  # of both of the router's swaps


def encode(
    config: EvmVenueConfig, survey: Survey, holder: str, action: Action, deadline: int
) -> Call:
    """Return `action` as a call that `holder` itself makes.

    Raises:
        OwnerError: it needs a router and the settings name none.
    """
    match action:
        case Supply(venue, amount):
            market, token = _in_market(survey, venue, amount.asset)
            return Call(market.pool, aave.SUPPLY.encode(token, amount.raw, holder, _NO_REFERRAL))
        case Withdraw(venue, amount, everything):
            market, token = _in_market(survey, venue, amount.asset)
            raw = UINT256_MAX if everything else amount.raw
            return Call(market.pool, aave.WITHDRAW.encode(token, raw, holder))
        case Borrow(venue, amount):
            market, token = _in_market(survey, venue, amount.asset)
            terms = (amount.raw, aave.VARIABLE, _NO_REFERRAL)
            return Call(market.pool, aave.BORROW.encode(token, *terms, holder))
        case Repay(venue, amount, everything):
            market, token = _in_market(survey, venue, amount.asset)
            raw = UINT256_MAX if everything else amount.raw
            return Call(market.pool, aave.REPAY.encode(token, raw, aave.VARIABLE, holder))
        case Swap() | BuyExact():
            return _swap(config, survey, holder, action, deadline)
        case SetEMode(venue, category):
            return Call(survey.markets[venue].pool, aave.SET_EMODE.encode(category))
        case Approve(venue, amount):
            spender = spender_of(config, survey, venue)
            data = erc20.APPROVE.encode(spender, amount.raw)
            return Call(config.addresses[amount.asset], data)
        case _:
            assert_never(action)


def spender_of(config: EvmVenueConfig, survey: Survey, venue: str) -> str:
    """Return who takes the money that goes into `venue`: a market's pool, or a router.

    Raises:
        OwnerError: it needs a router and the settings name none.
    """
    if venue in survey.markets:
        return survey.markets[venue].pool
    router = next(one for one in config.pools if one.name == venue).router
    if router:
        return router
    raise OwnerError(
        f"{venue} has no router, which a position held by a plain address swaps through",
        number=codes.NO_ROUTER,
        remedy=f"set venues.{venue}.router, or move the position into an account contract",
    )


def spenders(survey: Survey, config: EvmVenueConfig) -> frozenset[str]:
    """Return everyone who may be let take money: markets' pools and routers."""
    pools = (market.pool for market in survey.markets.values())
    return frozenset((*pools, *(venue.router for venue in config.pools if venue.router)))


def rules(survey: Survey, config: EvmVenueConfig) -> tuple[Rule, ...]:
    """Return what a key may sign for a position its own address holds.

    Every call's beneficiary must be the key itself.
    """
    pools = {market.pool for market in survey.markets.values()}
    routers = spenders(survey, config) - pools
    lending = (
        (aave.SUPPLY, 2, True),
        (aave.WITHDRAW, 2, True),
        (aave.BORROW, 4, False),
        (aave.REPAY, 3, True),
    )
    swaps_ = (uniswap.EXACT_IN, uniswap.EXACT_OUT)
    return (
        *(
            Rule(pool, function.selector, own_words=(word,), lowers_risk=lowers)
            for pool in sorted(pools)
            for function, word, lowers in lending
        ),
        *(Rule(pool, aave.SET_EMODE.selector) for pool in sorted(pools)),
        *(
            Rule(router, function.selector, own_words=(_RECIPIENT_WORD,), lowers_risk=True)
            for router in sorted(routers)
            for function in swaps_
        ),
    )


def _in_market(survey: Survey, venue: str, asset: Asset) -> tuple[Market, str]:
    market = survey.markets[venue]
    return market, market.reserves[asset].token


def _swap(
    config: EvmVenueConfig, survey: Survey, holder: str, action: Swap | BuyExact, deadline: int
) -> Call:
    router = spender_of(config, survey, action.pool)
    fee, addresses = survey.pools[action.pool].fee, config.addresses
    match action:
        case Swap(_, sell, least):
            trade = Trade(addresses[sell.asset], addresses[least.asset], fee)
            return swaps.exact_in(
                router, trade, holder, sell=sell.raw, buy_min=least.raw, deadline=deadline
            )
        case BuyExact(_, buy, most):
            trade = Trade(addresses[most.asset], addresses[buy.asset], fee)
            return swaps.exact_out(
                router, trade, holder, buy=buy.raw, sell_max=most.raw, deadline=deadline
            )
        case _:
            assert_never(action)
