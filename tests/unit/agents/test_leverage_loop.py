"""What the loop asks for, and why it holds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import ValidationError
from tests.worlds import GWEI, NOON, USDC, WETH, at_leverage, mandate, pool, state, view

from leverd.agents.leverage_loop import AGENT, LeverageLoop, Params
from leverd.domain.decision import Hold, SetLeverage
from leverd.domain.lending import LendingAccount
from leverd.domain.position import Position
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import Gas, Record


def params(**changes):
    base = {
        "target": "2.5",
        "boost_below": "2.2",
        "repay_above": "2.8",
        "change_min": "0.1",
        "wait_s_min": 3600,
    }
    return Params.model_validate({**base, **changes})


def decide(of, *, of_params=None, **changes):
    return LeverageLoop(of_params or params()).decide(view(of, **changes))


def target_of(decision):
    assert isinstance(decision, SetLeverage), decision
    return decision.target


def test_idle_collateral_without_debt_is_opened_to_the_target():
    assert target_of(decide(state(idle=10))) == Decimal("2.5")


def test_posted_collateral_without_debt_is_opened_also_from_a_band_that_reaches_down_to_one():
    unlevered = params(boost_below="1", target="1.5", repay_above="2")

    assert target_of(decide(state(posted=10), of_params=unlevered)) == Decimal("1.5")


def test_an_opening_goes_to_the_target_and_a_boost_to_its_own():
    apart = params(boost_to="2.4", repay_to="2.6")

    assert target_of(decide(state(idle=10), of_params=apart)) == Decimal("2.5")
    assert target_of(decide(at_leverage("2"), of_params=apart)) == Decimal("2.4")
    assert target_of(decide(at_leverage("3"), of_params=apart)) == Decimal("2.6")


@pytest.mark.parametrize("leverage", ["2.21", "2.5", "2.79"])
def test_inside_its_band_it_holds(leverage):
    assert "within 2.2-2.8" in decide(at_leverage(leverage)).reason


def test_with_nothing_to_lever_it_holds():
    assert decide(state()) == Hold("leverage_loop", "no collateral to lever")


@pytest.mark.parametrize(
    ("record", "word"), [(Record(unwinding=True), "unwind"), (Record(stopped=True), "stopped")]
)
def test_told_to_stop_it_holds_whatever_the_leverage(record, word):
    decision = decide(at_leverage("4"), record=record)

    assert isinstance(decision, Hold)
    assert word in decision.reason


def test_too_small_a_change_is_not_made():
    close = params(boost_to="2.25", change_min="0.1", boost_below="2.2")

    assert "below 0.1" in decide(at_leverage("2.19"), of_params=close).reason


def test_it_waits_after_its_last_action_in_chain_time():
    early, due = Record(last_action_at=NOON - 3599), Record(last_action_at=NOON - 3600)

    assert decide(at_leverage("2"), record=early).reason.startswith("waits 1 s")
    assert isinstance(decide(at_leverage("2"), record=due), SetLeverage)


def test_gas_that_eats_the_move_holds_it_back():
    dear = Gas(300 * GWEI, GWEI, 3000 * 10**8, 10**19)

    decision = decide(at_leverage("2"), gas=dear)

    assert isinstance(decision, Hold)
    assert "of what it moves" in decision.reason


def test_single_steps_are_reckoned_with_the_gas_of_all_of_them():
    gas = Gas(50 * GWEI, GWEI, 3000 * 10**8, 10**19)

    assert isinstance(decide(at_leverage("2"), gas=gas), SetLeverage)
    assert isinstance(decide(at_leverage("2"), gas=gas, atomic=False), Hold)


def test_a_thin_pool_holds_it_back():
    thin = replace(at_leverage("3"), pools={"weth-usdc": pool(depth=10**15)})

    assert isinstance(decide(thin), Hold)


def test_a_pool_that_cannot_fill_it_holds_it_back():
    shallow = pool(depth=10**15)
    empty = replace(shallow, window=(shallow.tick - 1, shallow.tick + 1))
    stuck = replace(at_leverage("3"), pools={"weth-usdc": empty})

    assert "cannot fill" in decide(stuck).reason


def test_too_small_a_saving_holds_it_back():
    greedy = params(profit_usd_min="1000")

    assert "saves less" in decide(at_leverage("2"), of_params=greedy).reason


def test_below_its_health_floor_it_repays_at_any_cost_at_once():
    guarded = params(health_floor="1.2")
    dear = Gas(3000 * GWEI, GWEI, 3000 * 10**8, 10**19)

    decision = decide(
        at_leverage("3.5"), of_params=guarded, gas=dear, record=Record(last_action_at=NOON)
    )

    assert decision == SetLeverage(
        "leverage_loop", Decimal("2.5"), "health 1.1620 is below 1.2", urgent=True
    )


def test_a_floor_that_its_own_target_breaks_is_kept_by_going_lower():
    contrary = params(health_floor="1.5")

    decision = decide(at_leverage("2.5"), of_params=contrary)

    assert isinstance(decision, SetLeverage)
    assert decision.target < Decimal("2.24")


def test_a_floor_that_no_leverage_breaks_still_goes_to_repay_to():
    contrary = params(health_floor="0.8")

    assert target_of(decide(state(posted=10, debt=29_999, idle_debt=0), of_params=contrary))


def test_without_equity_it_asks_for_no_leverage_at_once():
    decision = decide(state(posted=10, debt=30_001))

    assert decision == SetLeverage("leverage_loop", Decimal(1), "no equity is left", urgent=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"boost_below": "2.6"},
        {"repay_above": "2.4"},
        {"boost_to": "2.1"},
        {"boost_to": "2.9"},
        {"repay_to": "2.1"},
        {"repay_to": "2.9"},
        {"boost_below": "2.5", "repay_above": "2.5"},
        {"boost_below": "2.6", "boost_to": "2.7", "repay_to": "2.7", "repay_above": "2.8"},
        {"target": "1"},
        {"unknown": "1"},
    ],
)
def test_parameters_out_of_order_are_refused(changes):
    with pytest.raises(ValidationError):
        params(**changes)


def test_its_envelope_says_the_most_it_may_ask_for():
    envelope = AGENT.envelope(params(boost_to="2.6", health_floor="1.2"))

    assert envelope is not None
    assert (envelope.leverage_target, envelope.band_low, envelope.band_high) == (
        Decimal("2.6"),
        Decimal("2.2"),
        Decimal("2.8"),
    )
    assert (envelope.health_floor, envelope.wait_s_min) == (Decimal("1.2"), 3600)
    assert AGENT.make(params()).name == AGENT.name == "leverage_loop"


def quiet(of, *, of_params=None, **changes):
    return LeverageLoop(of_params or params()).quiet(view(of, **changes))


def test_it_promises_silence_for_good_when_told_to_stop_or_with_nothing_to_do():
    assert quiet(at_leverage("4"), record=Record(unwinding=True)) == Quiet()
    assert quiet(state()) == Quiet()


def test_inside_its_band_it_promises_the_health_of_the_band():
    promise = quiet(at_leverage("2.5"))

    assert promise is not None
    assert promise.health.above == pytest.approx(129111 * 10**13, rel=1e-4)
    assert promise.health.below == pytest.approx(152166 * 10**13, rel=1e-4)


def test_a_band_that_reaches_down_to_one_has_no_upper_health():
    low = params(boost_below="1", target="1.5", repay_above="2")

    promise = quiet(at_leverage("1.5"), of_params=low)

    assert promise is not None
    assert promise.health.below is None


def test_while_it_waits_it_promises_silence_until_then():
    promise = quiet(at_leverage("2"), record=Record(last_action_at=NOON - 100))

    assert promise is not None
    assert promise.time == Band(below=NOON + 3500)


@pytest.mark.parametrize(
    "of",
    [
        at_leverage("2"),  # wants to boost
        state(idle=10),  # wants to open
        at_leverage("2.5", equity=Decimal("0.001")),  # rounding is too large a share
        replace(at_leverage("2.5"), position=None),
    ],
)
def test_it_promises_nothing_it_cannot_be_sure_of(of):
    if of.position is None:  # a second debt, of the collateral itself
        loan = LendingAccount(
            {WETH: 25 * 10**18}, {USDC: 40_000 * 10**6, WETH: 10**18}, frozenset({WETH})
        )
        of = replace(of, position=Position(mandate(), {"aave": loan}))

    assert quiet(of) is None
    waiting = quiet(of, record=Record(last_action_at=NOON - 7200))
    assert waiting is None


def test_below_its_floor_it_promises_nothing_while_it_waits():
    floored = params(health_floor="1.2")

    assert quiet(at_leverage("3.5"), of_params=floored, record=Record(last_action_at=NOON)) is None
