"""A lending market as the chain tells it: the records of `leverd.domain`, read call by call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.domain_on_chain.node import Node, call_data

from leverd.domain.lending import (
    EMode,
    LendingAccount,
    LendingMarket,
    LendingRules,
    RateCurve,
    Reserve,
    ReserveParams,
)
from leverd.domain.money import Asset

_BPS_TO_RAY = 10**23
RESERVE_DATA = ",".join(["uint256"] * 8 + ["address"] * 4 + ["uint256"] * 3)


@dataclass(frozen=True)
class Token:
    """The contracts of one reserve."""

    underlying: str
    receipt: str
    debt: str
    feed: str
    minter: str  # who may mint the underlying


@dataclass(frozen=True)
class ChainMarket:
    """The addresses of a market; everything else is read."""

    node: Node
    rules: LendingRules
    pool: str
    oracle: str
    tokens: dict[Asset, Token]
    configurator: str
    admin: str
    modern: bool  # Aave 3.6: virtual balances, category bitmaps, one rate contract
    categories: tuple[int, ...] = (1,)

    def market(self) -> LendingMarket:
        """Return every reserve and category at the head."""
        ids = {asset: self._reserve(asset) for asset in self.tokens}
        emodes = {number: self._emode(number, ids) for number in self.categories}
        return LendingMarket("aave", self.rules, ids, emodes)

    def account(self, user: str) -> LendingAccount:
        """Return `user`'s side at the head."""
        supplies, debts, collaterals = {}, {}, set()
        ((flags,), (emode,)) = self.node.read(
            [
                (self.pool, call_data("getUserConfiguration(address)", user), "uint256"),
                (self.pool, call_data("getUserEMode(address)", user), "uint256"),
            ]
        )
        for asset, token in self.tokens.items():
            scaled = call_data("scaledBalanceOf(address)", user)
            (supplied,), (owed,), data = self.node.read(
                [
                    (token.receipt, scaled, "uint256"),
                    (token.debt, scaled, "uint256"),
                    self._data_call(asset),
                ]
            )
            if supplied:
                supplies[asset] = supplied
            if owed:
                debts[asset] = owed
            if flags >> (2 * data[7] + 1) & 1:
                collaterals.add(asset)
        return LendingAccount(supplies, debts, frozenset(collaterals), emode)

    def touched_calls(self, asset: Asset) -> list[tuple[str, str, str]]:
        """Return the calls that tell what actions change in a reserve; see `touched`."""
        token = self.tokens[asset]
        balance = (
            (self.pool, call_data("getVirtualUnderlyingBalance(address)", token.underlying))
            if self.modern
            else (token.underlying, call_data("balanceOf(address)", token.receipt))
        )
        return [
            self._data_call(asset),
            (token.receipt, call_data("scaledTotalSupply()"), "uint256"),
            (token.debt, call_data("scaledTotalSupply()"), "uint256"),
            (*balance, "uint256"),
        ]

    def user_calls(self, user: str) -> list[tuple[str, str, str]]:
        """Return the calls that tell everything of an account: summary, flags, balances."""
        calls = [
            (self.pool, call_data("getUserAccountData(address)", user), "uint256," * 5 + "uint256"),
            (self.pool, call_data("getUserConfiguration(address)", user), "uint256"),
            (self.pool, call_data("getUserEMode(address)", user), "uint256"),
        ]
        for token in self.tokens.values():
            for address in (token.receipt, token.debt):
                calls.append((address, call_data("scaledBalanceOf(address)", user), "uint256"))
                calls.append((address, call_data("balanceOf(address)", user), "uint256"))
            calls.append((token.underlying, call_data("balanceOf(address)", user), "uint256"))
        return calls

    def _data_call(self, asset: Asset) -> tuple[str, str, str]:
        underlying = self.tokens[asset].underlying
        return self.pool, call_data("getReserveData(address)", underlying), RESERVE_DATA

    def _reserve(self, asset: Asset) -> Reserve:
        token = self.tokens[asset]
        calls = self.touched_calls(asset)
        calls.append(
            (self.oracle, call_data("getAssetPrice(address)", token.underlying), "uint256")
        )
        data, (supply,), (debt,), (available,), (price,) = self.node.read(calls)
        return Reserve(
            asset=asset,
            reserve_id=data[7],
            params=params_of(data[0]),
            curve=self._curve(asset, data),
            price=price,
            liquidity_index=data[1],
            liquidity_rate=data[2],
            borrow_index=data[3],
            borrow_rate=data[4],
            updated_at=data[6],
            scaled_supply=supply,
            scaled_debt=debt,
            available=available,
            accrued_to_treasury=data[12],
        )

    def _curve(self, asset: Asset, data: tuple[Any, ...]) -> RateCurve:
        if self.modern:
            ((strategy,),) = self.node.read(
                [(self.pool, call_data("RESERVE_INTEREST_RATE_STRATEGY()"), "address")]
            )
            call = call_data("getInterestRateDataBps(address)", self.tokens[asset].underlying)
            ((optimal, base, slope1, slope2),) = self.node.read(
                [(strategy, call, "uint256,uint256,uint256,uint256")]
            )
            return RateCurve(*(part * _BPS_TO_RAY for part in (optimal, base, slope1, slope2)))
        names = (
            "OPTIMAL_USAGE_RATIO()",
            "getBaseVariableBorrowRate()",
            "getVariableRateSlope1()",
            "getVariableRateSlope2()",
        )
        answers = self.node.read([(data[11], call_data(name), "uint256") for name in names])
        return RateCurve(*(answer[0] for answer in answers))

    def _emode(self, number: int, reserves: dict[Asset, Reserve]) -> EMode:
        if not self.modern:
            call = call_data("getEModeCategoryData(uint8)", number)
            types = "(uint256,uint256,uint256,address,string)"
            ((terms,),) = self.node.read([(self.pool, call, types)])
            members = frozenset(
                asset for asset in reserves if self._configuration(asset) >> 168 & 0xFF == number
            )
            return EMode(number, terms[0], terms[1], terms[2], members, members, terms[4])
        terms, (collaterals,), (borrowables,), (barred,) = self.node.read(
            [
                (self.pool, call_data(f"{name}(uint8)", number), types)
                for name, types in (
                    ("getEModeCategoryCollateralConfig", "uint256,uint256,uint256"),
                    ("getEModeCategoryCollateralBitmap", "uint256"),
                    ("getEModeCategoryBorrowableBitmap", "uint256"),
                    ("getEModeCategoryLtvzeroBitmap", "uint256"),
                )
            ]
        )
        ltv, threshold, bonus = terms
        return EMode(
            category_id=number,
            ltv=ltv,
            liquidation_threshold=threshold,
            liquidation_bonus=bonus,
            collaterals=_members(reserves, collaterals),
            borrowables=_members(reserves, borrowables),
            zero_ltv=_members(reserves, barred),
        )

    def _configuration(self, asset: Asset) -> int:
        (data,) = self.node.read([self._data_call(asset)])
        return int(data[0])


def _members(reserves: dict[Asset, Reserve], bitmap: int) -> frozenset[Asset]:
    return frozenset(a for a, each in reserves.items() if bitmap >> each.reserve_id & 1)


def params_of(bitmap: int) -> ReserveParams:
    """Return the parameters packed into a reserve's configuration word."""

    def bits(start: int, width: int) -> int:
        return bitmap >> start & ((1 << width) - 1)

    return ReserveParams(
        ltv=bits(0, 16),
        liquidation_threshold=bits(16, 16),
        liquidation_bonus=bits(32, 16),
        liquidation_protocol_fee=bits(152, 16),
        reserve_factor=bits(64, 16),
        supply_cap=bits(116, 36),
        borrow_cap=bits(80, 36),
        active=bool(bits(56, 1)),
        frozen=bool(bits(57, 1)),
        paused=bool(bits(60, 1)),
        borrowing_enabled=bool(bits(58, 1)),
    )
