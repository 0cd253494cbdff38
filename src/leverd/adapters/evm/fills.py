"""What each action of a mined step really did, from its receipt's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from leverd.adapters.evm import abi, codes
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.aave.market import Market
from leverd.adapters.evm.survey import Survey
from leverd.adapters.evm.uniswap import functions as uniswap
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.domain.fills import Fill
from leverd.domain.money import Amount, Asset
from leverd.domain.plan import (
    Action,
    Approve,
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
    survey: Survey, mandate: Mandate, action: Action, logs: Sequence[Log], taken: set[int], at: int
) -> Fill:
    match action:
        case Supply(venue, amount):
            return _lent(_Lending(survey.markets[venue], mandate, logs, taken, at), _SUPPLY, amount)
        case Withdraw(venue, amount, everything):
            lending = _Lending(survey.markets[venue], mandate, logs, taken, at)
            return _withdrawn(lending, amount, everything=everything)
        case Borrow(venue, amount):
            return _lent(_Lending(survey.markets[venue], mandate, logs, taken, at), _BORROW, amount)
        case Repay(venue, amount, everything):
            lending = _Lending(survey.markets[venue], mandate, logs, taken, at)
            fill = _lent(lending, _REPAY, amount)
            return replace(fill, amount=None) if everything else fill
        case Swap(pool, sell):
            return _traded(survey, pool, sell.asset, logs, taken, at)
        case BuyExact(pool, _, sell_max):
            return _traded(survey, pool, sell_max.asset, logs, taken, at)
        case SetEMode() | Approve():
            return Fill(at)
        case _:
            assert_never(action)


@dataclass(frozen=True, slots=True)
class _Event:
    """Where one of the pool's events keeps its amount; the account is always its second topic."""

    topic: bytes
    amount_word: int


_SUPPLY: Final = _Event(aave.SUPPLIED, 1)  # data: user, amount
_WITHDRAW: Final = _Event(aave.WITHDRAWN, 0)  # data: amount
_BORROW: Final = _Event(aave.BORROWED, 1)  # data: user, amount, mode, rate
_REPAY: Final = _Event(aave.REPAID, 0)  # data: amount, useATokens


@dataclass(frozen=True, slots=True)
class _Lending:
    """One receipt, as one account's side of one market."""

    market: Market
    mandate: Mandate
    logs: Sequence[Log]
    taken: set[int]
    at: int

    def find(self, event: _Event, asset: Asset) -> list[int]:
        """Return the positions of the account's own events about `asset`, not yet taken."""
        token = abi.address_word(self.market.reserves[asset].token)
        holder = abi.address_word(self.mandate.account)
        return [
            position
            for position, log in enumerate(self.logs)
            if position not in self.taken
            and _is(log, self.market.pool, event.topic)
            and log.topics[1] == token
            and log.topics[2] == holder
        ]

    def amount(self, position: int, event: _Event) -> int:
        """Return the raw amount of the event at `position`."""
        return abi.words(self.logs[position].data, event.amount_word + 1)[event.amount_word]

    def indexes(self, position: int, asset: Asset) -> tuple[int, int]:
        """Return the liquidity and borrow index (ray) announced last before `position`."""
        token = abi.address_word(self.market.reserves[asset].token)
        for log in reversed(self.logs[:position]):
            if _is(log, self.market.pool, aave.RESERVE_UPDATED) and log.topics[1] == token:
                _, _, _, liquidity, borrow = abi.words(log.data, 5)
                return liquidity, borrow
        raise _missing(f"the indexes of {asset.symbol}")


def _lent(lending: _Lending, event: _Event, amount: Amount) -> Fill:
    """Return the fill of a lending action: the first of its events."""
    found = lending.find(event, amount.asset)
    if not found:
        raise _missing(f"{amount.asset.symbol} in {lending.market.name}")
    lending.taken.add(found[0])
    return Fill(
        lending.at,
        amount=lending.amount(found[0], event),
        indexes=lending.indexes(found[0], amount.asset),
    )


def _withdrawn(lending: _Lending, amount: Amount, *, everything: bool) -> Fill:
    """Return the fill of a withdrawal; everything may come in several calls, the rest last."""
    if not everything:
        return _lent(lending, _WITHDRAW, amount)
    found = lending.find(_WITHDRAW, amount.asset)
    if not found:
        raise _missing(f"{amount.asset.symbol} in {lending.market.name}")
    lending.taken.update(found)
    before = tuple(lending.amount(position, _WITHDRAW) for position in found[:-1])
    return Fill(lending.at, indexes=lending.indexes(found[-1], amount.asset), before=before)


def _traded(
    survey: Survey, pool: str, sold: Asset, logs: Sequence[Log], taken: set[int], at: int
) -> Fill:
    place = survey.pools[pool]
    for position, log in enumerate(logs):
        if position not in taken and _is(log, place.address, uniswap.SWAPPED):
            taken.add(position)
            paid, got = uniswap_pools.swap_of(place, uniswap_pools.swap_amounts(log.data), sold)
            return Fill(at, sold=paid, bought=got)
    raise _missing(f"the swap in {pool}")


def _is(log: Log, address: str, event: bytes) -> bool:
    return bool(log.topics) and log.topics[0] == event and log.address == address.lower()


def _missing(what: str) -> NonsenseError:
    return NonsenseError(
        f"the receipt does not say what happened to {what}",
        number=codes.NO_FILL,
        remedy="check the contracts' addresses in the settings",
    )
