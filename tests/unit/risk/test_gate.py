"""What the gate denies, one rule at a time, each from a plan that passes without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.limits import TIMING, limits
from tests.worlds import (
    GWEI,
    NOON,
    USDC,
    WETH,
    at_leverage,
    mandate,
    market,
    pool,
    state,
    view,
)

from leverd.domain.decision import SetLeverage, Unwind
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Borrow,
    BuyExact,
    PlanCost,
    Purpose,
    Repay,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.quotes import quote_exact_in, spot_ratio
from leverd.domain.view import Gas, Portfolio, Record, TradingState
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk import lowering
from leverd.risk.gate import Approved, Denied, Pending, Reason, review
from leverd.risk.rehearsal import Rehearsal, Standing, Trade, impact, rehearse
from leverd.risk.staleness import age_s


def boost(of=None, target="2.5", **changes):
    seen = view(at_leverage("2") if of is None else of, **changes)
    decision = SetLeverage("agent", Decimal(target), "test")
    return planner.plan(decision, seen, terms_of(seen, limits(), TIMING)), seen


def reduce(of=None, target="2", **changes):
    seen = view(at_leverage("3") if of is None else of, **changes)
    decision = SetLeverage("agent", Decimal(target), "test")
    return planner.plan(decision, seen, terms_of(seen, limits(), TIMING)), seen


def reasons(plan, seen, *, under=None, age=0, **pending):
    verdict = review(plan, seen, under or limits(), age_s=age, pending=Pending(**pending))
    return () if isinstance(verdict, Approved) else verdict.reasons


def test_a_boost_within_limits_is_approved_with_the_calm_caps():
    plan, seen = boost()

    verdict = review(plan, seen, limits(), age_s=0)

    assert isinstance(verdict, Approved)
    assert (verdict.plan, verdict.view, verdict.lowers) == (plan, seen, False)
    assert verdict.urgency == 0
    assert verdict.gas_price_cap == limits().gas_price_wei_max


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(trading_state=TradingState.HALTED), Reason.HALTED),
        (Record(trading_state=TradingState.REDUCING), Reason.REDUCING),
        (Record(paused=True), Reason.REDUCING),
        (Record(unwinding=True), Reason.UNWINDING),
        (Record(stopped=True), Reason.STOPPED),
        (Record(unexplained=True), Reason.UNEXPLAINED),
        (Record(last_loss_at=NOON - 3_599), Reason.COOLDOWN),
    ],
)
def test_a_boost_is_denied_for_what_the_record_says(record, reason):
    plan, seen = boost(record=record)

    assert reasons(plan, seen) == (reason,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"venue_trusted": False}, Reason.VENUE_UNTRUSTED),
        ({"sources_agree": 0}, Reason.TOO_FEW_SOURCES),
        ({"gas": Gas(100 * GWEI, 1, 300 * 10**8, 10**19)}, Reason.GAS_PRICE),
        ({"gas": Gas(20 * GWEI, 0, 3000 * 10**8, 3 * 10**17)}, Reason.GAS_RESERVE),
        ({"portfolio": Portfolio(trades_today=20)}, Reason.TRADES_DAY),
        ({"portfolio": Portfolio(gas_today=5 * 10**17)}, Reason.GAS_DAY),
        ({"portfolio": Portfolio(open_slots=1)}, Reason.SLOT_OPEN),
    ],
)
def test_a_boost_is_denied_for_what_the_view_shows(changes, reason):
    plan, seen = boost(**changes)

    assert reasons(plan, seen) == (reason,)


def test_a_loss_long_ago_no_longer_holds_a_boost_back():
    plan, seen = boost(record=Record(last_loss_at=NOON - 3_600))

    assert reasons(plan, seen) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"leverage_max": Decimal("2.5")}, Reason.LEVERAGE_TOO_HIGH),
        ({"position_usd_max": Decimal(74_000)}, Reason.POSITION_TOO_LARGE),
        ({"shock": Decimal("-0.28")}, Reason.FAILS_SHOCK),
        ({"slippage_max": Decimal("0.004")}, Reason.SLIPPAGE),
        ({"price_impact_max": Decimal(0)}, Reason.PRICE_IMPACT),
        ({"cost_share_max": Decimal("0.001")}, Reason.COST_SHARE),
        ({"profit_usd_min": Decimal(1_000)}, Reason.PROFIT_TOO_SMALL),
    ],
)
def test_a_boost_is_denied_by_each_limit_it_breaks(changes, reason):
    plan, seen = boost()

    assert reason in reasons(plan, seen, under=limits(**changes))


def test_a_boost_through_too_low_a_health_or_without_a_floor_on_chain_is_denied():
    plan, seen = boost()
    strict = limits(health_min=Decimal("1.4"))

    assert reasons(plan, seen, under=strict) == (Reason.HEALTH_TOO_LOW, Reason.NO_CHAIN_FLOOR)


def test_a_market_away_from_its_oracle_denies_a_boost_but_not_a_reduction():
    apart = state(price=3000, posted=20, debt=30_000, pool_price=2900)
    plan, seen = boost(apart)
    down, seen_down = reduce(state(price=3000, posted=30, debt=60_000, pool_price=2900))

    assert Reason.ORACLE_GAP in reasons(plan, seen)
    assert reasons(down, seen_down) == ()


def test_an_opening_counts_as_one_more_position_and_a_boost_does_not():
    full = Portfolio(active_positions=3)
    opening, seen = boost(state(idle=10), portfolio=full)
    plan, seen_boost = boost(portfolio=full)

    assert reasons(opening, seen) == (Reason.TOO_MANY_POSITIONS,)
    assert reasons(plan, seen_boost) == ()


def test_what_open_slots_may_spend_counts_against_shared_budgets():
    plan, seen = boost()

    assert reasons(plan, seen, gas=5 * 10**17) == (Reason.GAS_DAY,)
    assert reasons(plan, seen, trades=20) == (Reason.TRADES_DAY,)


def test_the_guardians_part_of_the_days_gas_is_not_for_boosts_and_its_use_is_not_theirs():
    part_used = Portfolio(gas_today=4 * 10**17, guardian_gas_today=4 * 10**17)
    more_than_all = Portfolio(gas_today=99 * 10**16, guardian_gas_today=99 * 10**16)

    assert reasons(*boost(portfolio=part_used)) == ()
    assert reasons(*boost(portfolio=more_than_all)) == (Reason.GAS_DAY,)
    assert reasons(*boost(), gas=5 * 10**17, guardian_gas=5 * 10**17) == ()


def test_an_old_view_denies_a_boost_and_so_does_a_state_of_another_time():
    plan, seen = boost()
    skewed = replace(seen, state=replace(seen.state, at=NOON + 121))

    assert reasons(plan, seen, age=121) == (Reason.STALE_VIEW,)
    assert Reason.STALE_VIEW in reasons(plan, skewed)
    assert reasons(plan, seen, age=120) == ()


def test_every_reason_is_collected_not_just_the_first():
    plan, seen = boost(
        record=Record(last_loss_at=NOON), portfolio=Portfolio(trades_today=99, open_slots=1)
    )

    found = reasons(plan, seen, age=1_000)

    assert found == (Reason.STALE_VIEW, Reason.SLOT_OPEN, Reason.COOLDOWN, Reason.TRADES_DAY)


def test_a_plan_past_its_deadline_is_denied_whatever_it_does():
    for plan, seen in (boost(), reduce()):
        late = replace(plan, deadline=seen.now)

        assert Reason.DEADLINE_PASSED in reasons(late, seen)


def test_one_transaction_steps_are_denied_where_the_account_cannot_do_them():
    plan, seen = reduce()

    assert reasons(plan, replace(seen, atomic=False)) == (Reason.NOT_ATOMIC,)


def test_a_plan_without_steps_is_denied():
    plan, seen = reduce()

    assert Reason.EMPTY in reasons(replace(plan, steps=()), seen)


def test_a_plan_that_the_venue_would_refuse_is_impossible():
    plan, seen = boost()
    borrow = Step(StepKind.SINGLE, (Borrow("aave", Amount(USDC, 10**15)),), health_min=2 * 10**18)

    assert reasons(replace(plan, steps=(borrow,)), seen) == (Reason.IMPOSSIBLE,)


def test_a_plan_that_sells_what_is_not_there_is_impossible():
    plan, seen = reduce()
    swap = Swap("weth-usdc", Amount(WETH, 10**18), Amount(USDC, 2_990 * 10**6))
    supply = Supply("aave", Amount(WETH, 10**18))
    for missing in (swap, supply):
        step = Step(StepKind.SINGLE, (missing,), health_min=0)
        assert reasons(replace(plan, steps=(step,)), seen) == (Reason.IMPOSSIBLE,)


def test_a_plan_for_another_position_is_a_bug():
    plan, seen = boost()

    with pytest.raises(AssertionError):
        review(replace(plan, position_id="other"), seen, limits(), age_s=0)


def test_nobody_but_the_gate_can_approve():
    plan, seen = reduce()
    approved = review(plan, seen, limits(), age_s=0)
    assert isinstance(approved, Approved)

    with pytest.raises(AssertionError, match="only review"):
        Approved(plan, seen, Decimal(0), 0, lowers=True, bid_by=0, seal=object())
    with pytest.raises((ValueError, TypeError, AssertionError)):
        replace(approved, plan=replace(plan, purpose=Purpose.TIDY))


def test_a_halted_position_lets_nothing_through_and_says_only_that():
    plan, seen = reduce(record=Record(trading_state=TradingState.HALTED))

    assert reasons(plan, seen) == (Reason.HALTED,)


def test_a_sale_for_far_less_than_the_quote_is_denied_even_when_it_lowers_risk():
    plan, seen = reduce()
    step = plan.steps[0]
    swap = step.actions[0]
    assert isinstance(swap, Swap)
    cheap = replace(swap, buy_min=Amount(USDC, swap.buy_min.raw * 9 // 10))
    gift = replace(plan, steps=(replace(step, actions=(cheap, *step.actions[1:])),))

    assert reasons(gift, seen) == (Reason.SLIPPAGE,)


def test_a_purchase_for_far_more_than_the_quote_is_denied():
    seen = view(at_leverage("2"))
    plan = planner.plan(Unwind("owner", "test"), seen, terms_of(seen, limits(), TIMING))
    assert plan is not None
    step = plan.steps[0]
    buy = step.actions[0]
    assert isinstance(buy, BuyExact)
    dear = replace(buy, sell_max=Amount(WETH, buy.sell_max.raw * 11 // 10))
    overpaid = replace(plan, steps=(replace(step, actions=(dear, *step.actions[1:])),))

    assert reasons(plan, seen) == ()
    assert Reason.SLIPPAGE in reasons(overpaid, seen)


def test_slicing_a_swap_does_not_hide_its_impact():
    """Each slice passes alone where all of them together do not; a wider limit lets all pass."""
    dry = {"weth-usdc": pool(depth=10**16)}
    seen = view(replace(at_leverage("3"), pools=dry), atomic=False)
    whole = planner.plan(
        SetLeverage("agent", Decimal("1.3"), "test"),
        seen,
        replace(terms_of(seen, limits(), TIMING), impact_max=Decimal(1)),
    )
    assert whole is not None
    trades = rehearse(whole, seen).trades
    alone = max(impact((trade,)) for trade in trades)
    together = impact(trades)
    between = (alone + together) / 2

    assert len(trades) > 2
    assert together > 2 * alone
    assert reasons(whole, seen, under=limits(price_impact_max=between)) == (Reason.PRICE_IMPACT,)
    wide = together + Decimal("1e-20")  # an impact has more digits than a limit
    assert reasons(whole, seen, under=limits(price_impact_max=wide)) == ()


def test_the_impact_of_slices_is_that_of_all_they_sold_but_the_fees():
    seen = view(at_leverage("3"), atomic=False)
    plan = planner.plan(
        SetLeverage("agent", Decimal("1.3"), "test"), seen, terms_of(seen, limits(), TIMING)
    )
    assert plan is not None
    trades = rehearse(plan, seen).trades
    assert len(trades) > 1
    moved = sum(trade.quote.sold - trade.quote.fee for trade in trades)
    bought = sum(trade.quote.bought for trade in trades)
    promised = spot_ratio(trades[0].pool, WETH)

    expected = 1 - Fraction(bought, moved) / promised
    assert abs(Fraction(impact(trades)) - expected) < Fraction(1, 10**15)


def test_of_two_directions_the_larger_impact_counts():
    seen = view(at_leverage("2"))
    there = Swap("weth-usdc", Amount(WETH, 10**19), Amount(USDC, 1))
    back = Swap("weth-usdc", Amount(USDC, 10**6), Amount(WETH, 1))
    for first, second in ((there, back), (back, there)):
        trades = tuple(
            Trade(
                swap,
                seen.state.pool,
                quote_exact_in(seen.state.pool, swap.sell.asset, swap.sell.raw),
            )
            for swap in (first, second)
        )
        assert impact(trades) == max(impact((trade,)) for trade in trades) > 0


def test_idle_debt_asset_repaid_and_idle_collateral_posted_always_pass():
    left = state(posted=20, debt=30_000, idle=1, idle_debt=500)
    seen = view(left, record=Record(trading_state=TradingState.REDUCING))
    plan = planner.tidy(seen, terms_of(seen, limits(), TIMING))
    assert plan is not None

    assert reasons(plan, seen, age=10_000) == ()


def test_taking_out_what_is_left_without_any_debt_always_passes():
    seen = view(state(posted=1), record=Record(unwinding=True), venue_trusted=False)
    plan = planner.plan(Unwind("owner", "test"), seen, terms_of(seen, limits(), TIMING))
    assert plan is not None

    assert reasons(plan, seen) == ()


def test_withdrawing_beside_a_debt_is_added_risk():
    seen = view(at_leverage("2"), record=Record(trading_state=TradingState.REDUCING))
    base, _ = reduce()
    take = Step(StepKind.SINGLE, (Withdraw("aave", Amount(WETH, 10**18)),), health_min=0)

    assert reasons(replace(base, steps=(take,)), seen) == (Reason.REDUCING,)


def test_a_repayment_that_is_followed_by_a_larger_loan_is_added_risk():
    seen = view(state(posted=20, debt=30_000, idle_debt=1_000))
    base, _ = reduce()
    repay = Step(StepKind.SINGLE, (Repay("aave", Amount(USDC, 10**9)),), health_min=0)
    borrow = Step(StepKind.SINGLE, (Borrow("aave", Amount(USDC, 2 * 10**9)),), health_min=0)
    plan = replace(base, steps=(repay, borrow), cost=PlanCost(0, 0, 0, 1))

    assert Reason.NO_CHAIN_FLOOR in reasons(plan, seen)


def test_a_lowering_sequence_may_not_dip_below_the_step_floor_from_above_it():
    seen = view(at_leverage("3"), atomic=False)
    low = Decimal("1.001")
    deep = replace(terms_of(seen, limits(), TIMING), health_step_min=low, health_step_limit=low)
    plan = planner.plan(SetLeverage("agent", Decimal("1.5"), "test"), seen, deep)
    assert plan is not None

    assert Reason.STEP_HEALTH_TOO_LOW in reasons(plan, seen)


@pytest.mark.parametrize(
    ("healths", "too_low"),
    [
        ((102, 103), False),  # at the floor
        ((101, 103), True),
        ((101, 101, 103), True),
    ],
)
def test_a_step_may_pass_the_floor_itself_and_no_lower(healths, too_low):
    found = lowering.reasons(_walk(110, *healths), Decimal("1.02"))

    assert found == ((Reason.STEP_HEALTH_TOO_LOW,) if too_low else ())


def test_standing_still_below_the_floor_is_no_fall():
    assert lowering.reasons(_walk(101, 101, 103), Decimal("1.02")) == ()
    assert lowering.reasons(_walk(101, 100), Decimal("1.02")) == (Reason.STEP_HEALTH_TOO_LOW,)


def _walk(*healths):
    first, *rest = (standing(health=each * 10**16) for each in healths)
    return Rehearsal(first, tuple(rest), ())


def standing(*, debt=100, exposure=300, equity=100, health=10**18):
    return Standing(at_leverage("2"), debt, exposure, equity, health)


@pytest.mark.parametrize(
    ("before", "after", "falls"),
    [
        (standing(), standing(debt=50, exposure=200, health=2 * 10**18), True),
        (standing(), standing(debt=50, exposure=300, health=2 * 10**18), False),
        (standing(), standing(debt=50, exposure=200, health=10**18), False),
        (standing(), standing(debt=100, exposure=200, health=2 * 10**18), False),
        (standing(), standing(debt=50, equity=0, health=2 * 10**18), False),
        (standing(equity=0), standing(debt=50, equity=10, health=2 * 10**18), True),
        (standing(equity=0), standing(debt=50, equity=-1, health=2 * 10**18), True),
    ],
)
def test_risk_falls_only_if_debt_and_leverage_fall_and_health_rises(before, after, falls):
    plan, _ = reduce()

    assert lowering.lowers(plan, Rehearsal(before, (after,), ())) is falls


def test_posting_collateral_that_does_not_count_is_no_lower_risk_once_health_falls():
    plan, _ = reduce()
    supply = Step(StepKind.SINGLE, (Supply("aave", Amount(WETH, 1)),), health_min=0)
    posting = replace(plan, steps=(supply,))

    worse = Rehearsal(standing(), (standing(health=10**18 - 1),), ())
    same = Rehearsal(standing(), (standing(),), ())
    assert not lowering.lowers(posting, worse)
    assert lowering.lowers(posting, same)


def test_the_age_of_a_view_counts_since_it_was_received_and_live_since_its_block():
    seen = view()
    received = seen.stamp.received_at
    late = replace(seen, stamp=replace(seen.stamp, received_at=received + timedelta(seconds=50)))
    now = received + timedelta(seconds=60, milliseconds=1)

    assert age_s(late, now, live=False) == 11
    assert age_s(late, now, live=True) == 61


def test_a_clock_that_jumped_back_makes_a_view_old():
    seen = view()

    assert age_s(seen, datetime.fromtimestamp(NOON - 500, UTC), live=True) == 500


def test_a_market_that_is_gone_is_impossible_not_a_crash():
    plan, seen = reduce()
    gone = replace(seen, state=replace(seen.state, lending={"aave": market(reserves={})}))

    verdict = review(plan, gone, limits(), age_s=0)

    assert isinstance(verdict, Denied)
    assert Reason.IMPOSSIBLE in verdict.reasons


def test_the_worlds_of_these_tests_are_about_the_plans_position():
    assert boost()[0].position_id == mandate().position_id
