"""Money that strangers send is put to use where it is worth its gas, and left alone where not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.limits import TIMING, limits
from tests.worlds import GWEI, USDC, WETH, view

from leverd.agents.guardian import Guardian, Params
from leverd.bootstrap.one_shot import Watch
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.plan import Purpose, Repay, Supply
from leverd.domain.view import Gas
from leverd.engine import planner
from leverd.engine.turn import Seat, terms_of, turn
from leverd.risk.raising import reserve_wei

GUARD = (Seat(Guardian(Params(target=Decimal("2.2"), band_high=Decimal("2.5"))), guards=True),)
PURSE = 10**19


def at(of, gwei, *, purse=PURSE, **changes):
    """Return a view at `gwei` of gas in all."""
    gas = Gas(int(Decimal(gwei) * GWEI), 0, 3000 * 10**8, purse)
    return view(of, gas=gas, **changes)


def planned(seen, wish=None):
    return planner.plan(wish or Hold("loop", "in band"), seen, terms_of(seen, limits(), TIMING))


def gifted(**idle):
    return worlds.state(posted=20, debt=20_000, **idle)


@pytest.mark.parametrize("idle", [{"idle_debt": "1.01"}, {"idle": "0.00034"}])
@pytest.mark.parametrize("plain", [False, True])
def test_a_dollar_is_left_alone_where_its_gas_costs_more_and_used_where_it_is_cheap(idle, plain):
    how = {"atomic": not plain, "plain": plain}
    assert planned(at(gifted(**idle), 20, **how)) is None
    made = planned(at(gifted(**idle), "0.01", **how))
    assert made.purpose is Purpose.TIDY


@pytest.mark.parametrize(("worth", "is_used"), [("30", False), ("31", True)])
def test_it_is_used_from_twice_its_gas_on(worth, is_used):
    """A step of 250,000 gas at 20 gwei is 15 dollars."""
    seen = at(gifted(idle_debt=worth), 20)
    assert (planned(seen) is not None) is is_used
    assert planned(at(gifted(idle_debt=worth), 20, atomic=False, plain=True)) is None


def test_nothing_is_put_to_use_out_of_the_purse_that_deleverages_need():
    reserve = reserve_wei(at(gifted(), 20), limits())
    move = 250_000 * 20 * GWEI
    assert planned(at(gifted(idle_debt=500), 20, purse=reserve + move)) is not None
    poor = at(gifted(idle_debt=500), 20, purse=reserve + move - 1)
    assert planned(poor) is None
    assert planned(poor, SetLeverage("loop", Decimal("1.2"), "asked")) is not None  # a sale


def test_a_rescue_uses_what_is_idle_whatever_it_costs_and_however_poor_the_key_is():
    of = worlds.state(posted=25, idle=6, debt=52_500)
    found = turn(at(of, 5_000, purse=1), GUARD, limits(), TIMING, age_s=0)
    assert [type(action) for action in found.plan.actions] == [Supply]
    # With no pool to sell in, even what is not enough is used.
    dry = worlds.state(posted=25, idle_debt=20, debt=52_500).with_pool(worlds.pool(depth=0))
    found = turn(at(dry, 100), GUARD, limits(), TIMING, age_s=0)
    assert [type(action) for action in found.plan.actions] == [Repay]


@pytest.mark.parametrize("closes_only", [False, True])
def test_a_wei_posted_for_a_position_that_is_over_costs_nothing(closes_only):
    wish = Unwind("owner", "asked", urgent=True)
    wei = replace_posted(worlds.state(posted=1), 1)
    assert planned(at(wei, "0.001", closes_only=closes_only), wish) is None
    assert planned(at(worlds.state(posted="0.01"), 20, closes_only=closes_only), wish) is None
    made = planned(at(worlds.state(posted="0.02"), 20, purse=1, closes_only=closes_only), wish)
    assert made.purpose is Purpose.UNWIND


def test_what_a_close_bought_too_much_is_sold_where_it_is_worth_it():
    wish = Unwind("owner", "asked")
    assert planned(at(worlds.state(idle_debt=25), 20), wish) is None
    assert planned(at(worlds.state(idle_debt=35), 20), wish) is not None


def test_an_unwind_of_the_command_line_does_not_wait_for_a_posted_wei():
    wei, real = replace_posted(worlds.state(posted=1), 1), worlds.state(posted="0.02")
    assert Watch(str).closed({"loop": view(wei)})
    assert not Watch(str).closed({"loop": view(real)})
    assert not Watch(str).closed({"loop": view(worlds.state(posted="0.0001", debt=1))})


def replace_posted(of, raw):
    loan = replace(of.position.loan, supplies={WETH: raw})
    return replace(of, position=of.position.with_loan("aave", loan))


def test_what_a_gift_is_counted_in_follows_the_price_of_gas_and_of_ether():
    seen = at(gifted(idle_debt=20), 20)
    dear = replace(seen, gas=replace(seen.gas, native_price=6000 * 10**8))
    least = terms_of(seen, limits(), TIMING).idle_usd_min
    assert least == 30 * 10**8
    assert terms_of(dear, limits(), TIMING).idle_usd_min == 2 * least
    assert USDC in seen.state.position.idle
