"""What no market would let be kept is refused with the number and what would pass."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import short_worlds
from tests.limits import limits
from tests.worlds import at_leverage, pool, state, view

from leverd.agents.guardian import Params, triggers
from leverd.errors import InfeasibleError, SettingsError
from leverd.interfaces.agent import Envelope
from leverd.risk.band_cost import Band, drag, widened
from leverd.risk.feasibility import Check, Findings, Watch, judge
from leverd.risk.market_facts import MarketFacts, facts_from_json, facts_of
from leverd.risk.past_moves import WORST_FALLS, WORST_RISES, worst_fall

RECORDED = Path("config/markets/weth-usdc.json").read_text(encoding="utf-8")
WETH_USDC = facts_from_json(RECORDED)
MINUTE = Watch(look_s=60, delay_s=36, gap=None)


def envelope(target, low, high, floor="0", wait=3_600):
    return Envelope(Decimal(target), Decimal(low), Decimal(high), Decimal(floor), wait)


def judged(wish, under=None, facts=WETH_USDC, watch=MINUTE, trigger=None):
    if trigger is None:
        guard = Params(target=wish.leverage_target, band_high=wish.band_high)
        derived = triggers(guard, Fraction(facts.threshold)).deleverage_below
        trigger = Decimal(derived.numerator) / derived.denominator
    return judge(wish, under or limits(), facts, watch, Decimal(trigger))


def checks(findings):
    return {finding.check for finding in findings.refused}


def text_of(findings, check):
    return next(str(finding) for finding in findings.all if finding.check is check)


def test_three_times_at_health_1_3_is_refused_with_the_number_and_the_nearest_settings():
    findings = judged(envelope("3", "2.7", "3.3", floor="1.3"))

    assert text_of(findings, Check.HEALTH_FLOOR) == (
        "3x with health >= 1.3 on threshold 0.83 is impossible: highest is 2.766x; "
        "set target: 2.76 or health_floor: 1.24"
    )
    with pytest.raises(InfeasibleError) as caught:
        findings.require("settings.yaml:12")
    assert (caught.value.exit_code, caught.value.number) == (6, 1)
    assert "2.766x" in caught.value.message
    assert "2.76" in caught.value.remedy
    assert caught.value.place == "settings.yaml:12"


@pytest.mark.parametrize("facts", [WETH_USDC, facts_of(view())])
def test_two_and_a_half_times_with_floor_1_15_and_one_minute_looks_passes(facts):
    findings = judged(envelope("2.5", "2.2", "2.8", floor="1.15"), facts=facts)

    assert findings.refused == ()
    findings.require()


def test_the_nearest_settings_named_do_pass():
    refused = envelope("3", "2.7", "3.3", floor="1.3")
    lower_target = replace(refused, leverage_target=Decimal("2.76"), band_high=Decimal("2.76"))
    lower_floor = replace(refused, health_floor=Decimal("1.24"))

    assert Check.HEALTH_FLOOR in checks(judged(refused))
    assert not checks(judged(lower_target)) & {Check.HEALTH_FLOOR, Check.BAND_TOP}
    assert Check.HEALTH_FLOOR not in checks(judged(lower_floor))


@settings(max_examples=100, deadline=None)
@given(target=st.decimals("1.1", "9", places=2), floor=st.decimals("0.9", "2", places=2))
def test_a_target_is_refused_exactly_when_its_own_health_is_below_the_floor(target, floor):
    findings = judged(
        envelope(target, target, target, floor=floor), limits(leverage_max=Decimal(9))
    )
    binding = max(floor, limits().health_min)

    refused = Check.HEALTH_FLOOR in checks(findings)

    assert refused is (WETH_USDC.threshold * target / (target - 1) < binding)


@pytest.mark.parametrize(
    ("wish", "changes", "check"),
    [
        (envelope("2.5", "2.2", "3.7"), {}, Check.BAND_TOP),
        (envelope("5.2", "5", "5.4"), {}, Check.LTV),
        (envelope("2.5", "2.2", "2.8"), {"leverage_max": Decimal("2.4")}, Check.LEVERAGE_MAX),
        (envelope("2.5", "2.2", "2.8"), {"shock": Decimal("-0.3")}, Check.SHOCK),
        (envelope("2.5", "2.49", "2.8"), {"leverage_max": Decimal("2.5")}, Check.SLIPPAGE_ROOM),
        (envelope("2.5", "2.2", "2.8"), {"drag_max": Decimal("0.01")}, Check.DRAG),
        (envelope("2.5", "2.2", "2.8"), {"cost_share_max": Decimal("0.0005")}, Check.COST_SHARE),
    ],
)
def test_each_contradiction_is_refused_by_its_own_check_and_says_what_to_set(wish, changes, check):
    findings = judged(wish, limits(**changes))

    refused = next(finding for finding in findings.refused if finding.check is check)
    assert "set " in refused.nearest


def test_a_gap_that_liquidates_before_the_next_look_is_refused():
    slow = Watch(look_s=3_600, delay_s=36, gap=None)

    findings = judged(envelope("2", "1.8", "2.2"), watch=slow)

    assert Check.GAP in checks(findings)
    assert "within 3636 s" in text_of(findings, Check.GAP)


def test_a_target_inside_the_trigger_and_the_gap_names_both_ways_out():
    findings = judged(envelope("3.2", "2.9", "3.4"), limits(health_min=Decimal("1.05")))

    assert Check.TRIGGER in checks(findings)
    assert "target: 3.0" in text_of(findings, Check.TRIGGER)
    assert "guardian.deleverage_below: 1.1" in text_of(findings, Check.TRIGGER)


def test_a_target_too_near_for_any_trigger_names_only_the_target():
    findings = judged(envelope("4", "3.8", "4.1"), limits(health_min=Decimal("1.05")))

    assert "deleverage_below" not in text_of(findings, Check.TRIGGER)


def test_a_position_too_small_for_its_gas_is_refused_and_one_of_unknown_size_is_told():
    small = replace(facts_of(view(at_leverage("2.5", equity=1))), gas_usd=Decimal(30))
    unknown = replace(small, equity_usd=Decimal(0))
    wish = envelope("2.5", "2.2", "2.8")
    no_drag = limits(drag_max=Decimal(100))

    assert Check.SMALLEST_POSITION in checks(judged(wish, no_drag, small))
    assert "deposit" in text_of(judged(wish, no_drag, small), Check.SMALLEST_POSITION)
    told = text_of(judged(wish, no_drag, unknown), Check.SMALLEST_POSITION)
    assert told.startswith("the smallest position worth its gas is 10526")


def test_more_exposure_than_the_limit_is_refused_where_the_size_is_known():
    findings = judged(
        envelope("2.5", "2.2", "2.8"), limits(position_usd_max=Decimal(50_000)), facts_of(view())
    )

    assert "set target: 1.66" in text_of(findings, Check.POSITION_SIZE)


def test_an_agent_that_asks_for_no_leverage_is_judged_by_nothing():
    assert judge(envelope("1", "1", "1"), limits(), WETH_USDC, MINUTE, Decimal(1)) == Findings(())


def test_a_band_of_no_width_is_traded_as_often_as_its_wait_allows():
    cost = drag(
        Band(Decimal(2), Decimal(2), Decimal(2)), WETH_USDC, wait_s=86_400, equity_usd=Decimal(0)
    )

    assert abs(cost.rebalances - 365) < Decimal("1e-9")
    assert cost.total == 0


def test_a_market_that_does_not_move_costs_nothing_worth_naming():
    still = replace(WETH_USDC, volatility=Decimal(0), depth_usd=Decimal(0))
    cost = drag(
        Band(Decimal(2), Decimal("2.5"), Decimal(3)), still, wait_s=0, equity_usd=Decimal(10_000)
    )

    assert cost.rebalances < 2


def test_the_wider_band_that_is_named_costs_no_more_than_the_limit():
    narrow = Band(Decimal("2.4"), Decimal("2.5"), Decimal("2.6"))
    most = Decimal("0.02")

    wider = widened(narrow, WETH_USDC, most, wait_s=0, equity_usd=Decimal(0))

    assert wider is not None
    assert drag(wider, WETH_USDC, wait_s=0, equity_usd=Decimal(0)).total <= most


def test_when_no_band_is_wide_enough_it_says_so():
    wish = envelope("2.5", "2.4", "2.6", wait=0)
    tiny = replace(WETH_USDC, equity_usd=Decimal(10))

    findings = judged(wish, limits(drag_max=Decimal("0.0001")), tiny)

    assert "no band is wide enough" in text_of(findings, Check.DRAG)


def test_a_longer_wait_is_never_a_smaller_fall():
    falls = [worst_fall(seconds) for seconds in range(0, 100_000, 37)]

    assert falls == sorted(falls)
    assert falls[0] == 0
    assert worst_fall(10**9) == WORST_FALLS[-1][1]


def test_a_minutes_fall_is_scaled_from_the_worst_five_minutes():
    assert worst_fall(75) == Decimal("0.1425") / 2


def test_the_record_rises_with_time_in_whole_bars_of_five_minutes_and_none_is_total():
    for record in (WORST_FALLS, WORST_RISES):
        spans, moves = zip(*record, strict=True)

        assert all(span % 300 == 0 for span in spans)
        assert list(spans) == sorted(set(spans))
        assert list(moves) == sorted(moves)
        assert 0 < moves[0] < moves[-1] < 1


def test_between_figures_the_next_longer_one_counts():
    for (span, move), (_, longer) in pairwise(WORST_FALLS):
        assert worst_fall(span) == move
        assert worst_fall(span + 1) == longer


def test_a_pools_depth_is_what_a_sale_that_takes_all_of_it_would_be_worth():
    """Of liquidity L at root price s a pool holds L / s: 182.574 WETH. One more is sold for it,
    of which all but the fee of 0.0005 moves the price.
    """
    shallow = replace(at_leverage("2"), pools={"weth-usdc": pool(depth=10**16)})

    taken = 3000 * (Decimal("182.5742") + Decimal("0.9995")) / Decimal("0.9995")
    assert facts_of(view(shallow)).depth_usd == pytest.approx(taken, rel=Decimal("1e-6"))


def test_a_view_and_a_record_of_the_same_market_say_the_same():
    seen = facts_of(view())

    for field in ("pair", "threshold", "ltv", "bonus", "price", "swap_fee", "volatility"):
        assert getattr(seen, field) == getattr(WETH_USDC, field)
    assert seen.equity_usd == 30_000
    assert seen.depth_usd > 10**9


def test_the_gas_of_a_rebalance_is_that_of_a_deleverage_at_present_fees():
    """450,000 gas at 21 gwei, with ether at 3,000."""
    assert facts_of(view()).gas_usd == Decimal("28.35")


def test_a_shorts_depth_is_in_dollars_too():
    """It sells dollars for the ether it owes: one WETH's worth of the same pool."""
    shallow = {"weth-usdc": pool(depth=10**16)}
    long, short = (
        facts_of(view(replace(made, pools=shallow))).depth_usd
        for made in (at_leverage("2"), short_worlds.at_leverage("2"))
    )

    assert short == pytest.approx(long, rel=Decimal("1e-3"))


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("threshold", "1", "threshold must be above 0 and below 1"),
        ("ltv", "0", "ltv must be above 0 and below 1"),
        ("gas_usd", "-1", "gas_usd must be a number of at least 0"),
    ],
)
def test_a_recorded_share_lies_between_and_a_cost_is_nothing_at_least(key, value, problem):
    with pytest.raises(SettingsError) as caught:
        facts_from_json(json.dumps(json.loads(RECORDED) | {key: value}))
    assert caught.value.message == problem
    free = facts_from_json(json.dumps(json.loads(RECORDED) | {"gas_usd": "0"}))
    assert free.gas_usd == 0


def test_a_position_that_lost_everything_has_nothing_to_lever():
    assert facts_of(view(state(posted=10, debt=30_001))).equity_usd == 0


def test_a_recorded_market_is_read_exactly():
    found = facts_from_json(RECORDED.replace('"0.83"', "0.8300000000000000000000000001"))

    assert isinstance(found, MarketFacts)
    assert found.threshold == Decimal("0.8300000000000000000000000001")


@pytest.mark.parametrize("text", ["", "[1]", "{", "3"])
def test_a_recorded_market_that_is_no_object_is_refused(text):
    with pytest.raises(SettingsError) as caught:
        facts_from_json(text)
    assert caught.value.number == 70


def test_everything_wrong_with_a_recorded_market_is_named_at_once():
    broken = json.loads(RECORDED)
    del broken["ltv"]
    broken |= {"price": "dear", "bonus": None, "threshold": "0", "swap_fee": "NaN", "colour": "red"}

    with pytest.raises(SettingsError) as caught:
        facts_from_json(json.dumps(broken))

    assert caught.value.number == 71
    for word in ("ltv is missing", "colour is unknown", "price", "bonus", "threshold", "swap_fee"):
        assert word in caught.value.message
