"""Indexes of Aave V3, minute by minute and day by day, from the rates recorded beside them.

An index is written anew only when somebody touches the reserve. Between two touches the rates
stand, so an index grows by them for a whole number of seconds: supply and borrow side by the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import pytest
from tests.reality import pools
from tests.reality.recorded import Span, neighbours, rows, span
from tests.reality.tally import Found

from leverd.domain.fixed_point import RAY, WAD, ray_mul
from leverd.domain.lending import AAVE_3_0, Compounding
from leverd.domain.rates import SECONDS_PER_YEAR, compounded_factor, linear_factor, rates_at

pytestmark = pytest.mark.data

MINUTES = "aave_polygon_1m.parquet"
DAYS = "aave_reserve_1d.parquet"
HOURS = "aave_rates_1h.parquet"

# bps of the interest that the protocol keeps; wstETH's was lowered meanwhile.
FACTORS = {"WETH": [1_500], "USDT": [1_000], "weETH": [4_500], "wstETH": [1_500, 500]}
HOURLY = 20  # rates a day, at least

TWICE = "touched more than once in the minute: what the rates were between is not recorded"
UNSEEN = "the rate went beyond the hourly ones for a while"
MILLIONTH, THOUSANDTH = Fraction(1, 10**6), Fraction(1, 10**3)
TREASURY = (
    "ours is higher by less than a thousandth: what the treasury has earned and not yet taken "
    "lies in the pool and is not in the recorded supply"
)
PREMIUMS = "more than any rate of the day though debt is not: as flash-loan premiums add"


def grown_supply(index: int, rate: int, seconds: int) -> int:
    return ray_mul(linear_factor(rate, seconds), index)


def grown_debt(index: int, rate: int, seconds: int) -> int:
    return ray_mul(compounded_factor(rate, seconds, Compounding.BINOMIAL), index)


class Step(NamedTuple):
    """Two indexes one minute apart, with the rates of the first; ray."""

    supply: Span
    supply_rate: Span
    supply_next: Span
    debt: Span
    debt_rate: Span
    debt_next: Span

    @property
    def seconds(self) -> int:
        """Seconds between the two touches, to the nearest, by the supply side."""
        growth = Fraction(self.supply_next.middle, self.supply.middle) - 1
        return round(growth * SECONDS_PER_YEAR * RAY / self.supply_rate.middle)

    def supply_after(self, seconds: int) -> Span:
        return Span(
            grown_supply(self.supply.low, self.supply_rate.low, seconds),
            grown_supply(self.supply.high, self.supply_rate.high, seconds),
        )

    def debt_after(self, seconds: int) -> Span:
        return Span(
            grown_debt(self.debt.low, self.debt_rate.low, seconds),
            grown_debt(self.debt.high, self.debt_rate.high, seconds),
        )

    def grew_for(self, seconds: int) -> bool:
        """Whether both indexes are what `seconds` at the recorded rates make of them."""
        supply, debt = self.supply_after(seconds), self.debt_after(seconds)
        return supply.meets(self.supply_next) and debt.meets(self.debt_next)


def step(before: Mapping[str, Any], after: Mapping[str, Any]) -> Step:
    return Step(
        span(before["liquidity_index"], RAY),
        span(before["supply_apr"], RAY),
        span(after["liquidity_index"], RAY),
        span(before["variable_borrow_index"], RAY),
        span(before["borrow_apr"], RAY),
        span(after["variable_borrow_index"], RAY),
    )


@cache
def touched() -> list[Step]:
    """Return each minute in which the indexes were written."""
    pairs = neighbours(rows(MINUTES), "reserve", "ts")
    return [
        step(before, after)
        for before, after in pairs
        if before["liquidity_index"] != after["liquidity_index"]
    ]


def test_both_indexes_grow_for_the_same_whole_seconds_to_the_last_digit():
    found = Found()
    for each in touched():
        found.count(equal=each.grew_for(each.seconds), why=TWICE)
    ours = "`rates.linear_factor`, `rates.compounded_factor`"
    found.told(14, "both indexes after a touch, Polygon, to the last digit", ours, MINUTES)
    assert found.rows > 5_000
    assert found.equal > 2_700


def test_a_second_more_or_less_is_seen_on_both_sides():
    steps = [each for each in touched()[::20] if each.grew_for(each.seconds)]
    assert len(steps) > 120
    for each in steps:
        for other in (each.seconds - 1, each.seconds + 1):
            assert not each.supply_after(other).meets(each.supply_next)
            assert not each.debt_after(other).meets(each.debt_next)


def test_the_seconds_found_are_those_of_the_chains_blocks():
    """Polygon made a block every two seconds: nothing in our maths knows."""
    seconds = [each.seconds for each in touched() if each.grew_for(each.seconds)]
    even = sum(1 for each in seconds if each % 2 == 0)
    assert even > len(seconds) * 9 // 10


class Day(NamedTuple):
    """One reserve's day: how its indexes grew, and every rate seen meanwhile; ray."""

    supply: Fraction  # what the index was multiplied by
    debt: Fraction
    seconds: int
    supply_rates: Sequence[int]
    debt_rates: Sequence[int]

    def supply_between(self) -> bool:
        return self.low(self.supply_rates) <= self.supply <= self.high(self.supply_rates)

    def low(self, rates: Sequence[int]) -> Fraction:
        return Fraction(linear_factor(min(rates), self.seconds), RAY)

    def high(self, rates: Sequence[int]) -> Fraction:
        """Return what the highest rate gives, were the reserve touched at every second."""
        factor = compounded_factor(max(rates), self.seconds, Compounding.TAYLOR)
        return Fraction(factor + 1, RAY)

    def debt_between(self) -> bool:
        least = compounded_factor(min(self.debt_rates), self.seconds, Compounding.BINOMIAL)
        return Fraction(least, RAY) <= self.debt <= self.high(self.debt_rates)


def ray(value: float) -> int:
    return span(value, RAY).middle


@cache
def days() -> list[Day]:
    """Return the days of the reserves whose rates were recorded through the day."""
    seen = defaultdict(list)
    for row in sorted(rows(HOURS, market="aave_v3_ethereum"), key=lambda row: row["ts"]):
        seen[row["reserve"]].append(row)
    times = {reserve: [row["ts"] for row in group] for reserve, group in seen.items()}
    found = []
    for before, after in neighbours(rows(DAYS), "reserve", "ts"):
        name = before["reserve"]
        ends = [bisect_right(times.get(name, []), each["ts"]) for each in (before, after)]
        hourly = seen[name][ends[0] : ends[1]]
        if len(hourly) < HOURLY:
            continue
        rates = [before, *hourly, after]
        found.append(
            Day(
                Fraction(after["liquidity_index"]) / Fraction(before["liquidity_index"]),
                Fraction(after["variable_borrow_index"])
                / Fraction(before["variable_borrow_index"]),
                int((after["ts"] - before["ts"]).total_seconds()),
                [ray(each["supply_apr"]) for each in rates],
                [ray(each["borrow_apr"]) for each in rates],
            )
        )
    return found


def test_a_days_debt_grows_by_no_less_than_its_lowest_rate_and_no_more_than_its_highest():
    found = Found()
    for day in days():
        found.count(equal=day.debt_between(), why=UNSEEN)
    found.told(15, "borrow index over a day, within its rates", "`rates.compounded_factor`", DAYS)
    assert found.rows > 1_000
    assert found.equal > 900


def test_a_days_supply_grows_so_too_or_more_where_flash_loans_paid():
    found = Found()
    for day in days():
        above = day.supply > day.high(day.supply_rates)
        why = PREMIUMS if above and day.debt_between() else UNSEEN
        found.count(equal=day.supply_between(), why=why)
    found.told(16, "supply index over a day, within its rates", "`rates.linear_factor`", DAYS)
    assert found.rows > 1_000
    assert found.equal > 900


def test_the_suppliers_rate_follows_from_the_borrowers_and_how_much_is_lent():
    found = Found()
    for row in rows(DAYS):
        theirs = ray(row["supply_apr"])
        all_ours = [earned(row, factor) for factor in FACTORS[row["reserve"]]]
        ours = min(all_ours, key=lambda each: abs(each - theirs))
        higher = Fraction(ours, theirs) - 1
        treasury = MILLIONTH < higher < THOUSANDTH
        why = TREASURY if treasury else "unexplained"
        found.count(equal=abs(higher) <= MILLIONTH, why=why)
    found.told(17, "suppliers' rate from the borrowers', to a millionth", "`rates.rates_at`", DAYS)
    assert found.rows > 1_900
    assert found.differing["unexplained"] == 0
    assert found.equal > 450


def earned(row: Mapping[str, Any], factor: int) -> int:
    """Return the suppliers' rate (ray) at the recorded borrow rate, debt and supply."""
    token = pools.asset(row["reserve"], 18)
    debt, supplied = (
        span(row[each], WAD).middle for each in ("total_variable_debt", "total_atoken")
    )
    reserve = pools.reserve(token, 1, factor=factor)
    curve = replace(reserve.curve, base_rate=ray(row["borrow_apr"]))
    paid = replace(reserve, curve=curve)
    return rates_at(paid, AAVE_3_0, debt, supplied - debt).liquidity
