"""Five accounts on Aave V2, looked at every 5,000 blocks until they were liquidated and beyond."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Any, NamedTuple

import pytest
from tests.reality import pools
from tests.reality.recorded import configuration, neighbours, rows, span
from tests.reality.tally import Found

from leverd.domain import loans
from leverd.domain.fixed_point import WAD
from leverd.domain.health import health_of
from leverd.domain.lending import AAVE_3_0
from leverd.domain.seizure import most_covered

pytestmark = pytest.mark.data

PATHS = "aave_v2_user_paths.parquet"
LIQUIDATIONS = "aave_v2_liquidations.parquet"
DECIMALS = {"USDC": 6, "USDT": 6, "UST": 6, "WBTC": 8, "GUSD": 2}
THEN = {"WETH": 8_250, "TUSD": 8_000}  # bps; raised between these accounts' days and 2022

TAKEN_WHOLE = "all of that collateral was taken, and it was worth less than half of the debt"
ASKED_LESS = "the liquidator asked for less than he might, mostly 95 % of it"
IN_LOOK = "in the very block of a look, whose amounts are from before it"


@cache
def thresholds() -> dict[str, int]:
    """Return the liquidation thresholds (bps) of these days, of what counts as collateral."""
    later = configuration("aave_v2_main_2022")
    known = {symbol: said["liquidation_threshold_bps"] for symbol, said in later.items()}
    return {symbol: bps for symbol, bps in {**known, **THEN}.items() if bps}


def to_cents(health: int) -> Decimal:
    """Return a health (wad) as the file writes it, with two decimals."""
    return (Decimal(health) / WAD).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def written(row: Mapping[str, Any], threshold: int) -> Decimal:
    """Return our own health of the account's totals, were `threshold` (bps) its average."""
    collateral = span(row["total_collateral_eth"], WAD).middle
    debt = span(row["total_debt_eth"], WAD).middle
    return to_cents(health_of(collateral, collateral * threshold, debt, AAVE_3_0))


def said(row: Mapping[str, Any]) -> Decimal:
    return Decimal(str(row["health_factor"])).quantize(Decimal("0.01"))


def held(row: Mapping[str, Any], side: str) -> dict[str, float]:
    """Return the raw amounts of one side, `collateral` or `debt`, by symbol."""
    book = json.loads(row["positions_json"])
    return {
        name.removesuffix(f"_{side}"): amount
        for name, (amount, _) in book.items()
        if name.endswith(f"_{side}") and amount
    }


def indebted() -> list[Mapping[str, Any]]:
    return [row for row in rows(PATHS) if row["total_debt_eth"]]


def alone() -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Return the looks at accounts with one collateral, by its symbol and the account."""
    found = defaultdict(list)
    for row in indebted():
        collaterals = held(row, "collateral")
        if len(collaterals) == 1 and row["total_collateral_eth"]:
            found[next(iter(collaterals)), row["user"]].append(row)
    return found


@pytest.mark.parametrize(
    ("symbol", "threshold"), [("WETH", 8_250), ("LINK", 7_500), ("DAI", 8_000)]
)
def test_one_threshold_explains_every_look_at_a_single_collateral(symbol, threshold):
    """And no other does: what governance had set is found again from the health alone."""
    looks = [row for (each, _), group in alone().items() if each == symbol for row in group]
    assert len(looks) > 80
    fits = [
        each
        for each in range(threshold - 100, threshold + 100)
        if all(written(row, each) == said(row) for row in looks)
    ]
    assert threshold in fits
    assert len(fits) <= 3


def test_health_of_a_single_collateral_is_what_the_chain_said_to_the_hundredth():
    found = Found()
    for (symbol, _), looks in alone().items():
        # USDC's was raised between the two accounts that held it.
        choices = [8_500, 8_800] if symbol == "USDC" else [thresholds()[symbol]]
        best = max(choices, key=lambda each: sum(written(row, each) == said(row) for row in looks))
        for row in looks:
            found.count(equal=written(row, best) == said(row), why="unexplained")
    found.told(7, "health of one collateral, to its two decimals", "`health.health_of`", PATHS)
    assert found.rows == found.equal > 380


def test_health_of_several_collaterals_lies_between_those_of_their_thresholds():
    """What each was worth is not recorded to the cent, so the average cannot be reckoned."""
    found = Found()
    for row in indebted():
        counting = [thresholds()[each] for each in held(row, "collateral") if each in thresholds()]
        if len(counting) > 1 and row["total_collateral_eth"]:
            least, most = written(row, min(counting)), written(row, max(counting))
            found.count(equal=least <= said(row) <= most, why="unexplained")
    found.told(8, "health of several, between their thresholds", "`health.health_of`", PATHS)
    assert found.rows == found.equal > 200


class Call(NamedTuple):
    """One liquidation between two looks; raw amounts, those of a look as float64s."""

    covered: int
    owed_least: int  # before it: what the look before showed, less what was covered since
    owed_most: int  # what the look after showed, and all that was covered from here on
    left: int  # of the collateral, at the look after
    in_look: bool  # it happened in the very block of the look after


def calls() -> Iterator[Call]:
    """Yield the liquidations of these accounts, each with what was owed before it."""
    events = defaultdict(list)
    for row in rows(LIQUIDATIONS):
        events[row["user"].lower(), row["debt_reserve"]].append(row)
    for before, after in neighbours(rows(PATHS), "user", "block"):
        for debt in held(before, "debt"):
            calls = events[before["user"].lower(), debt]
            between = [each for each in calls if before["ts"] < each["ts"] <= after["ts"]]
            between.sort(key=lambda each: each["ts"])
            yield from _chained(debt, between, before, after)


def _chained(
    debt: str, events: list[Mapping[str, Any]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Call]:
    unit = pools.asset(debt, DECIMALS.get(debt, 18)).unit
    amounts = [span(each["debt_amount"], unit).middle for each in events]
    for at, each in enumerate(events):
        yield Call(
            amounts[at],
            int(held(before, "debt")[debt]) - sum(amounts[:at]),
            int(held(after, "debt").get(debt, 0)) + sum(amounts[at:]),
            int(held(after, "collateral").get(each["collateral_reserve"], 0)),
            each["ts"] == after["ts"],
        )


def half(owed: int) -> int:
    """Return what our own close factor lets one call cover (raw), at a health above 0.95.

    V2 knew no health below which all may be covered: its accounts were liquidated by halves.
    """
    token = pools.asset("debt", 18)
    market = pools.market(pools.reserve(token, WAD))
    mild = loans.LoanSummary(0, 0, 0, 0, 0, 99 * WAD // 100, zero_ltv_collateral=False)
    return most_covered(market, mild, token, token, owed=owed, balance=0)


def why(call: Call) -> str:
    if call.in_look:
        return IN_LOOK
    assert call.covered < half(call.owed_least), "more than half was covered"
    dust = half(call.owed_least) // 100
    return TAKEN_WHOLE if call.left < dust else ASKED_LESS


def test_liquidators_covered_half_of_the_debt_and_never_more():
    found = Found()
    for call in calls():
        # A float64 shows 18 decimals to some thousand units; half a unit is lost in halving.
        slack = max(call.owed_most // 10**15, 1)
        low, high = half(call.owed_least) - slack, half(call.owed_most) + slack
        equal = low <= call.covered <= high
        found.count(equal=equal, why="" if equal else why(call))
    found.told(11, "half of the debt covered, V2", "`seizure.most_covered`", PATHS)
    assert found.rows > 40
    assert found.equal > 35
    assert found.differing.total() < 7


def test_what_was_owed_before_and_after_leaves_little_room_for_the_half():
    """Interest between two looks is all that the check above leaves open."""
    for call in (each for each in calls() if not each.in_look):
        assert 0 < call.owed_least <= call.owed_most < call.owed_least * 1_002 // 1_000
