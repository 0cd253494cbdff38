"""Accounts of June 2023, read from Aave V2 with getUserAccountData, through our own maths.

Every account held stETH. V2 reckons health and what may be borrowed with the same divisions,
rounded the same way, as 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import pytest
from tests.reality import pools
from tests.reality.recorded import HALF, Span, rows, span
from tests.reality.tally import Found

from leverd.domain import loans
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.health import available_borrows, health_of
from leverd.domain.lending import AAVE_3_0
from leverd.domain.money import Asset

pytestmark = pytest.mark.data

USERS = "aave_users_lido_*.parquet"
FILES: dict[str, dict[str, Any]] = {
    "aave_users_lido_steth_aave.parquet": {"ulps": HALF},
    # Cut after 16 decimals; read and written once more, each time off by up to a step.
    "aave_users_lido_b2.parquet": {"ulps": Fraction(2), "decimals": 16},
    "aave_users_lido_b3.parquet": {"ulps": Fraction(2), "decimals": 16},
}
STETH_THRESHOLD = 8_300  # bps; what every account has that holds nothing but stETH
WETH_THRESHOLD = 8_600  # bps, of the only collateral whose threshold no file names
MINUTES = Fraction(1, 10**6)  # of an amount: ten minutes of interest at five percent a year

LATER = "read some blocks apart from the totals: within ten minutes of interest"
UNLISTED = "counts assets that the files do not list"
NOT_COUNTED = "holds listed assets that it does not use as collateral"
MOVED = "moved between the two readings"


class Read(NamedTuple):
    """One account as it was recorded; integers of 1e-18 ether."""

    row: Mapping[str, Any]
    collateral: Span
    debt: Span
    health: Span
    precision: Mapping[str, Any]


@cache
def accounts() -> list[Read]:
    found = []
    for file, precision in FILES.items():
        for row in rows(file):
            collateral = span(row["collateral"], WAD, **precision)
            debt = span(row["debt"], WAD, **precision)
            told = span(row["healthf"], WAD, **precision)
            found.append(Read(row, collateral, debt, told, precision))
    return found


def health(collateral: int, threshold: int, debt: int) -> int:
    return health_of(collateral, collateral * threshold, debt, AAVE_3_0)


def test_health_is_what_the_chain_said_for_every_account():
    found = Found()
    for each in accounts():
        threshold = each.row["threshold"]
        ours = Span(
            health(each.collateral.low, threshold, each.debt.high),
            health(each.collateral.high, threshold, each.debt.low),
        )
        found.count(equal=ours.meets(each.health), why="unexplained")
    found.told(1, "health factor of an account, from its totals", "`health.health_of`", USERS)
    assert found.rows == found.equal > 2_000


def test_what_may_still_be_borrowed_is_what_the_chain_said_for_every_account():
    found = Found()
    for each in accounts():
        ltv = each.row["ltv"]
        exact = int(each.row["available_borrow"])
        ours = Span(
            available_borrows(each.collateral.low, each.debt.high, ltv, AAVE_3_0),
            available_borrows(each.collateral.high, each.debt.low, ltv, AAVE_3_0),
        )
        found.count(equal=ours.low <= exact <= ours.high, why="unexplained")
    found.told(2, "what may still be borrowed, to the wei", "`health.available_borrows`", USERS)
    assert found.rows == found.equal > 2_000


def test_the_recorded_numbers_leave_next_to_nothing_open():
    """Were the spans wide, anything would be equal."""
    open_to = max(Fraction(each.collateral.high - each.collateral.low, each.collateral.low)
                  for each in accounts() if each.precision["ulps"] == HALF)  # fmt: skip
    assert 0 < open_to < Fraction(1, 10**15)


def test_a_health_one_digit_off_is_not_taken_for_equal():
    each = accounts()[0]
    threshold = each.row["threshold"]
    off = health(each.collateral.low, threshold, each.debt.high) * (10**15 + 1) // 10**15
    assert not Span(off, off).meets(each.health)


class Composed(NamedTuple):
    """An account put together from its listed assets: at its least and at its most."""

    read: Read
    least: loans.LoanSummary
    most: loans.LoanSummary

    @property
    def collateral(self) -> Span:
        return Span(self.least.collateral_value, self.most.collateral_value)

    @property
    def debt(self) -> Span:
        return Span(self.most.debt_value, self.least.debt_value)

    @property
    def health(self) -> Span:
        return Span(self.least.health, self.most.health)

    @property
    def counted_whole(self) -> bool:
        return self.collateral.meets(self.read.collateral)

    @property
    def owed_whole(self) -> bool:
        return self.debt.meets(self.read.debt)


@cache
def steth_price() -> Span:
    """The one oracle price (wei) that the source valued every account's stETH at."""
    low, high = 0, 10**19
    for row in rows("aave_users_lido_steth_aave.parquet"):
        value, amount = span(row["collateral_steth_calc"], WAD), span(row["amount"], WAD)
        low = max(low, -(-value.low * WAD // amount.high))
        high = min(high, (value.high + 1) * WAD // amount.low)
    assert 0 < low <= high < low + 1_000
    return Span(low, high)


def listed(row: Mapping[str, Any]) -> Iterator[tuple[Asset, int, int, float, float]]:
    """Yield asset, price, threshold, raw supply and raw debt of what the file lists."""
    for name in [column.removesuffix("_price") for column in row if column.endswith("_price")]:
        threshold = round(row[f"{name}_threshold"] * BPS)
        supplied = float(row.get(f"{name}_collateral") or 0)
        token = pools.asset(name, row[f"{name}_decimals"])
        yield token, row[f"{name}_price"], threshold, supplied, float(row[name])
    weth = pools.asset("weth", 18)
    yield weth, WAD, WETH_THRESHOLD, float(row.get("weth_collateral") or 0), row["ethdebt"] * WAD


def composed(read: Read) -> Composed:
    price, row = steth_price(), read.row
    token = pools.asset("steth", 18)
    amount = span(row["amount"], WAD, **read.precision)
    reserves = {token: (price, STETH_THRESHOLD)}
    supplies, debts = {token: amount}, {}
    for asset, asset_price, threshold, supplied, owed in listed(row):
        reserves[asset] = Span(asset_price, asset_price), threshold
        supplies[asset] = span(supplied, 1, **read.precision)
        debts[asset] = span(owed, 1, **read.precision)

    def summary(*, most: bool) -> loans.LoanSummary:
        held = {each: amount.high if most else amount.low for each, amount in supplies.items()}
        owes = {each: amount.low if most else amount.high for each, amount in debts.items()}
        made = [
            pools.reserve(each, at.high if most else at.low, threshold=threshold)
            for each, (at, threshold) in reserves.items()
        ]
        return loans.summarise(pools.market(*made), pools.account(held, owes), 0)

    return Composed(read, summary(most=False), summary(most=True))


@cache
def compositions() -> list[Composed]:
    """Each account once, from the file that lists most of its assets."""
    fullest = {each.row["user"]: each for each in accounts()}
    return [composed(each) for each in fullest.values()]


def near(ours: Span, theirs: Span) -> bool:
    return abs(ours.middle - theirs.middle) <= MINUTES * theirs.middle


def why_collateral(each: Composed) -> str:
    ours, theirs = each.collateral, each.read.collateral
    if near(ours, theirs):
        return LATER
    return UNLISTED if ours.high < theirs.low else NOT_COUNTED


def why_debt(each: Composed) -> str:
    ours, theirs = each.debt, each.read.debt
    if near(ours, theirs):
        return LATER
    return UNLISTED if ours.high < theirs.low else MOVED


def test_collateral_is_the_sum_of_the_listed_assets():
    found = Found()
    for each in compositions():
        found.count(equal=each.counted_whole, why=why_collateral(each))
    found.told(3, "value of collateral, summed from its assets", "`loans.summarise`", USERS)
    assert found.rows > 1_300
    assert found.equal > 800
    assert found.differing[NOT_COUNTED] < 5


def test_debt_is_the_sum_of_the_listed_assets():
    found = Found()
    for each in compositions():
        found.count(equal=each.owed_whole, why=why_debt(each))
    found.told(4, "value of debt, summed from its assets", "`loans.summarise`", USERS)
    assert found.rows > 1_300
    assert found.equal > 200
    assert found.equal + found.differing[LATER] > 800
    assert found.differing[MOVED] < 10


def test_the_average_threshold_is_the_recorded_one_where_all_collateral_is_listed():
    found = Found()
    for each in compositions():
        if each.counted_whole:
            ours = {each.least.threshold, each.most.threshold}
            found.count(equal=each.read.row["threshold"] in ours, why="unexplained")
    found.told(5, "average liquidation threshold, to the basis point", "`loans.summarise`", USERS)
    assert found.rows > 800
    assert found.rows == found.equal


def test_health_from_amounts_and_prices_is_the_recorded_one_where_all_assets_are_listed():
    found = Found()
    for each in compositions():
        if each.counted_whole and each.owed_whole:
            found.count(equal=each.health.meets(each.read.health), why="unexplained")
    found.told(6, "health factor, from amounts and prices alone", "`loans.summarise`", USERS)
    assert found.rows == found.equal > 180
