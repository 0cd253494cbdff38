"""What to read each turn, and the world that comes of it.

The list of reads stays the same object from turn to turn, so that its encoding is kept; it
changes only when the price leaves the ticks read, or an account is found to hold more than
its mandate names. Then the turn reads again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from leverd.adapters.evm import abi, batch, chainlink, erc20, reads
from leverd.adapters.evm.aave import accounts as aave_accounts
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.aave import market as aave_market
from leverd.adapters.evm.aave import reserves as aave_reserves
from leverd.adapters.evm.aave.accounts import AccountRead
from leverd.adapters.evm.aave.market import Market
from leverd.adapters.evm.account import AccountState
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.reads import Read
from leverd.adapters.evm.survey import Survey, tokens_by_id
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.adapters.evm.uniswap.pools import Known, PoolRead
from leverd.domain.lending import LendingMarket
from leverd.domain.money import Asset
from leverd.domain.pool import ConcentratedPool
from leverd.domain.position import Mandate, Position
from leverd.domain.state import State
from leverd.interfaces.chain_client import Call, Reply

CHECKS_MAX: Final = 64
"""The pool's own figures for health that are asked for in one look; more take turns."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose positions are read, and how much of the venues around them."""

    mandates: tuple[Mandate, ...]
    pools: Mapping[str, Known]
    emodes: Mapping[str, tuple[int, ...]]  # by market
    extras: Mapping[str, tuple[Asset, ...]] = field(default_factory=dict)  # by position id


@dataclass(frozen=True, slots=True)
class Reading:
    """The calls of one look, and whose health the pool is asked for among them."""

    calls: tuple[Call, ...]
    checks: Read[dict[str, int | None]]  # by position id; the last calls of all


@dataclass(frozen=True, slots=True)
class Holding:
    """What one mandate's account holds and is."""

    account: AccountRead
    idle: Mapping[Asset, int]
    health_reported: int | None  # wad, the pool's own figure; 0 not asked now, None it has none
    contract: AccountState | None  # None for a plain address
    allowances: Mapping[tuple[str, Asset], int]  # of a plain address: who may take what, raw


@dataclass(frozen=True, slots=True)
class World:
    """Everything a turn sees, of one block."""

    at: int
    markets: Mapping[str, LendingMarket]
    pools: Mapping[str, ConcentratedPool]
    holdings: Mapping[str, Holding]  # by position id
    unchanged: Mapping[str, bool]  # by market: pool, oracle and revision are as surveyed
    lendings: Mapping[str, tuple[str, int]]
    """By market, in this very block: the pool that the provider names, and our pool's revision."""
    sequencer_up: bool  # and has been for long enough; true where there is none
    native_price: int  # USD 1e8 per whole native token, 0 while the oracle has none
    native_balance: int  # wei of the signing key
    next: Scope  # what to read from now on
    complete: bool  # nothing is missing; else read again, with `next`

    def state(self, mandate: Mandate) -> State:
        """Return the markets and the position of one mandate."""
        holding = self.holdings[mandate.position_id]
        loans = {mandate.lending: holding.account.loan}
        return State(self.at, self.markets, self.pools, Position(mandate, loans, holding.idle))


def begin(survey: Survey, mandates: Sequence[Mandate], ticks: Mapping[str, int]) -> Scope:
    """Return the first scope, given each pool's present tick."""
    emodes: dict[str, tuple[int, ...]] = {}
    for mandate in mandates:
        have = emodes.get(mandate.lending, ())
        if mandate.emode and mandate.emode not in have:
            have = (*have, mandate.emode)
        emodes[mandate.lending] = have
    pools = {name: uniswap_pools.around(survey.pools[name], tick) for name, tick in ticks.items()}
    return Scope(tuple(mandates), pools, emodes)


class ScopeReader:
    """Turns a scope into one list of calls, and their replies into a world."""

    def __init__(
        self,
        config: EvmVenueConfig,
        survey: Survey,
        scope: Scope,
        signer: str,
    ) -> None:
        self._config = config
        self.survey = survey
        self.scope = scope
        self._signer = signer
        self._staking = {
            token.asset: erc20.staking_rate(token.address, token.staking_rate)
            for token in config.tokens
            if token.staking_rate
        }
        self._all = reads.each(self._parts())
        self._checks = [
            (
                mandate.position_id,
                aave_accounts.health(survey.markets[mandate.lending], mandate.account),
            )
            for mandate in scope.mandates
        ]
        self._turn = 0

    def reading(self) -> Reading:
        """Return what to ask this time: everything, and in turns the pool's own healths."""
        first = self._turn * CHECKS_MAX % max(len(self._checks), 1)
        self._turn += 1
        due = self._checks[first : first + CHECKS_MAX]
        calls = (*self._all.calls, *(call for _, read in due for call in read.calls))
        return Reading(calls, reads.each(dict(due)))

    def world(self, reading: Reading, replies: Sequence[Reply], at: int) -> World:
        """Return what `replies` to `reading` show, of the block of chain time `at`."""
        found = self._all.decode(replies)
        healths = reading.checks.decode(replies[len(self._all.calls) :])
        markets = {name: self._market(name, found) for name in self.scope.emodes}
        pools: dict[str, PoolRead] = {name: found["pool", name] for name in self.scope.pools}
        holdings = {
            mandate.position_id: self._holding(mandate, found, healths)
            for mandate in self.scope.mandates
        }
        wanted = self._next(holdings, pools)
        return World(
            at=at,
            markets=markets,
            pools={name: read.pool for name, read in pools.items()},
            holdings=holdings,
            unchanged={name: self._unchanged(name, found) for name in self.scope.emodes},
            lendings={name: self._lending(name, found) for name in self.scope.emodes},
            sequencer_up=self._sequencer_up(found, at),
            native_price=found["price", "native"],
            native_balance=found["balance", "native"],
            next=wanted,
            complete=self._complete(wanted, pools),
        )

    def assets(self, market: Market) -> tuple[Asset, ...]:
        """Return the assets whose reserves are read in `market`, in a stable order."""
        wanted = set[Asset]()
        for mandate in self.scope.mandates:
            if mandate.lending == market.name:
                wanted |= {mandate.collateral, mandate.debt, mandate.share_class}
                wanted |= set(self.scope.extras.get(mandate.position_id, ()))
        return tuple(sorted(wanted & set(market.reserves)))

    def _parts(self) -> dict[tuple[str, Any], Read[Any]]:
        config, survey, scope = self._config, self.survey, self.scope
        parts: dict[tuple[str, Any], Read[Any]] = {}
        for name, categories in scope.emodes.items():
            market = survey.markets[name]
            parts["places", name] = aave_market.places(market.provider)
            parts["revision", name] = reads.optional(reads.number(market.pool, aave.REVISION))
            for asset in self.assets(market):
                parts["reserve", (name, asset)] = aave_reserves.reserve(market, asset)
                if asset in self._staking:
                    parts["staking", (name, asset)] = self._staking[asset]
            for category in categories:
                parts["emode", (name, category)] = aave_reserves.emode(market, category)
        for name, known in scope.pools.items():
            parts["pool", name] = uniswap_pools.pool(survey.pools[name], known)
        for mandate in scope.mandates:
            parts |= self._account_parts(mandate)
        parts["price", "native"] = self._native_price()
        if config.profile.sequencer_feed:
            parts["sequencer", "round"] = chainlink.uptime(config.profile.sequencer_feed)
        parts["balance", "native"] = Read(
            (batch.balance(config.multicall, self._signer),),
            lambda replies: abi.word(replies[0].data),
        )
        return parts

    def _account_parts(self, mandate: Mandate) -> dict[tuple[str, Any], Read[Any]]:
        market = self.survey.markets[mandate.lending]
        own = self._own(mandate)
        key = mandate.position_id
        parts: dict[tuple[str, Any], Read[Any]] = {
            ("account", key): aave_accounts.account(market, mandate.account, own),
            ("idle", key): reads.each(
                {
                    asset: erc20.balance(market.reserves[asset].token, mandate.account)
                    for asset in own
                }
            ),
        }
        kind = self.survey.accounts[mandate.account.lower()]
        if kind.state is not None:
            parts["contract", key] = kind.state
        else:
            parts["allowances", key] = reads.each(self._allowances(mandate))
        return parts

    def _allowances(self, mandate: Mandate) -> dict[tuple[str, Asset], Read[int]]:
        """Return the reads of what a plain address lets the market and the pool's router take."""
        market = self.survey.markets[mandate.lending]
        routers = (venue.router for venue in self._config.pools if venue.name == mandate.pool)
        spenders = {mandate.lending: market.pool, mandate.pool: next(routers, "")}
        return {
            (venue, asset): erc20.allowance(market.reserves[asset].token, mandate.account, spender)
            for venue, spender in spenders.items()
            if spender
            for asset in (mandate.collateral, mandate.debt)
        }

    def _own(self, mandate: Mandate) -> tuple[Asset, ...]:
        extras = self.scope.extras.get(mandate.position_id, ())
        return (mandate.collateral, mandate.debt, *extras)

    def _native_price(self) -> Read[int]:
        market = self.survey.markets[next(iter(self.scope.emodes))]
        return aave_reserves.price(market.oracle, self._config.addresses[self._config.native])

    def _market(self, name: str, found: Mapping[tuple[str, Any], Any]) -> LendingMarket:
        market = self.survey.markets[name]
        both = {asset: found["reserve", (name, asset)] for asset in self.assets(market)}
        categories = {asset: category for asset, (_, category) in both.items()}
        rates = {asset: found["staking", (name, asset)] for asset in both if asset in self._staking}
        return LendingMarket(
            market_id=name,
            rules=market.rules,
            reserves={asset: reserve for asset, (reserve, _) in both.items()},
            emodes={
                category: aave_reserves.emode_of(
                    market, category, found["emode", (name, category)], categories
                )
                for category in self.scope.emodes[name]
            },
            staking={asset: rate for asset, rate in rates.items() if rate is not None},
            kept_at=market.pool,
        )

    def _holding(
        self,
        mandate: Mandate,
        found: Mapping[tuple[str, Any], Any],
        healths: Mapping[str, int | None],
    ) -> Holding:
        key = mandate.position_id
        contract = found.get(("contract", key))
        return Holding(
            found["account", key],
            found["idle", key],
            healths.get(key, 0),
            contract,
            found.get(("allowances", key), {}),
        )

    def _unchanged(self, name: str, found: Mapping[tuple[str, Any], Any]) -> bool:
        market = self.survey.markets[name]
        named = market.moved_to or market.pool
        same = found["places", name] == (named, market.oracle)
        return same and self._lending(name, found) == (named, market.revision)

    def _lending(self, name: str, found: Mapping[tuple[str, Any], Any]) -> tuple[str, int]:
        pool, _ = found["places", name]
        return pool, found["revision", name] or 0

    def _sequencer_up(self, found: Mapping[tuple[str, Any], Any], at: int) -> bool:
        if ("sequencer", "round") not in found:
            return True  # there is none
        seen = found["sequencer", "round"]
        return seen is not None and chainlink.sequencer_up(seen, at=at)

    def _next(self, holdings: Mapping[str, Holding], pools: Mapping[str, PoolRead]) -> Scope:
        """Return the scope of the next turn: this very one, unless something moved."""
        emodes = {name: set(categories) for name, categories in self.scope.emodes.items()}
        extras = {key: list(more) for key, more in self.scope.extras.items()}
        for mandate in self.scope.mandates:
            account = holdings[mandate.position_id].account
            if account.loan.emode:
                emodes[mandate.lending].add(account.loan.emode)
            more = self._unread(mandate, account)
            if more:
                extras.setdefault(mandate.position_id, []).extend(more)
        wanted = replace(
            self.scope,
            pools={name: read.next for name, read in pools.items()},
            emodes={name: tuple(sorted(categories)) for name, categories in emodes.items()},
            extras={key: tuple(more) for key, more in extras.items()},
        )
        return self.scope if wanted == self.scope else wanted

    def _unread(self, mandate: Mandate, account: AccountRead) -> list[Asset]:
        """Return assets the account uses in the market beyond those that were read."""
        by_id = tokens_by_id(self.survey.markets[mandate.lending])
        ids = sorted(aave_accounts.reserve_ids(account.unread))
        return [by_id[one].asset for one in ids if one in by_id]

    def _complete(self, wanted: Scope, pools: Mapping[str, PoolRead]) -> bool:
        covered = wanted.emodes == self.scope.emodes and wanted.extras == self.scope.extras
        return covered and all(read.complete for read in pools.values())
