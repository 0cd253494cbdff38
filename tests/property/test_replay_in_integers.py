"""A replay against a few lines of whole numbers that know nothing of leverd but its fills."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from tests import replays

from leverd.backtest.history.exact import narrowed
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.domain.plan_events import PlanApproved, StepVerified
from leverd.domain.slot_events import SlotIncluded

RAY, WAD, PIPS, BPS = 10**27, 10**18, 10**6, 10**4
DEPTH = replays.MODELS.pool.depth
ETHER, DOLLAR = 10**18, 10**6


@dataclass
class Held:
    """Scaled balances, rounded against the account as Aave does from 3.5."""

    supply: int = 0
    debt: int = 0

    def owned(self, index, price):
        return self.supply * index // RAY * price // ETHER

    def owed(self, index):
        return -(-self.debt * index // RAY) * 10**8 // DOLLAR

    def act(self, swap, supply_index, borrow_index, price, *, raises):
        """Sell what the fill says was sold, check what came, and lend or repay it all."""
        sold, bought = swap["sold"], swap["bought"]
        ether, dollars = DEPTH * ETHER // price, DEPTH * DOLLAR // 10**8
        if raises:
            assert bought == sold_for(sold, dollars, ether)
            given = bought + (10 * ETHER if not self.supply else 0)
            self.supply += given * RAY // supply_index
            self.debt += -(-sold * RAY // borrow_index)
        else:
            assert bought == sold_for(sold, ether, dollars)
            self.debt -= bought * RAY // borrow_index
            self.supply -= -(-sold * RAY // supply_index)

    def health(self, supply_index, borrow_index, price):
        """Threshold 0.93; the division as the contract's: to nearest, then to basis points."""
        weighted, owed = self.owned(supply_index, price) * 9_300, self.owed(borrow_index)
        return (weighted * WAD + owed // 2) // owed // BPS

    def leverage(self, supply_index, borrow_index, price):
        owned = self.owned(supply_index, price)
        return Fraction(owned, owned - self.owed(borrow_index))


def series_of(past):
    """Return supply and borrow indexes at each bar's end; the first row is of the beginning."""

    def exact(asset, side):
        values = past.series_of(SeriesKey(Kind.INDEX, "aave", asset, side)).values
        return [narrowed(row) for row in values[1:]]

    return exact("WETH", Side.SUPPLY), exact("USDC", Side.BORROW)


def sold_for(sell_raw, reserve_in, reserve_out):
    net = sell_raw * (PIPS - 500)
    return net * reserve_out // (reserve_in * PIPS + net)


@pytest.mark.parametrize("seed", range(4))
def test_acts_balances_health_and_the_end_are_those_of_plain_whole_numbers(seed):
    closes = replays.prices(800, seed=seed, volatility=0.9)
    past = replays.history(closes)
    found = replays.replay(past, replays.rules(guardian=None))
    supplies, borrows = series_of(past)
    at = found.world.points.at.tolist()
    steps = {each.snapshot.at: each for each in replays.events(found, StepVerified)}
    held, lowest, met = Held(), None, []
    for row, price in enumerate(closes.tolist()):
        if held.debt:
            health = held.health(supplies[row], borrows[row], price)
            lowest = health if lowest is None else min(lowest, health)
            leverage = held.leverage(supplies[row], borrows[row], price)
            wants = leverage < Fraction(5, 2) or leverage > Fraction(7, 2)
            wants = wants or health < 13 * WAD // 10
        else:
            leverage, wants = Fraction(1), True
        assert wants == (at[row] in steps), f"point {row}: leverage {float(leverage)}"
        if not wants:
            continue
        step = steps[at[row]]
        held.act(step.fills[0], supplies[row], borrows[row], price, raises=leverage < 3)
        met.append(row)
        assert step.snapshot.supplied == {"WETH": held.supply}
        assert step.snapshot.owed == {"USDC": held.debt}
        assert step.snapshot.idle == {}
    assert len(met) > 3
    assert len(replays.events(found, PlanApproved)) == len(met)
    assert all(each.succeeded for each in replays.events(found, SlotIncluded))
    assert found.lowest_health == lowest
    loan = found.end.position.loan
    assert (loan.supplies[replays.WETH], loan.debts[replays.USDC]) == (held.supply, held.debt)
