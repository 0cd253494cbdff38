"""Reading one account's side of a market."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm import abi
from leverd.adapters.evm.aave import functions
from leverd.adapters.evm.aave.market import Market
from leverd.adapters.evm.reads import Read, optional
from leverd.domain.lending import LendingAccount
from leverd.domain.money import Asset
from leverd.interfaces.chain_client import Call, Reply

_FIXED: Final = 2
_HEALTH_WORD: Final = 5


@dataclass(frozen=True, slots=True)
class AccountRead:
    """One account as the market shows it."""

    loan: LendingAccount
    unread: int  # user bitmap's bits (two a reserve) of reserves that were not read

    @property
    def is_lent(self) -> bool:
        """Whether the market keeps anything of it."""
        return bool(self.loan.supplies or self.loan.debts)


def account(market: Market, holder: str, assets: Sequence[Asset]) -> Read[AccountRead]:
    """Return the read of `holder`'s scaled balances of `assets` and efficiency mode."""
    tokens = [market.reserves[asset] for asset in assets]
    calls = (
        Call(market.pool, functions.USER_CONFIGURATION.of_address(holder)),
        Call(market.pool, functions.USER_EMODE.of_address(holder)),
        *(Call(one.supply_token, functions.SCALED_BALANCE.of_address(holder)) for one in tokens),
        *(Call(one.debt_token, functions.SCALED_BALANCE.of_address(holder)) for one in tokens),
    )

    def decode(replies: Sequence[Reply]) -> AccountRead:
        bitmap = abi.word(replies[0].data)
        scaled = [abi.word(reply.data) for reply in replies[_FIXED:]]
        supplies, debts = scaled[: len(tokens)], scaled[len(tokens) :]
        seen = 0
        for one in tokens:
            seen |= 3 << 2 * one.reserve_id
        loan = LendingAccount(
            supplies=_held(assets, supplies),
            debts=_held(assets, debts),
            collaterals=frozenset(
                one.asset for one in tokens if bitmap >> 2 * one.reserve_id + 1 & 1
            ),
            emode=abi.word(replies[1].data),
        )
        return AccountRead(loan, bitmap & ~seen)

    return Read(calls, decode)


def health(market: Market, holder: str) -> Read[int | None]:
    """Return the read of the pool's own figure for `holder`'s health, wad; None if it has none.

    It costs the node more than all balances together, for it walks every reserve, and reverts
    where the oracle has no price for one that the account uses.
    """
    call = Call(market.pool, functions.ACCOUNT_DATA.of_address(holder))
    told = Read((call,), lambda replies: abi.words(replies[0].data, _HEALTH_WORD + 1)[_HEALTH_WORD])
    return optional(told)


def reserve_ids(bitmap: int) -> frozenset[int]:
    """Return the ids of the reserves that a user bitmap marks in any way."""
    return frozenset(i for i in range(128) if bitmap >> 2 * i & 3)


def _held(assets: Sequence[Asset], scaled: Iterable[int]) -> dict[Asset, int]:
    return {asset: held for asset, held in zip(assets, scaled, strict=True) if held}
