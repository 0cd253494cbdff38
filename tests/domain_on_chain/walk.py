"""A random walk through a lending market, taken twice: by our functions and by the contracts.

Each step picks an action, asks the domain what it leads to, mines it in a block whose time
is fixed beforehand, and compares everything the two know, to the wei. Refusals must agree
too, down to the protocol's own error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from eth_abi.abi import decode
from eth_hash.auto import keccak
from tests.domain_on_chain.chain_market import ChainMarket
from tests.domain_on_chain.node import call_data

from leverd.domain import lending_actions, loans
from leverd.domain.fixed_point import UINT256_MAX, WAD
from leverd.domain.lending import LendingAccount, LendingMarket, ReserveParams
from leverd.domain.lending_actions import Moved
from leverd.domain.lending_errors import Refusal
from leverd.domain.liquidation import Liquidation, liquidate
from leverd.domain.money import Asset
from leverd.domain.reserves import debt_total, reserve_of, supplied_total, with_reserve
from leverd.errors import ImpossibleError

VARIABLE = 2
Predict = Callable[[], Moved | Liquidation]


@dataclass
class Walk:
    """Both sides of the walk; the chain's side is read once and never again."""

    chain: ChainMarket
    users: list[str]
    liquidator: str
    random: Random
    at: int
    market: LendingMarket = field(init=False)
    began: dict[Asset, ReserveParams] = field(init=False)
    assets: list[Asset] = field(init=False)
    everybody: list[str] = field(init=False)
    loans: dict[str, LendingAccount] = field(init=False)
    wallets: dict[tuple[str, Asset], int] = field(init=False)
    seen: Counter[str] = field(default_factory=Counter)
    governed: Asset | None = None  # the reserve whose parameters are not as they began

    def __post_init__(self) -> None:
        self.market = self.chain.market()
        self.everybody = [*self.users, self.liquidator]
        self.loans = {user: self.chain.account(user) for user in self.everybody}
        self.assets = list(self.chain.tokens)
        self.began = {asset: each.params for asset, each in self.market.reserves.items()}
        keys = [(user, asset) for user in self.everybody for asset in self.assets]
        balances = self.chain.node.read(
            [
                (
                    self.chain.tokens[asset].underlying,
                    call_data("balanceOf(address)", user),
                    "uint256",
                )
                for user, asset in keys
            ]
        )
        self.wallets = {key: raw for key, (raw,) in zip(keys, balances, strict=True)}

    def run(self, steps: int) -> None:
        """Take `steps` steps."""
        actions = (
            [self.supply] * 5
            + [self.borrow] * 6
            + [self.repay] * 4
            + [self.withdraw] * 4
            + [self.move_price] * 3
            + [self.to_the_brink] * 4
            + [self.liquidate] * 2
            + [self.switch_category, self.switch_collateral, self.govern]
        )
        for _ in range(steps):
            if self.governed is not None and self.random.random() < 0.15:
                self.relent(self.governed)
            self.at += self.random.choice((1, 2, 12, 600, 86_400, 30 * 86_400))
            self.random.choice(actions)()

    # --- actions ------------------------------------------------------------------------

    def supply(self) -> None:
        user, asset = self._actor(), self._asset()
        raw = self._some(self.wallets[user, asset] // 20, over=False)
        self._act(
            "supply",
            user,
            lambda: lending_actions.supply(self.market, self.loans[user], asset, raw, self.at),
            call_data(
                "supply(address,uint256,address,uint16)", self._underlying(asset), raw, user, 0
            ),
            asset,
            -1,
        )

    def withdraw(self) -> None:
        user, asset = self._actor(), self._asset()
        held = loans.supplied(self.market, self.loans[user], asset, self.at)
        raw = None if self.random.random() < 0.2 else self._some(held)
        self._act(
            "withdraw",
            user,
            lambda: lending_actions.withdraw(self.market, self.loans[user], asset, raw, self.at),
            call_data(
                "withdraw(address,uint256,address)",
                self._underlying(asset),
                UINT256_MAX if raw is None else raw,
                user,
            ),
            asset,
            1,
        )

    def borrow(self) -> None:
        user, asset = self._actor(), self._asset()
        summary = loans.summarise(self.market, self.loans[user], self.at)
        price = reserve_of(self.market, asset).price
        raw = self._some(summary.available_borrows * asset.unit // price)
        self._act(
            "borrow",
            user,
            lambda: lending_actions.borrow(self.market, self.loans[user], asset, raw, self.at),
            call_data(
                "borrow(address,uint256,uint256,uint16,address)",
                self._underlying(asset),
                raw,
                VARIABLE,
                0,
                user,
            ),
            asset,
            1,
        )

    def repay(self) -> None:
        user = self._actor()
        asset = self.random.choice(sorted(self.loans[user].debts) or self.assets)
        owed = loans.owed(self.market, self.loans[user], asset, self.at)
        raw = None if self.random.random() < 0.2 else self._some(owed)
        self._act(
            "repay",
            user,
            lambda: lending_actions.repay(self.market, self.loans[user], asset, raw, self.at),
            call_data(
                "repay(address,uint256,uint256,address)",
                self._underlying(asset),
                UINT256_MAX if raw is None else raw,
                VARIABLE,
                user,
            ),
            asset,
            -1,
        )

    def switch_category(self) -> None:
        user, category = self._actor(), self.random.choice((0, 1, 1, 7))
        self._act(
            "set_emode",
            user,
            lambda: lending_actions.set_emode(self.market, self.loans[user], category, self.at),
            call_data("setUserEMode(uint8)", category),
        )

    def switch_collateral(self) -> None:
        user, asset = self._actor(), self._asset()
        counts = self.random.random() < 0.5
        self._act(
            "set_collateral",
            user,
            lambda: lending_actions.set_collateral(
                self.market, self.loans[user], asset, self.at, counts=counts
            ),
            call_data(
                "setUserUseReserveAsCollateral(address,bool)", self._underlying(asset), counts
            ),
        )

    def govern(self) -> None:
        """Have governance narrow one reserve: a cap, a freeze, a pause, a zero LTV, no loans."""
        if self.governed is not None:
            return
        asset = self._asset()
        reserve, underlying = reserve_of(self.market, asset), self._underlying(asset)
        params = reserve.params
        room = supplied_total(reserve, self.market.rules, self.at) // asset.unit
        lent = debt_total(reserve, self.market.rules, self.at) // asset.unit
        self._configure(
            asset,
            *self.random.choice(
                (
                    ("setSupplyCap(address,uint256)", underlying, room + 1 + room // 50),
                    ("setBorrowCap(address,uint256)", underlying, lent + 1 + lent // 50),
                    ("setReserveFreeze(address,bool)", underlying, True),
                    ("setReservePause(address,bool)", underlying, True),
                    ("setReserveBorrowing(address,bool)", underlying, False),
                    (
                        "configureReserveAsCollateral(address,uint256,uint256,uint256)",
                        underlying,
                        0,
                        params.liquidation_threshold,
                        params.liquidation_bonus,
                    ),
                )
            ),
        )
        self.governed = asset

    def relent(self, asset: Asset) -> None:
        """Have governance put back what it narrowed."""
        was, now = self.began[asset], reserve_of(self.market, asset).params
        underlying = self._underlying(asset)
        if now.frozen:
            self._configure(asset, "setReserveFreeze(address,bool)", underlying, *(False,))
        if now.paused:
            self._configure(asset, "setReservePause(address,bool)", underlying, *(False,))
        if not now.borrowing_enabled:
            self._configure(asset, "setReserveBorrowing(address,bool)", underlying, *(True,))
        if now.supply_cap != was.supply_cap:
            self._configure(asset, "setSupplyCap(address,uint256)", underlying, was.supply_cap)
        if now.borrow_cap != was.borrow_cap:
            self._configure(asset, "setBorrowCap(address,uint256)", underlying, was.borrow_cap)
        if reserve_of(self.market, asset).params.ltv != was.ltv:
            self._configure(
                asset,
                "configureReserveAsCollateral(address,uint256,uint256,uint256)",
                underlying,
                was.ltv,
                was.liquidation_threshold,
                was.liquidation_bonus,
            )
        self.governed = None

    def move_price(self) -> None:
        asset = self._asset()
        price = reserve_of(self.market, asset).price
        self._set_price(asset, price * self.random.randrange(9_000, 11_000) // 10_000)

    def to_the_brink(self) -> None:
        """Move a price to where one account is just liquidatable, or just not."""
        user = self._actor()
        asset = self.random.choice(sorted(self.loans[user].collaterals) or self.assets)
        then = self.at + 1  # when the price will have moved
        limit = loans.liquidation_price(self.market, self.loans[user], asset, then)
        now = reserve_of(self.market, asset).price
        if limit is None or not now // 3 < limit < now * 3:
            return
        self._set_price(asset, limit)
        assert loans.summarise(self.market, self.loans[user], self.at).health < WAD
        if self.random.random() < 0.3:
            up = asset in self.loans[user].collaterals
            self._set_price(asset, limit + (1 if up else -1))
        if self.random.random() < 0.3:
            self._set_price(asset, limit * self.random.randrange(6_000, 10_000) // 10_000)
        self.at += 1
        self.liquidate()

    def liquidate(self) -> None:
        sick = [
            user
            for user in self.users
            if loans.summarise(self.market, self.loans[user], self.at).health < WAD
        ]
        user = self.random.choice(sick or self.users)
        collateral = self.random.choice(sorted(self.loans[user].collaterals) or self.assets)
        debt = self.random.choice(sorted(self.loans[user].debts) or self.assets)
        owed = loans.owed(self.market, self.loans[user], debt, self.at)
        raw = UINT256_MAX if self.random.random() < 0.4 else max(self._some(owed), 1)
        self._act(
            "liquidate",
            self.liquidator,
            lambda: liquidate(self.market, self.loans[user], collateral, debt, raw, self.at),
            call_data(
                "liquidationCall(address,address,address,uint256,bool)",
                self._underlying(collateral),
                self._underlying(debt),
                user,
                *(raw, False),  # the underlying, not receipt tokens
            ),
            subject=user,
            pair=(collateral, debt),
        )

    # --- both sides, compared -----------------------------------------------------------

    def _act(
        self,
        name: str,
        sender: str,
        predict: Predict,
        data: str,
        asset: Asset | None = None,
        sign: int = 0,
        *,
        subject: str | None = None,
        pair: tuple[Asset, Asset] | None = None,
    ) -> None:
        try:
            expected: Moved | Liquidation | ImpossibleError = predict()
        except ImpossibleError as error:
            expected = error
        revert = self.chain.node.send(sender, self.chain.pool, data, self.at)
        if isinstance(expected, ImpossibleError):
            assert revert is not None, f"{name}: the pool accepted, we said {expected}"
            self._check_refusal(name, expected, revert)
            self.seen[f"{name} refused {expected.code}"] += 1
        else:
            assert revert is None, f"{name}: the pool said {reason(revert)}, we accepted"
            self.market = expected.market
            self.loans[subject or sender] = expected.loan
            self._move(sender, expected, asset, sign, pair)
            self.seen[name] += 1
        self.compare(name)

    def _move(
        self,
        sender: str,
        result: Moved | Liquidation,
        asset: Asset | None,
        sign: int,
        pair: tuple[Asset, Asset] | None,
    ) -> None:
        if isinstance(result, Liquidation):
            assert pair is not None
            self.wallets[sender, pair[0]] += result.collateral_seized
            self.wallets[sender, pair[1]] -= result.debt_covered
            if result.bad_debt:
                self.seen["bad debt"] += 1
        elif asset is not None:
            self.wallets[sender, asset] += sign * result.amount

    def _check_refusal(self, name: str, expected: ImpossibleError, revert: str) -> None:
        refusal = Refusal(expected.number)
        told = reason(revert)
        if refusal is Refusal.InsufficientLiquidity:
            assert told not in {each.name for each in Refusal}, f"{name}: {told}, not {expected}"
        else:
            assert told == refusal.name, f"{name}: the pool said {told}, we said {expected}"

    def _configure(self, asset: Asset, signature: str, *args: Any) -> None:
        """Change a parameter, and read what governance made of it."""
        self.at += 1
        chain, data = self.chain, call_data(signature, *args)
        assert chain.node.send(chain.admin, chain.configurator, data, self.at) is None, signature
        fresh = chain.market()
        params = reserve_of(fresh, asset).params
        reserve = replace(reserve_of(self.market, asset), params=params)
        self.market = replace(with_reserve(self.market, reserve), emodes=fresh.emodes)
        self.seen[signature.partition("(")[0]] += 1
        self.compare(signature)

    def _set_price(self, asset: Asset, price: int) -> None:
        self.at += 1
        feed, data = self.chain.tokens[asset].feed, call_data("post(int256)", price)
        assert self.chain.node.send(self.chain.admin, feed, data, self.at) is None
        reserve = replace(reserve_of(self.market, asset), price=price)
        self.market = with_reserve(self.market, reserve)
        self.seen["price"] += 1
        self.compare("price")

    def compare(self, after: str) -> None:
        """Assert that chain and domain know the same of every reserve and every account."""
        calls = [call for asset in self.assets for call in self.chain.touched_calls(asset)]
        reserves = len(calls)
        for user in self.everybody:
            calls += self.chain.user_calls(user)
        answers = self.chain.node.read(calls)
        for number, asset in enumerate(self.assets):
            self._compare_reserve(after, asset, answers[4 * number : 4 * number + 4])
        width = (len(calls) - reserves) // len(self.everybody)
        for number, user in enumerate(self.everybody):
            start = reserves + width * number
            self._compare_user(after, user, answers[start : start + width])

    def _compare_reserve(self, after: str, asset: Asset, told: list[tuple[Any, ...]]) -> None:
        reserve = reserve_of(self.market, asset)
        data, (supply,), (debt,), (available,) = told
        ours = {
            "liquidity index": (reserve.liquidity_index, data[1]),
            "liquidity rate": (reserve.liquidity_rate, data[2]),
            "borrow index": (reserve.borrow_index, data[3]),
            "borrow rate": (reserve.borrow_rate, data[4]),
            "updated at": (reserve.updated_at, data[6]),
            "treasury": (reserve.accrued_to_treasury, data[12]),
            "scaled supply": (reserve.scaled_supply, supply),
            "scaled debt": (reserve.scaled_debt, debt),
            "available": (reserve.available, available),
        }
        for what, (mine, theirs) in ours.items():
            assert mine == theirs, f"{asset.symbol} {what} after {after}"

    def _compare_user(self, after: str, user: str, told: list[tuple[Any, ...]]) -> None:
        loan, at = self.loans[user], self.at
        summary = loans.summarise(self.market, loan, at)
        mine = (
            summary.collateral_value,
            summary.debt_value,
            summary.available_borrows,
            summary.threshold,
            summary.ltv,
            summary.health,
        )
        assert mine == told[0], f"account data after {after}"
        assert loan.emode == told[2][0], f"category after {after}"
        balances = iter(told[3:])
        flags = 0
        for asset in self.assets:
            ours = (
                loan.supplies.get(asset, 0),
                loans.supplied(self.market, loan, asset, at),
                loan.debts.get(asset, 0),
                loans.owed(self.market, loan, asset, at),
                self.wallets[user, asset],
            )
            theirs = tuple(next(balances)[0] for _ in ours)
            assert ours == theirs, f"{asset.symbol} balances after {after}"
            place = 2 * reserve_of(self.market, asset).reserve_id
            flags |= (asset in loan.debts) << place | (asset in loan.collaterals) << (place + 1)
        assert flags == told[1][0], f"flags after {after}"

    # --- choices ------------------------------------------------------------------------

    def _actor(self) -> str:
        return self.random.choice(self.users)

    def _asset(self) -> Asset:
        return self.random.choice(self.assets)

    def _underlying(self, asset: Asset) -> str:
        return self.chain.tokens[asset].underlying

    def _some(self, most: int, *, over: bool = True) -> int:
        """Return an amount worth trying: small, middling, all, or a little too much."""
        choice = self.random.random()
        if choice < 0.08:
            return self.random.choice((0, 1, 2))
        if choice < 0.18:
            return most
        if choice < 0.25 and over:
            return most + 1 + most // 50
        return most * self.random.randrange(1, 10_000) // 10_000


def reason(revert: str) -> str:
    """Return the protocol's present name for what a revert said, or the raw data."""
    data = bytes.fromhex(revert.removeprefix("0x"))
    if data[:4] == keccak(b"Error(string)")[:4]:
        (text,) = decode(["string"], data[4:])
        known = text.isdigit() and 300 + int(text) in {each.value for each in Refusal}
        return Refusal(300 + int(text)).name if known else str(text)
    arguments = {
        "InvalidDebtInEmode": "address,uint256",
        "InvalidCollateralInEmode": "address,uint256",
    }
    for each in Refusal:
        signature = f"{each.name}({arguments.get(each.name, '')})"
        if data[:4] == keccak(signature.encode())[:4]:
            return each.name
    return revert
