"""Real liquidations on Aave V2: what was seized for what was repaid.

V2 seized debt x price x bonus / price with one division at the end; 3.0, whose rules are the
nearest of ours, divides before the bonus. Nothing else differs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import pytest
from tests.reality import pools
from tests.reality.recorded import Span, rows, span
from tests.reality.tally import Found

from leverd.domain.fixed_point import WAD, percent_mul
from leverd.domain.seizure import Seizure, seizure_of

pytestmark = pytest.mark.data

LIQUIDATIONS = "aave_v2_liquidations.parquet"
WBTC = "aave_wbtc_liquidations.parquet"
DECIMALS = {"USDC": 6, "USDT": 6, "UST": 6, "WBTC": 8, "GUSD": 2, "AMPL": 9}
STEP = 50  # bps; every bonus that governance set here is a multiple
ALIKE = 0.05  # bps; a stale price shifts what is implied by more
ENDLESS = 10**40  # raw; more than any account holds
TWICE = Fraction(2)  # to a float64, divided by its unit, written and read again: four roundings

V2_ORDER = "one unit: V2 multiplies by the bonus before it divides, as we check"
OTHER_PRICE = "the recorded prices imply no bonus that governance set: of another moment"
MARKED = "marked as stale prices by who gathered the data"


class Event(NamedTuple):
    """One LiquidationCall as it was recorded: raw amounts, prices in wei."""

    collateral: str
    debt: str
    seized: Span
    covered: Span
    collateral_price: Span
    debt_price: Span
    implied: float

    @property
    def bonus(self) -> int:
        """The bonus (bps) that the recorded numbers imply, to the nearest one there can be."""
        return round(self.implied * 10_000 / STEP) * STEP

    def seizure(self, collateral_price: int, debt_price: int, cover: int, balance: int) -> Seizure:
        """Return what our own maths would seize."""
        taken = pools.asset("taken", decimals(self.collateral))
        paid = pools.asset("paid", decimals(self.debt))
        market = pools.market(
            pools.reserve(taken, collateral_price, bonus=self.bonus),
            pools.reserve(paid, debt_price),
        )
        return seizure_of(market, pools.account({}, {}), taken, paid, cover, balance)

    def from_v2(self, collateral_price: int, debt_price: int, cover: int) -> int:
        """Return what V2's own order of multiplying and dividing gives."""
        taken, paid = units(self.collateral), units(self.debt)
        return percent_mul(debt_price * cover * taken, self.bonus) // (collateral_price * paid)

    def for_debt(self) -> Span:
        """Return what is seized for the recorded debt (raw), where there is enough."""
        return self._ends(
            lambda taken, paid, cover: self.seizure(taken, paid, cover, ENDLESS).seized
        )

    def for_debt_in_v2(self) -> Span:
        """Return the same by V2's order."""
        return self._ends(self.from_v2)

    def for_all(self) -> Span:
        """Return what debt (raw) is covered where the recorded collateral is all there is."""
        seized, worth = self.seized, partial(self.seizure, cover=ENDLESS)
        low = worth(self.collateral_price.low, self.debt_price.high, balance=seized.low)
        high = worth(self.collateral_price.high, self.debt_price.low, balance=seized.high)
        return Span(low.debt_covered, high.debt_covered)

    def _ends(self, seized: Callable[[int, int, int], int]) -> Span:
        return Span(
            seized(self.collateral_price.high, self.debt_price.low, self.covered.low),
            seized(self.collateral_price.low, self.debt_price.high, self.covered.high),
        )


def decimals(symbol: str) -> int:
    return DECIMALS.get(symbol.removeprefix("Amm"), 18)


def units(symbol: str) -> int:
    """Return one whole token in smallest units."""
    return pools.asset(symbol, decimals(symbol)).unit


def event(row: Mapping[str, Any]) -> Event:
    collateral, debt = row["collateral_reserve"], row["debt_reserve"]
    return Event(
        collateral,
        debt,
        span(row["collateral_amount"], units(collateral), ulps=TWICE),
        span(row["debt_amount"], units(debt), ulps=TWICE),
        span(row["collateral_price_eth"], WAD, ulps=TWICE),
        span(row["debt_price_eth"], WAD, ulps=TWICE),
        row["implied_bonus"],
    )


def reproduced(each: Event) -> bool:
    """Whether the amounts follow from each other, whichever of them was the limit."""
    return each.for_debt().meets(each.seized) or each.for_all().meets(each.covered)


def why(each: Event, bonuses: AbstractSet[int]) -> str:
    """Return why it differs; `bonuses` are those its collateral is known to have had."""
    if each.for_debt_in_v2().meets(each.seized):
        return V2_ORDER
    known = any(abs(each.implied * 10_000 - bonus) < ALIKE for bonus in bonuses)
    return "unexplained" if known else OTHER_PRICE


def test_what_was_seized_follows_from_what_was_repaid():
    found = Found()
    plausible, differing = [], []
    bonuses: dict[str, set[int]] = defaultdict(set)
    for row in rows(LIQUIDATIONS):
        if row["bonus_plausible"]:
            plausible.append(event(row))
        else:
            found.count(equal=False, why=MARKED)
    for each in plausible:
        if reproduced(each):
            found.count(equal=True)
            bonuses[each.collateral].add(each.bonus)
        else:
            differing.append(each)
    for each in differing:
        found.count(equal=False, why=why(each, bonuses[each.collateral]))
    found.told(9, "collateral seized for the debt repaid, V2", "`seizure.seizure_of`", LIQUIDATIONS)
    assert found.rows > 6_000
    assert found.equal > 5_200
    assert found.differing["unexplained"] == 0
    assert found.differing[OTHER_PRICE] < 300
    assert max(map(len, bonuses.values())) <= 4, "governance changed none of them more often"


def test_most_amounts_would_differ_were_the_bonus_half_a_percent_another():
    """The check above would see it."""
    some = [each for each in map(event, rows(LIQUIDATIONS)[::50]) if reproduced(each)]
    other = [each._replace(implied=each.implied + 0.005) for each in some]
    assert len(some) > 80
    assert not any(map(reproduced, other))


def test_two_sources_tell_of_the_same_liquidations():
    """What one gathered from events and another from a subgraph is the same to the satoshi."""
    found = Found()
    calls = defaultdict(list)
    for row in rows(LIQUIDATIONS, collateral_reserve="WBTC"):
        calls[row["ts"], row["user"].lower()].append(row["collateral_amount"])
    for row in rows(WBTC, market="aave_v2"):
        for amount in calls.get((row["ts"], row["user"].lower()), []):
            theirs = span(row["collateral_amount"], 10**8)
            found.count(equal=span(amount, 10**8).meets(theirs), why="unexplained")
    found.told(10, "the same liquidation by two sources", "none: the sources alone", WBTC)
    assert found.rows == found.equal > 50
