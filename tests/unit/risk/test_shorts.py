"""What hurts a short is a rise: shock, gap, breakers and feasibility look that way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import short_worlds, worlds
from tests.limits import TIMING, limits
from tests.worlds import NOON, WETH, view

from leverd.domain import loans
from leverd.domain.decision import SetLeverage
from leverd.domain.side import Side
from leverd.engine.preview import previewed, seat_for
from leverd.engine.turn import turn
from leverd.errors import SettingsError
from leverd.interfaces.agent import Envelope
from leverd.risk.bounds import bound, ceiling, outside
from leverd.risk.breakers import Breakers, Fault, watch
from leverd.risk.feasibility import Check, Watch, judge
from leverd.risk.gate import Approved
from leverd.risk.market_facts import facts_from_json, facts_of
from leverd.risk.past_moves import WORST_RISES, worst_fall, worst_move, worst_rise
from leverd.risk.stress import health_after, shocked

SHORT_FACTS = facts_of(view(short_worlds.short(idle=30_000)))
LONG_FACTS = facts_of(view())
MINUTE = Watch(look_s=60, delay_s=36, gap=None)


def judged(target, *, facts=SHORT_FACTS, watch=MINUTE, trigger="1.2"):
    wish = Envelope(
        Decimal(target), Decimal(target) - Decimal("0.3"), Decimal(target) + Decimal("0.3"),
        Decimal(0), 3600,
    )  # fmt: skip
    return judge(wish, limits(), facts, watch, Decimal(trigger))


def text_of(findings, check):
    return next(finding.message for finding in findings.all if finding.check is check)


def test_a_shock_makes_what_a_short_owes_dearer():
    state = short_worlds.at_leverage("2")
    after = shocked(state, Decimal("-0.1"))
    assert after.market.reserves[WETH].price == 3300 * 10**8
    assert health_after(state, Decimal("-0.1"), NOON) < health_after(state, Decimal(0), NOON)
    assert health_after(state, Decimal("0.1"), NOON) > health_after(state, Decimal(0), NOON)


def test_a_shock_makes_what_a_long_holds_cheaper():
    after = shocked(worlds.at_leverage("2"), Decimal("-0.1"))
    assert after.market.reserves[WETH].price == 2700 * 10**8


@given(shock=st.decimals("-0.5", "-0.01", places=2), leverage=st.decimals("1.2", "2", places=2))
def test_the_ceiling_of_a_short_survives_its_shock_and_little_more_does_not(shock, leverage):
    bounds = limits(shock=shock, health_min=Decimal("1.001"), health_step_min=Decimal("1.0005"),
                    leverage_max=Decimal(50), slippage_max=Decimal(0))  # fmt: skip
    seen = view(short_worlds.at_leverage(leverage))
    most = ceiling(seen, bounds)
    at = Decimal(most.numerator) / most.denominator
    assert health_after(short_worlds.at_leverage(at), shock, NOON) >= 10**18
    beyond = short_worlds.at_leverage(at * Decimal("1.01"))
    by_health = loans.summarise(beyond.market, beyond.position.loan, NOON).health
    assert health_after(beyond, shock, NOON) < 10**18 or by_health < 1001 * 10**15


def test_a_short_that_a_rise_pushed_outside_its_limits_is_brought_back():
    seen = view(short_worlds.with_price(short_worlds.at_leverage("2.5"), 3700))
    back = outside(seen, limits())
    assert back is not None
    assert back.urgent
    assert bound(back, seen, limits()) == back
    fallen = view(short_worlds.with_price(short_worlds.at_leverage("2.5"), 2300))
    assert outside(fallen, limits()) is None


@pytest.mark.parametrize("atomic", [True, False])
def test_a_short_opens_and_says_the_price_above_which_it_is_liquidated(atomic):
    seen = view(short_worlds.short(idle=30_000), atomic=atomic)
    signed = limits(cost_share_max=Decimal("0.9"), drag_max=Decimal(1))
    outcome = turn(seen, (seat_for(Decimal("2.2")),), signed, TIMING, age_s=0)
    found = previewed(outcome, TIMING.delay_s)
    assert isinstance(outcome.verdict, Approved)
    assert abs(float(found.expected.leverage) - 2.2) < 0.01
    assert found.expected.liquidation_price > 3000 * 10**8
    assert found.worst.liquidation_price < found.expected.liquidation_price


def test_an_oracle_of_ether_that_stands_still_is_noticed_at_a_short():
    apart = short_worlds.short(posted=60_000, debt=10, pool_price=3200)
    breakers = Breakers()
    for _ in range(3):
        breakers = watch(breakers, view(apart), limits(), failures=0)
    assert breakers.oracle_price == 3000 * 10**8
    assert Fault.ORACLE_STALE in breakers.opened


def test_an_oracle_of_ether_that_moves_is_not_stale_at_a_short():
    breakers = Breakers()
    for price in (3000, 3010, 3020):
        apart = short_worlds.short(price=price, posted=60_000, debt=10, pool_price=price * 1.05)
        breakers = watch(breakers, view(apart), limits(), failures=0)
    assert breakers.opened == (Fault.ORACLE_GAP,)


def test_the_gap_of_a_short_is_the_worst_rise_on_record():
    rise = worst_rise(96)
    assert rise == worst_move(Side.SHORT, 96) != worst_fall(96) == worst_move(Side.LONG, 96)
    text = text_of(judged("2"), Check.GAP)
    assert text.startswith(f"a rise of {rise * 100:.2f} % within 96 s")
    assert text_of(judged("2", facts=LONG_FACTS), Check.GAP).startswith("a fall of")


def test_a_gap_the_owner_sets_is_a_rise_for_a_short():
    set_by_owner = replace(MINUTE, gap=Decimal("0.5"))
    refused = {each.check for each in judged("1.5", watch=set_by_owner).refused}
    assert Check.GAP in refused
    nearest = next(e.nearest for e in judged("1.5", watch=set_by_owner).all if e.check is Check.GAP)
    assert "guardian.deleverage_below: 1.5" in nearest
    assert Check.GAP not in {
        e.check for e in judged("1.5", watch=set_by_owner, trigger="1.51").refused
    }


def test_a_modest_short_passes_and_a_steep_one_is_refused_by_its_shock():
    assert judged("2").refused == ()
    steep = judged("3.6")
    assert Check.SHOCK in {each.check for each in steep.refused}
    assert "a move of 10.00 % at 3.6x" in text_of(steep, Check.SHOCK)


def test_the_facts_of_a_short_are_in_the_price_it_bets_on():
    assert SHORT_FACTS.pair == "USDC/WETH"
    assert SHORT_FACTS.price == 3000
    assert SHORT_FACTS.threshold == Decimal("0.78")
    # The same pool is as deep whichever way one sells into it.
    assert SHORT_FACTS.depth_usd == pytest.approx(LONG_FACTS.depth_usd, rel=Decimal("0.01"))


def test_a_recorded_market_may_say_that_it_is_a_short():
    text = (
        '{"pair": "USDC/WETH", "threshold": "0.78", "ltv": "0.75", "bonus": "0.045",'
        ' "price": "3000", "swap_fee": "0.0005", "depth_usd": "4000000000", "gas_usd": "1",'
        ' "volatility": "0.85", "side": "%s"}'
    )
    assert facts_from_json(text % "short").side == "short"
    with pytest.raises(SettingsError, match="side must be long or short"):
        facts_from_json(text % "sideways")


def test_a_longer_wait_is_never_a_smaller_rise():
    rises = [worst_rise(seconds) for seconds in range(0, 100_000, 37)]
    assert rises == sorted(rises)
    assert worst_rise(10**9) == WORST_RISES[-1][1]


def test_a_short_is_asked_for_by_the_leverage_that_its_collateral_has():
    wish = bound(SetLeverage("loop", Decimal(9), "why"), view(short_worlds.short(idle=30_000)),
                 limits())  # fmt: skip
    assert Decimal(1) < wish.target <= limits().leverage_max
