"""One deployed Aave market: where its parts are and which version's arithmetic it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from leverd.adapters.evm.aave import functions
from leverd.adapters.evm.reads import Read, address, answers, number, optional, together
from leverd.domain.lending import (
    AAVE_3_0,
    AAVE_3_3,
    AAVE_3_4,
    AAVE_3_5,
    AAVE_3_6,
    AAVE_3_7,
    LendingRules,
    RateStrategy,
)
from leverd.domain.money import Asset

_AAVE_3_1: Final = replace(AAVE_3_0, name="aave-3.1", strategy=RateStrategy.V2)

_REVISIONS: Final = {
    AAVE_3_0.name: (1, 2),
    _AAVE_3_1.name: (3, 4, 5),
    AAVE_3_3.name: (6,),
    AAVE_3_4.name: (7,),
    AAVE_3_5.name: (9,),
    AAVE_3_6.name: (10,),
    AAVE_3_7.name: (11,),
}
"""POOL_REVISION of each release; others are read as their nearest kin and not trusted."""

_DIRECTED_FROM: Final = 9
"""The first revision that rounds against the account; it shows in no function."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the pool answers to: releases differ in functions before they differ in number."""

    virtual_balance: bool  # 3.1
    liquid_emodes: bool  # 3.2
    deficit: bool  # 3.3
    pool_strategy: bool  # 3.4
    ltvzero_emodes: bool  # 3.6
    isolated_emodes: bool  # 3.7


@dataclass(frozen=True, slots=True)
class ReserveTokens:
    """Where one reserve's parts are."""

    asset: Asset
    token: str
    reserve_id: int
    supply_token: str
    debt_token: str
    strategy: str


@dataclass(frozen=True, slots=True)
class Market:
    """A market as start-up found it."""

    name: str
    provider: str
    pool: str
    oracle: str
    revision: int
    features: Features
    rules: LendingRules
    reserves: Mapping[Asset, ReserveTokens]
    moved_to: str = ""  # the pool that the provider names now, where ours is kept by another

    @property
    def trusted(self) -> bool:
        """Whether it is the provider's pool, of a release whose arithmetic leverd knows."""
        return not self.moved_to and self.revision in _REVISIONS[self.rules.name]

    def assets(self, bitmap: int) -> frozenset[Asset]:
        """Return the assets whose reserve's bit is set in a bitmap of one bit a reserve."""
        return frozenset(
            asset for asset, tokens in self.reserves.items() if bitmap >> tokens.reserve_id & 1
        )


def places(provider: str) -> Read[tuple[str, str]]:
    """Return the read of pool and oracle."""
    both = together(
        [address(provider, functions.GET_POOL), address(provider, functions.GET_ORACLE)]
    )
    return Read(both.calls, lambda replies: (both.decode(replies)[0], both.decode(replies)[1]))


def identity(pool: str) -> Read[tuple[int, Features, str | None]]:
    """Return the read of revision, features, and the strategy all reserves share, if they do."""
    parts = together(
        [
            optional(number(pool, functions.REVISION)),
            answers(pool, functions.VIRTUAL_BALANCE, pool),
            answers(pool, functions.EMODE_COLLATERALS, 1),
            answers(pool, functions.DEFICIT, pool),
            optional(address(pool, functions.POOL_STRATEGY)),
            answers(pool, functions.LTVZERO_BITMAP, 1),
            answers(pool, functions.IS_ISOLATED, 1),
        ]
    )

    def decode(replies: object) -> tuple[int, Features, str | None]:
        revision, virtual, liquid, deficit, strategy, ltvzero, isolated = parts.decode(replies)  # type: ignore[arg-type]  # Read.decode's own argument
        features = Features(virtual, liquid, deficit, strategy is not None, ltvzero, isolated)
        return revision or 0, features, strategy

    return Read(parts.calls, decode)


def rules_of(revision: int, features: Features) -> LendingRules:
    """Return the arithmetic that a pool with these features runs."""
    if features.isolated_emodes:
        return AAVE_3_7
    if features.ltvzero_emodes:
        return AAVE_3_6
    if features.pool_strategy:
        return AAVE_3_5 if revision >= _DIRECTED_FROM else AAVE_3_4
    if features.deficit:
        return AAVE_3_3
    return _AAVE_3_1 if features.virtual_balance else AAVE_3_0
