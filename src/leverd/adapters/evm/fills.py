"""What each action of a mined step really did, from its receipt's events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from leverd.adapters.evm import abi, codes
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.aave.market import Market
from leverd.adapters.evm.survey import Survey
from leverd.adapters.evm.uniswap import functions as uniswap
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.domain.fills import Fill
from leverd.domain.money import Asset
from leverd.domain.plan import (
    Action,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.position import Mandate
from leverd.errors import NonsenseError
from leverd.interfaces.chain_client import Log, Receipt


def fills(
    survey: Survey, mandate: Mandate, step: Step, receipt: Receipt, at: int
) -> tuple[Fill, ...]:
    """Return one fill per action of `step`, mined at chain time `at`.

    Actions need not appear in the order of the logs (a flash swap is logged last), so each
    takes the first matching event that no earlier action took.

    Raises:
        NonsenseError: an action has no event, though the step is said to have succeeded.
    """
    taken = set[int]()
    return tuple(_fill(survey, mandate, action, receipt.logs, taken, at) for action in step.actions)


def _fill(
    survey: Survey,
    mandate: Mandate,
    action: Action,
    logs: Sequence[Log],
    taken: set[int],
    at: int,
) -> Fill:
    match action:
        case Supply(venue, amount):
            # Supply: reserve and onBehalfOf are topics; user and amount are data
            return _lent(
                survey.markets[venue], logs, taken, aave.SUPPLIED, amount.asset, 2, mandate, at, 1
            )
        case Withdraw(venue, amount):
            # Withdraw: reserve, user and to are topics; amount is data
            return _lent(
                survey.markets[venue], logs, taken, aave.WITHDRAWN, amount.asset, 2, mandate, at, 0
            )
        case Borrow(venue, amount):
            # Borrow: reserve and onBehalfOf are topics; user, amount, mode and rate are data
            return _lent(
                survey.markets[venue], logs, taken, aave.BORROWED, amount.asset, 2, mandate, at, 1
            )
        case Repay(venue, amount):
            # Repay: reserve, user and repayer are topics; amount and useATokens are data
            return _lent(
                survey.markets[venue], logs, taken, aave.REPAID, amount.asset, 2, mandate, at, 0
            )
        case Swap(pool, sell):
            return _traded(survey, pool, sell.asset, logs, taken, at)
        case BuyExact(pool, _, sell_max):
            return _traded(survey, pool, sell_max.asset, logs, taken, at)
        case SetEMode():
            return Fill(at)
        case _:
            assert_never(action)


def _lent(
    market: Market,
    logs: Sequence[Log],
    taken: set[int],
    event: bytes,
    asset: Asset,
    holder_topic: int,
    mandate: Mandate,
    at: int,
    amount_word: int,
) -> Fill:
    """Return the fill of a lending action, with the indexes the pool announced just before."""
    token = abi.address_word(market.reserves[asset].token)
    holder = abi.address_word(mandate.account)

    def ours(log: Log) -> bool:
        return (
            _is(log, market.pool, event)
            and log.topics[1] == token
            and log.topics[holder_topic] == holder
        )

    position = _first(logs, taken, ours, f"{asset.symbol} of {market.name}")
    amount = abi.words(logs[position].data, amount_word + 1)[amount_word]
    return Fill(at, amount=amount, indexes=_indexes(market, logs[:position], token))


def _indexes(market: Market, before: Sequence[Log], token: bytes) -> tuple[int, int]:
    """Return the liquidity and borrow index last announced for a reserve (ray)."""
    for log in reversed(before):
        if _is(log, market.pool, aave.RESERVE_UPDATED) and log.topics[1] == token:
            _, _, _, liquidity, borrow = abi.words(log.data, 5)
            return liquidity, borrow
    raise _missing(f"indexes of {market.name}")


def _traded(
    survey: Survey, pool: str, sold: Asset, logs: Sequence[Log], taken: set[int], at: int
) -> Fill:
    place = survey.pools[pool]
    position = _first(logs, taken, lambda log: _is(log, place.address, uniswap.SWAPPED), pool)
    amounts = uniswap_pools.swap_amounts(logs[position].data)
    paid, got = uniswap_pools.swap_of(place, amounts, sold)
    return Fill(at, sold=paid, bought=got)


def _first(logs: Sequence[Log], taken: set[int], matches: Callable[[Log], bool], what: str) -> int:
    for position, log in enumerate(logs):
        if position not in taken and matches(log):
            taken.add(position)
            return position
    raise _missing(what)


def _is(log: Log, address: str, event: bytes) -> bool:
    return bool(log.topics) and log.topics[0] == event and log.address == address.lower()


def _missing(what: str) -> NonsenseError:
    return NonsenseError(
        f"the receipt does not say what happened to {what}",
        number=codes.NO_FILL,
        remedy="check the contracts' addresses in the settings",
    )
