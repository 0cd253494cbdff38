"""A limit is the last value that may be: exactly there a plan passes, one step on it does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.limits import TIMING, limits
from tests.worlds import GWEI, NOON, USDC, at_leverage, market, state, view

from leverd.domain.decision import SetLeverage
from leverd.domain.fixed_point import WAD
from leverd.domain.gas_use import steps_gas
from leverd.domain.money import USD
from leverd.domain.plan import PlanCost
from leverd.domain.view import Gas, Portfolio, Record
from leverd.engine import planner
from leverd.engine.turn import terms_of
from leverd.risk import raising
from leverd.risk.gate import Pending, Reason
from leverd.risk.raising import reserve_wei
from leverd.risk.rehearsal import Rehearsal, Standing

SAFE = Standing(at_leverage("2"), 100 * USD.unit, 200 * USD.unit, 100 * USD.unit, 2 * WAD)
SEEN = view(at_leverage("2"))
PLAN = planner.plan(
    SetLeverage("agent", Decimal("2.5"), "test"), SEEN, terms_of(SEEN, limits(), TIMING)
)
assert PLAN is not None
FREE = replace(PLAN, cost=PlanCost(0, 0, 0, 0))
USED = steps_gas(PLAN.steps) * 21 * GWEI


def found(*, plan=FREE, seen=SEEN, under=None, before=SAFE, after=SAFE, age=0, pending=None):
    played = Rehearsal(before, (after,), ())
    asked = pending or Pending()
    return raising.reasons(plan, seen, under or limits(), played, age, asked)


def test_what_keeps_well_within_every_limit_passes():
    assert found() == ()


@pytest.mark.parametrize(
    ("changes", "beyond", "reason"),
    [
        ({"exposure": 400 * USD.unit}, {"exposure": 400 * USD.unit + 1}, Reason.LEVERAGE_TOO_HIGH),
        (
            {"exposure": 10**6 * USD.unit, "equity": 10**6 * USD.unit},
            {"exposure": 10**6 * USD.unit + 1, "equity": 10**6 * USD.unit},
            Reason.POSITION_TOO_LARGE,
        ),
        ({"health": 115 * 10**16}, {"health": 115 * 10**16 - 1}, Reason.HEALTH_TOO_LOW),
        ({"equity": 50 * USD.unit}, {"equity": 0}, Reason.LEVERAGE_TOO_HIGH),
    ],
)
def test_where_a_plan_may_end(changes, beyond, reason):
    assert found(after=replace(SAFE, **changes)) == ()
    assert found(after=replace(SAFE, **beyond)) == (reason,)


def test_the_shock_may_leave_a_health_of_exactly_one():
    """20 WETH at 3,000 less a tenth with threshold 0.83, in dollars, cover 44,820 exactly."""
    full = replace(SAFE, state=state(posted=20, debt=44_820))
    over = replace(SAFE, state=state(posted=20, debt=Decimal("44820.000001")))

    assert found(after=full) == ()
    assert found(after=over) == (Reason.FAILS_SHOCK,)


def test_steps_that_borrow_must_hold_the_floor_of_the_limits_on_chain_and_others_need_none():
    (step,) = PLAN.steps
    loose = replace(FREE, steps=(replace(step, health_min=115 * 10**16 - 1),))
    exact = replace(FREE, steps=(replace(step, health_min=115 * 10**16),))

    assert found(plan=exact) == ()
    assert found(plan=loose) == (Reason.NO_CHAIN_FLOOR,)


@pytest.mark.parametrize(
    ("exact", "beyond", "reason"),
    [
        ({"sources_agree": 1}, {"sources_agree": 0}, Reason.TOO_FEW_SOURCES),
        (
            {"gas": Gas(99 * GWEI, GWEI, 3000 * 10**8, 10**19)},
            {"gas": Gas(99 * GWEI, GWEI + 1, 3000 * 10**8, 10**19)},
            Reason.GAS_PRICE,
        ),
        (
            {"gas": Gas(20 * GWEI, GWEI, 1, USED + reserve_wei(SEEN, limits()))},
            {"gas": Gas(20 * GWEI, GWEI, 1, USED + reserve_wei(SEEN, limits()) - 1)},
            Reason.GAS_RESERVE,
        ),
        (
            {"portfolio": Portfolio(trades_today=19)},
            {"portfolio": Portfolio(trades_today=20)},
            Reason.TRADES_DAY,
        ),
        (
            {"portfolio": Portfolio(gas_today=5 * 10**17 - USED)},
            {"portfolio": Portfolio(gas_today=5 * 10**17 - USED + 1)},
            Reason.GAS_DAY,
        ),
        (
            {"portfolio": Portfolio(gas_today=10**18 - USED, guardian_gas_today=6 * 10**17)},
            {"portfolio": Portfolio(gas_today=10**18 - USED + 1, guardian_gas_today=6 * 10**17)},
            Reason.GAS_DAY,
        ),
        (
            {"record": Record(last_loss_at=NOON - 3_600)},
            {"record": Record(last_loss_at=NOON - 3_599)},
            Reason.COOLDOWN,
        ),
    ],
)
def test_what_a_view_may_show(exact, beyond, reason):
    assert found(seen=replace(SEEN, **exact)) == ()
    assert found(seen=replace(SEEN, **beyond)) == (reason,)


def test_pending_gas_and_trades_count_to_the_last_wei_and_plan():
    left = 5 * 10**17 - USED

    assert found(pending=Pending(gas=left, trades=19)) == ()
    assert found(pending=Pending(gas=left + 1)) == (Reason.GAS_DAY,)
    assert found(pending=Pending(gas=left + 7, guardian_gas=7)) == ()
    assert found(pending=Pending(gas=left + 7, guardian_gas=6)) == (Reason.GAS_DAY,)
    assert found(pending=Pending(trades=20)) == (Reason.TRADES_DAY,)


def test_an_opening_may_take_the_last_place():
    opening = replace(SAFE, debt=0)

    assert found(before=opening, seen=replace(SEEN, portfolio=Portfolio(active_positions=2))) == ()
    full = replace(SEEN, portfolio=Portfolio(active_positions=3))
    assert found(before=opening, seen=full) == (Reason.TOO_MANY_POSITIONS,)
    assert found(before=replace(SAFE, debt=1), seen=full) == ()


@pytest.mark.parametrize("skew", [120, -120])
def test_a_view_may_be_as_old_as_the_limit_or_of_two_times_as_far_apart(skew):
    apart = replace(SEEN, state=replace(SEEN.state, at=NOON + skew))
    further = replace(SEEN, state=replace(SEEN.state, at=NOON + skew + skew // 120))

    assert found(age=120) == ()
    assert found(seen=apart) == ()
    assert found(age=121) == (Reason.STALE_VIEW,)
    assert found(seen=further) == (Reason.STALE_VIEW,)


def test_costs_may_take_exactly_their_share_and_leave_exactly_the_least_profit():
    def costing(total):
        return replace(FREE, cost=PlanCost(total, 0, 0, 1000 * USD.unit))

    paying = limits(profit_usd_min=Decimal(4))
    assert found(plan=costing(10 * USD.unit)) == ()
    over = (Reason.COST_SHARE, Reason.PROFIT_TOO_SMALL)
    assert found(plan=costing(10 * USD.unit + 1)) == over
    assert found(plan=costing(6 * USD.unit), under=paying) == ()
    assert found(plan=costing(6 * USD.unit + 1), under=paying) == (Reason.PROFIT_TOO_SMALL,)


def test_the_market_may_be_as_far_from_its_oracle_as_the_limit():
    apart = view(replace(SEEN.state, lending={"aave": market(2950)}))
    gap = raising.oracle_gap(apart)
    assert 0 < gap < 1

    assert found(seen=apart, under=limits(oracle_gap_max=gap)) == ()
    less = limits(oracle_gap_max=gap - Decimal("1e-27"))
    assert found(seen=apart, under=less) == (Reason.ORACLE_GAP,)


def test_the_gap_is_a_share_of_what_the_oracle_says_the_collateral_is_worth_in_debt():
    for oracle, debt in ((2950, 1), (3050, 1), (1475, Decimal("0.5"))):
        priced = market(oracle)
        owed = replace(priced.reserves[USDC], price=int(debt * USD.unit))
        priced = replace(priced, reserves={**priced.reserves, USDC: owed})
        apart = view(replace(SEEN.state, lending={"aave": priced}))

        away = abs(3000 * debt - oracle) / Decimal(oracle)  # the pool stands at 3,000
        assert raising.oracle_gap(apart) == pytest.approx(away, rel=Decimal("1e-6"))
