"""Each judgement of feasibility turns exactly where its formula says, and names what it names."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import limits
from tests.worlds import at_leverage, view

from leverd.domain.side import Side
from leverd.interfaces.agent import Envelope
from leverd.risk.band_cost import YEAR_S, Band, Drag, drag, widened
from leverd.risk.feasibility import Check, Watch, judge
from leverd.risk.market_facts import MarketFacts, facts_of

FACTS = MarketFacts(
    pair="WETH/USDC",
    threshold=Decimal("0.75"),
    ltv=Decimal("0.5"),
    bonus=Decimal("0.05"),
    price=Decimal(3000),
    swap_fee=Decimal("0.0005"),
    depth_usd=Decimal(10**9),
    gas_usd=Decimal(3),
    volatility=Decimal("0.5"),
)
HALF = Decimal("0.5")
GUARDED = Decimal("1.25")
LOOK = Watch(60, 36, Decimal("0.2"))
WISH = Envelope(Decimal("1.5"), Decimal("1.3"), Decimal("1.7"), Decimal(0), 3_600)
ONE = Decimal("0.000001")


def judged(wish=WISH, facts=FACTS, watch=LOOK, trigger=GUARDED, **changes):
    """Return the findings by what was judged."""
    found = judge(wish, limits(**changes), facts, watch, trigger)
    return {each.check: each for each in found.all}


def aiming(target, **changes):
    return replace(WISH, leverage_target=Decimal(target), **changes)


def test_what_this_file_begins_from_passes_everything():
    assert all(finding.passes for finding in judged().values())


@pytest.mark.parametrize(
    ("check", "target", "changes"),
    [
        # h = 0.75 L / (L - 1) is 1.25 at 2.5x, the shock of a tenth leaves 1 at 40/13.
        (Check.HEALTH_FLOOR, "2.5", {"health_min": Decimal("1.25")}),
        (Check.LEVERAGE_MAX, "1.5", {"leverage_max": Decimal("1.5")}),
        (Check.SHOCK, "1.6", {"shock": Decimal("-0.5")}),
    ],
)
def test_a_target_exactly_at_its_bound_passes_and_above_it_does_not(check, target, changes):
    assert judged(aiming(target), **changes)[check].passes
    assert not judged(aiming(Decimal(target) + ONE), **changes)[check].passes


def test_the_band_may_reach_exactly_the_highest_leverage():
    under = {"health_min": Decimal("1.25")}

    assert judged(replace(WISH, band_high=Decimal("2.5")), **under)[Check.BAND_TOP].passes
    above = judged(replace(WISH, band_high=Decimal("2.5") + ONE), **under)[Check.BAND_TOP]
    assert not above.passes
    assert above.nearest == "set repay_above: 2.50"


def test_a_target_must_stay_below_what_loan_to_value_lets_borrow():
    assert judged(aiming("1.999999"))[Check.LTV].passes
    at = judged(aiming("2"))[Check.LTV]
    assert not at.passes
    assert at.nearest == "set target: 1.99"


def test_the_floor_that_binds_is_the_higher_one_and_named():
    own = judged(replace(WISH, leverage_target=Decimal(4), health_floor=Decimal("1.2")))
    assert own[Check.HEALTH_FLOOR].nearest == "set target: 2.66 or health_floor: 1.00"
    signed = judged(replace(WISH, leverage_target=Decimal(4), health_floor=Decimal("1.1")))
    assert signed[Check.HEALTH_FLOOR].nearest == "set target: 2.87 or limits.health_min: 1.00"
    same = judged(replace(WISH, leverage_target=Decimal(4), health_floor=Decimal("1.15")))
    assert "or health_floor" in same[Check.HEALTH_FLOOR].nearest


def test_an_exposure_of_exactly_the_limit_passes():
    held = replace(FACTS, equity_usd=Decimal(1_000))

    assert judged(facts=held, position_usd_max=Decimal(1_500))[Check.POSITION_SIZE].passes
    over = judged(facts=held, position_usd_max=Decimal("1499.99"))[Check.POSITION_SIZE]
    assert not over.passes
    assert over.nearest == "set target: 1.49 or hold less"
    assert Check.POSITION_SIZE not in judged()


def test_a_purchase_may_aim_at_exactly_the_lower_edge_of_the_band():
    """Worst fills may end at 2x: with 25 % of slippage the aim is 1 + 1 / 1.25."""
    under = {"leverage_max": Decimal(2), "slippage_max": Decimal("0.25")}

    at = judged(replace(WISH, band_low=Decimal("1.8")), **under)[Check.SLIPPAGE_ROOM]
    assert at.passes
    assert at.message.endswith("aim at 1.800x")
    over = judged(replace(WISH, band_low=Decimal("1.8") + ONE), **under)[Check.SLIPPAGE_ROOM]
    assert not over.passes
    assert over.nearest == "set boost_below: 1.80"


@pytest.mark.parametrize(
    ("bound", "under", "ends"),
    [
        ("leverage_max", {"leverage_max": Decimal(2)}, "2.000"),
        ("health_min", {"health_min": Decimal("1.5")}, "2.000"),
        ("shock", {"shock": Decimal("-0.3333333333333333333333333333")}, "2.000"),
    ],
)
def test_where_purchases_end_is_the_lowest_of_three_bounds(bound, under, ends):
    found = judged(**{"slippage_max": Decimal(0), "leverage_max": Decimal(9), **under})

    message = found[Check.SLIPPAGE_ROOM].message
    assert message.endswith((f"aim at {ends}x", "aim at 1.999x")), bound


def test_the_trigger_must_be_kept_after_the_move_to_the_last_digit():
    """At 2.5x health is 1.25; a fall of a fifth leaves exactly 1."""
    under = {"health_min": Decimal("0.9")}

    at = judged(aiming("2.5"), trigger=Decimal(1), **under)[Check.TRIGGER]
    assert at.passes
    over = judged(aiming("2.5"), trigger=1 + ONE, **under)[Check.TRIGGER]
    assert not over.passes
    assert over.nearest == "set target: 2.49"


def test_the_trigger_that_is_named_is_one_that_would_pass():
    """At 1.875x health is 1.607; a fifth off is 1.285, above the 1.25 that a gap needs."""
    found = judged(aiming("1.875"), trigger=Decimal("1.4"))[Check.TRIGGER]

    assert found.nearest == "set target: 1.75 or guardian.deleverage_below: 1.28"
    exact = judged(aiming("1.923"), trigger=Decimal("1.4"))[Check.TRIGGER]
    assert "deleverage_below: 1.25" in exact.nearest
    less = judged(aiming("1.924"), trigger=Decimal("1.4"))[Check.TRIGGER]
    assert "deleverage_below" not in less.nearest
    bound = judged(aiming("1.875"), trigger=Decimal("1.4"), health_min=Decimal("1.29"))
    assert "deleverage_below" not in bound[Check.TRIGGER].nearest


def test_a_gap_may_leave_a_health_of_exactly_one():
    """A fall of a fifth takes 1.25 to 1."""
    assert judged(trigger=Decimal("1.25"))[Check.GAP].passes
    over = judged(trigger=Decimal("1.25") - ONE)[Check.GAP]
    assert not over.passes
    assert over.nearest == "set guardian.deleverage_below: 1.25, or look sooner"
    assert "within 96 s (look 60 + inclusion 36)" in over.message


def test_the_signed_floor_is_a_trigger_too():
    assert judged(trigger=Decimal(1), health_min=Decimal("1.25"))[Check.GAP].passes


def test_a_move_is_called_by_the_way_it_hurts():
    assert "after a fall of 20.00 %" in judged()[Check.TRIGGER].message
    short = judged(facts=replace(FACTS, side=Side.SHORT))
    assert "after a rise of 20.00 %" in short[Check.TRIGGER].message
    assert "a move of 10.00 %" in short[Check.SHOCK].message
    assert "a move of -10.00 %" in judged()[Check.SHOCK].message


def test_what_a_shock_leaves_and_what_a_size_comes_to_is_said():
    """Health is 2.25 at 1.5x, and a tenth off that is 2.025."""
    assert judged()[Check.SHOCK].message.endswith("leaves health 2.025")
    held = judged(facts=replace(FACTS, equity_usd=Decimal(1_000)))
    assert "1000.00 USD at 1.5x is 1500.00 USD of exposure" in held[Check.POSITION_SIZE].message


def test_a_band_may_cost_exactly_the_limit():
    cost = drag(
        Band(WISH.band_low, WISH.leverage_target, WISH.band_high),
        FACTS,
        wait_s=WISH.wait_s_min,
        equity_usd=Decimal(0),
    ).total
    assert cost > 0

    assert judged(drag_max=cost)[Check.DRAG].passes
    over = judged(drag_max=cost - Decimal("1e-27"))[Check.DRAG]
    assert not over.passes
    assert over.nearest.startswith("set boost_below: 1.2")


def test_a_pool_whose_fee_is_the_whole_share_of_costs_is_refused():
    fee = replace(FACTS, swap_fee=Decimal("0.01"))

    at = judged(facts=fee, cost_share_max=Decimal("0.01"))
    assert not at[Check.COST_SHARE].passes
    assert at[Check.COST_SHARE].nearest == "set limits.cost_share_max: 0.02"
    assert Check.SMALLEST_POSITION not in at
    assert judged(facts=fee, cost_share_max=Decimal("0.01") + ONE)[Check.COST_SHARE].passes


def test_the_smallest_position_pays_for_its_gas_with_what_the_fee_leaves():
    """0.4 either way is traded back in moves of 0.2: (0.0105 - 0.0005) of that must be 3 USD."""
    share = {"cost_share_max": Decimal("0.0105"), "drag_max": Decimal(10**6)}
    enough = replace(FACTS, equity_usd=Decimal(1_500))

    at = judged(facts=enough, **share)[Check.SMALLEST_POSITION]
    assert at.passes
    assert (
        "1500.00 USD of equity (gas 3.00 USD a rebalance), this one has 1500.00 USD" in at.message
    )
    less = judged(facts=replace(enough, equity_usd=Decimal("1499.99")), **share)
    assert not less[Check.SMALLEST_POSITION].passes
    assert less[Check.SMALLEST_POSITION].nearest == "deposit 0.01 USD more or widen the band"
    assert "this one" not in judged(**share)[Check.SMALLEST_POSITION].message


def test_a_band_costs_what_the_formula_of_its_page_says():
    """T 2, l 1.5, h 2.5, s 0.5: (h - T)(T - l) / (s T (T - 1))^2 is a quarter of a year."""
    found = drag(
        Band(Decimal("1.5"), Decimal(2), Decimal("2.5")),
        replace(FACTS, depth_usd=Decimal(10**6)),
        wait_s=0,
        equity_usd=Decimal(10_000),
    )

    assert found == Drag(
        rebalances=Decimal(4),
        moved=HALF,
        swaps=4 * HALF * (Decimal("0.0005") + HALF * 10_000 / 10**6),
        gas=4 * Decimal(3) / 10_000,
    )
    assert found.total == found.swaps + found.gas


def test_bands_are_left_no_more_often_than_the_wait_between_two_moves():
    waiting = drag(
        Band(Decimal("1.5"), Decimal(2), Decimal("2.5")),
        FACTS,
        wait_s=YEAR_S // 2,
        equity_usd=Decimal(0),
    )

    assert waiting.rebalances == 2
    assert YEAR_S == 365 * 86_400


def test_a_wider_band_keeps_its_target_and_its_shape_and_never_ends_below_one():
    band = Band(Decimal("1.8"), Decimal(2), Decimal("2.3"))

    assert band.wider(Decimal(2)) == Band(Decimal("1.6"), Decimal(2), Decimal("2.6"))
    assert band.wider(Decimal(10)) == Band(Decimal(1), Decimal(2), Decimal(5))


def test_the_wider_band_is_the_narrowest_in_steps_of_a_twentieth():
    band, most = Band(Decimal("1.9"), Decimal(2), Decimal("2.1")), Decimal("0.003")

    found = widened(band, FACTS, most, wait_s=0, equity_usd=Decimal(0))

    assert found is not None
    times = (found.high - 2) / Decimal("0.1")
    narrower = band.wider(times / Decimal("1.05"))
    assert drag(found, FACTS, wait_s=0, equity_usd=Decimal(0)).total <= most
    assert drag(narrower, FACTS, wait_s=0, equity_usd=Decimal(0)).total > most
    widest = drag(band.wider(Decimal(16)), FACTS, wait_s=0, equity_usd=Decimal(0)).total
    assert widened(band, FACTS, widest / 2, wait_s=0, equity_usd=Decimal(0)) is None
    exact = drag(band, FACTS, wait_s=0, equity_usd=Decimal(0)).total
    assert widened(band, FACTS, exact, wait_s=0, equity_usd=Decimal(0)) == band


STEPS = replace(FACTS, atomic=False)
CALM = Watch(60, 36, Decimal("0.08"))


def stepping(watch=CALM, trigger=Decimal("1.2"), step_min="1.1", facts=STEPS, **changes):
    limits_ = {"health_step_min": Decimal(step_min), **changes}
    return judged(facts=facts, watch=watch, trigger=trigger, **limits_)[Check.STEP_GAP]


def test_what_acts_in_one_transaction_passes_through_nothing():
    assert Check.STEP_GAP not in judged()


def test_the_lowest_health_of_single_steps_must_survive_what_comes_between_them():
    """72 of the 96 seconds that the gap is for: 0.08 times the root of three quarters."""
    found = stepping()
    assert found.passes
    assert "1.100 between" in found.message
    assert "6.93 % within these 72 s leaves 1.023" in found.message
    assert not stepping(step_min="1.02").passes
    assert stepping(step_min="1.08").passes
    assert not stepping(step_min="1.07").passes


def test_a_health_floor_that_the_step_floor_would_reach_is_named_a_cent_above_it():
    found = stepping(step_min="1.02", health_min=Decimal("1.05"))
    assert "limits.health_step_min: 1.08 and limits.health_min: 1.09, or" in found.nearest
    assert stepping(step_min="1.08", health_min=Decimal("1.09")).passes


def test_whether_a_position_goes_in_steps_is_read_from_its_view():
    for atomic in (True, False):
        seen = facts_of(view(at_leverage("2"), atomic=atomic))
        assert (Check.STEP_GAP in judged(facts=seen)) is not atomic


def test_half_of_the_room_binds_however_high_the_step_floor():
    low = Watch(60, 36, Decimal("0.12"))
    found = stepping(watch=low, step_min="1.14")
    assert "1.100 between" in found.message
    assert not found.passes
    assert "guardian.deleverage_below: 1.24" in found.nearest
    assert "health_step_min" not in found.nearest
    assert stepping(watch=low, step_min="1.14", trigger=Decimal("1.24")).passes


def test_what_it_says_would_pass_passes():
    wild = Watch(60, 36, Decimal("0.2"))
    found = stepping(watch=wild, step_min="1.02")
    said = dict(
        part.rsplit(": ", 1)
        for part in found.nearest.removeprefix("set ").split(",")[0].split(" and ")
    )
    assert set(said) == {
        "limits.health_step_min", "limits.health_min", "guardian.deleverage_below",
    }  # fmt: skip
    assert stepping(
        watch=wild,
        step_min=said["limits.health_step_min"],
        health_min=Decimal(said["limits.health_min"]),
        trigger=Decimal(said["guardian.deleverage_below"]),
    ).passes


def test_without_a_gap_the_record_says_what_comes_between():
    record = Watch(60, 36, None)
    assert "fall of 6.98 %" in stepping(watch=record).message
    assert "rise of 7.75 %" in stepping(watch=record, facts=replace(STEPS, side=Side.SHORT)).message
