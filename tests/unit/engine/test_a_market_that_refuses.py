"""Lowering goes on as far as the market pays out, and whole where it takes no part."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import short_worlds, worlds
from tests.limits import TIMING, limits
from tests.worlds import GWEI, NOON, USDC, WETH, view

from leverd.agents.guardian import Guardian, Params
from leverd.domain import loans
from leverd.domain.apply import apply_step, modelled_fills, worst_fills
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.events import AlertRaised
from leverd.domain.lending import LendingAccount
from leverd.domain.money import Asset
from leverd.domain.plan import BuyExact, Repay, StepKind, Swap, Withdraw
from leverd.domain.position import Position
from leverd.domain.severity import Severity, severity_of
from leverd.domain.view import Gas, Record, TradingState
from leverd.engine import diary, planner
from leverd.engine.book import Page
from leverd.engine.turn import Seat, terms_of, turn
from leverd.engine.watchman import FROZEN, ONLY_CLOSE, Watchman
from leverd.risk.frost import frozen
from leverd.risk.gate import Approved, Denied
from leverd.risk.only_close import only_close

GUARD = (Seat(Guardian(Params(target=Decimal("2.2"), band_high=Decimal("2.5"))), guards=True),)
DUST = Asset("DUST", 18)
WORLDS = {
    "long": worlds.state(posted=25, debt=52_500),
    "short": short_worlds.short(posted=60_000, debt=Decimal("13.5")),
}


def asked(of, *, unwinds=False, **changes):
    seen = view(of, **changes)
    if unwinds:
        seen = replace(seen, record=replace(seen.record, unwinding=True, unwinds_now=True))
    return turn(seen, GUARD, limits(), TIMING, age_s=0)


def with_reserve(of, asset, **changes):
    reserve = replace(of.market.reserves[asset], **changes)
    market = replace(of.market, reserves={**of.market.reserves, asset: reserve})
    return replace(of, lending={"aave": market})


def leaving(of, share):
    """Lend the collateral out, but for `share` of what is posted."""
    asset = of.position.mandate.collateral
    posted = loans.supplied(of.market, of.position.loan, asset, NOON)
    return with_reserve(of, asset, available=int(posted * Decimal(share)))


def after(found, fills=worst_fills):
    state = found.view.state
    for step in found.plan.steps:
        state = apply_step(state, step, fills(state, step, state.at))
    return state


def health(state):
    return loans.summarise(state.market, state.position.loan, state.at).health


def withdrawn(found):
    return sum(each.amount.raw for each in found.plan.actions if isinstance(each, Withdraw))


@pytest.mark.parametrize("share", ["0.01", "0.3", "0.99"])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("how", [{"atomic": True}, {"atomic": False},
                                 {"atomic": False, "plain": True}])  # fmt: skip
@pytest.mark.parametrize("unwinds", [False, True])
def test_what_the_collaterals_reserve_can_pay_out_is_used(share, world, how, unwinds):
    of = leaving(WORLDS[world], share)
    found = asked(of, unwinds=unwinds, **how)
    assert isinstance(found.verdict, Approved)
    assert withdrawn(found) > 0
    assert health(after(found)) > health(of)
    if how["atomic"]:
        assert withdrawn(found) <= of.market.reserves[of.position.mandate.collateral].available


@pytest.mark.parametrize("share", ["0.8", "0.9"])
def test_a_debt_that_what_is_there_pays_off_is_paid_off_though_not_all_comes_back(share):
    of = leaving(worlds.state(posted=25, debt=52_500), share)
    found = asked(of, unwinds=True)
    assert [step.kind for step in found.plan.steps] == [StepKind.LOWER]
    ended = after(found)
    assert not ended.position.loan.debts
    # What is bought beyond the debt is the slippage that was allowed for, and no more.
    bought = after(found, modelled_fills).position.idle[USDC]
    assert 0 < bought < 52_500 * 10**6 // 18


def test_a_way_out_in_rounds_leaves_behind_what_does_not_come_back():
    of = leaving(worlds.state(posted=25, debt=30_000), "0.6")
    found = asked(of, unwinds=True, atomic=False)
    assert isinstance(found.verdict, Approved)
    ended = after(found)
    assert not ended.position.loan.debts
    assert loans.supplied(ended.market, ended.position.loan, WETH, ended.at) > 0


def test_without_debt_what_is_there_is_taken_out_and_the_rest_later():
    of = leaving(worlds.state(posted=5), "0.4")
    (step,) = asked(of, unwinds=True).plan.steps
    (action,) = step.actions
    assert (action.amount.raw, action.everything) == (2 * WETH.unit, False)
    (step,) = asked(leaving(of, 1), unwinds=True).plan.steps
    assert step.actions[0].everything


@pytest.mark.parametrize("world", WORLDS)
def test_where_all_is_there_a_way_out_is_one_close(world):
    """The liveness twin."""
    found = asked(WORLDS[world], unwinds=True)
    assert [step.kind for step in found.plan.steps] == [StepKind.CLOSE]
    assert isinstance(found.verdict, Approved)


@pytest.mark.parametrize("price", ["2400", "2500", "2530"])
def test_below_health_one_a_way_out_through_a_poor_reserve_is_repays_it_all(price):
    """Nothing may be withdrawn first there; a flash sale repays before it withdraws."""
    of = leaving(worlds.state(price=price, posted=25, debt=52_600), "0.97")
    found = asked(of, unwinds=True)
    assert health(of) < 10**18
    assert isinstance(found.verdict, Approved)
    assert not after(found).position.loan.debts


def test_idle_debt_asset_pays_first_where_the_pool_cannot_give_the_whole_debt():
    of = worlds.state(posted=40, debt=50_000, idle_debt=30_000)
    thin = of.with_pool(worlds.pool(3000, depth=10**17))
    seen = view(thin)
    terms = replace(terms_of(seen, limits(), TIMING), impact_max=Decimal("0.005"))
    made = planner.plan(Unwind("owner", "asked"), seen, terms)
    assert [step.kind for step in made.steps] == [StepKind.LOWER]
    assert not after(planned(seen, made)).position.loan.debts
    terms = replace(terms, impact_max=Decimal("0.000001"))
    made = planner.plan(Unwind("owner", "asked"), seen, terms)
    assert any(isinstance(action, Repay) for action in made.actions)


def test_an_idle_debt_asset_that_covers_all_of_the_debt_is_simply_repaid():
    of = worlds.state(posted=40, debt=50_000, idle_debt=60_000)
    thin = of.with_pool(worlds.pool(3000, depth=10**16))
    made = planner.plan(
        Unwind("owner", "asked"), view(thin), terms_of(view(thin), limits(), TIMING)
    )
    assert [type(action) for action in made.actions] == [Repay]


def planned(seen, made):
    return type("Found", (), {"view": seen, "plan": made})


def dusty(of, *, ltv=0):
    """Add a collateral of almost nothing that may not be borrowed against any more."""
    base = of.market.reserves[USDC]
    params = replace(base.params, ltv=ltv)
    reserve = replace(base, asset=DUST, reserve_id=7, params=params)
    loan = of.position.loan
    held = LendingAccount(
        {**loan.supplies, DUST: 10**12}, loan.debts, loan.collaterals | {DUST}, loan.emode
    )
    market = replace(of.market, reserves={**of.market.reserves, DUST: reserve})
    position = Position(of.position.mandate, {"aave": held}, of.position.idle)
    return replace(of, lending={"aave": market}, position=position)


@pytest.mark.parametrize("world", WORLDS)
def test_beside_a_collateral_without_loan_to_value_an_urgent_lowering_closes(world):
    found = asked(dusty(WORLDS[world]))
    assert isinstance(found.verdict, Approved)
    assert [step.kind for step in found.plan.steps] == [StepKind.CLOSE]
    assert not after(found).position.loan.debts


@pytest.mark.parametrize("world", WORLDS)
def test_beside_any_other_collateral_it_lowers_as_ever(world):
    """The liveness twin."""
    found = asked(dusty(WORLDS[world], ltv=7500))
    assert isinstance(found.verdict, Approved)
    assert [step.kind for step in found.plan.steps] == [StepKind.LOWER]


def test_a_calm_rebalance_does_not_close_a_position_for_dust():
    seen = view(dusty(worlds.at_leverage("3")))
    terms = terms_of(seen, limits(), TIMING)
    made = planner.plan(SetLeverage("loop", Decimal(2), "drift"), seen, terms)
    assert made is None or StepKind.CLOSE not in {step.kind for step in made.steps}


def test_in_rounds_such_dust_still_lets_what_is_idle_pay():
    of = dusty(worlds.state(posted=25, debt=52_500, idle=2, idle_debt=1_000))
    found = asked(of, atomic=False)
    assert isinstance(found.verdict, Approved)
    assert health(after(found)) > health(of)
    assert not any(isinstance(action, BuyExact | Withdraw) for action in found.plan.actions)


def test_such_dust_is_said_once_with_what_the_owner_can_do():
    told = Told()
    watchman = Watchman(told)
    for of in (WORLDS["long"], dusty(WORLDS["long"]), dusty(WORLDS["long"])):
        watchman.watched("loop", view(of), limits(), Page(), ())
    (said,) = [alert for alert in told.heard if alert.code == ONLY_CLOSE]
    assert "DUST" in said.message
    assert "Withdraw it" in said.message
    assert only_close(view(dusty(worlds.state(posted=5)))) == ""


def test_a_reserve_that_holds_less_than_is_posted_is_said():
    told = Told()
    Watchman(told).watched("loop", view(leaving(WORLDS["long"], "0.5")), limits(), Page(), ())
    (said,) = [alert for alert in told.heard if alert.code == FROZEN]
    assert "less can be withdrawn than is posted" in said.message
    assert frozen(view(leaving(WORLDS["long"], "1"))) == ""


class Told:
    def __init__(self):
        self.heard: list[AlertRaised] = []

    def notify(self, alert):
        self.heard.append(alert)


def written(*outcomes):
    book, cries = diary.Diary(), []
    for outcome in outcomes:
        book, events = diary.write(book, outcome)
        cries.append([event for event in events if isinstance(event, AlertRaised)])
    return cries


def paused(of):
    reserve = of.market.reserves[WETH]
    return with_reserve(of, WETH, params=replace(reserve.params, paused=True))


def test_what_is_urgent_and_denied_twice_running_is_cried_once():
    no, well = asked(paused(WORLDS["long"])), asked(WORLDS["long"])
    assert isinstance(no.verdict, Denied)
    cries = written(no, no, no, well, no, no)
    assert [len(each) for each in cries] == [0, 1, 0, 0, 0, 1]
    assert "impossible" in cries[1][0].message
    assert cries[1][0].code == diary.STUCK
    assert severity_of(diary.STUCK) is Severity.CRITICAL


def test_what_is_urgent_and_has_no_plan_is_cried_too():
    stuck = asked(with_reserve(WORLDS["long"], WETH, available=0))
    assert stuck.plan is None
    (_, (cry,)) = written(stuck, stuck)
    assert "there is no plan for it" in cry.message


def halted(of, **changes):
    return asked(of, record=Record(trading_state=TradingState.HALTED), **changes)


def test_who_halted_a_position_is_told_once_that_it_has_to_be_lowered_now():
    no = halted(WORLDS["long"])
    assert isinstance(no.decision, Hold)
    cries = written(no, no, no, halted(worlds.at_leverage("2.2")), no, no)
    assert [len(each) for each in cries] == [0, 1, 0, 0, 0, 1]
    assert cries[1][0].code == diary.STUCK
    assert "is below" in cries[1][0].message
    assert "leverd resume" in cries[1][0].message


def test_where_only_closing_works_and_it_is_halted_the_owner_hears_of_both():
    told = Told()
    seen = view(dusty(WORLDS["long"]), record=Record(trading_state=TradingState.HALTED))
    Watchman(told).watched("loop", seen, limits(), Page(), ())
    assert ONLY_CLOSE in {alert.code for alert in told.heard}
    no = halted(dusty(WORLDS["long"]))
    (_, (cry,)) = written(no, no)
    assert cry.code == diary.STUCK


def test_a_limit_that_the_position_breaks_is_told_of_too_while_it_is_halted():
    """Above the guardian's trigger, and below the least health that limits allow."""
    unsafe = turn(
        view(WORLDS["long"], record=Record(trading_state=TradingState.HALTED)),
        (),
        limits(health_min=Decimal("1.3")),
        TIMING,
        age_s=0,
    )
    (_, (cry,)) = written(unsafe, unsafe)
    assert "health is below" in cry.message


def test_a_halt_of_what_was_stuck_and_a_resume_are_told_with_their_own_reasons():
    denied, held = asked(paused(WORLDS["long"])), halted(paused(WORLDS["long"]))
    cries = written(denied, denied, held, held, held, denied, denied)
    assert [len(each) for each in cries] == [0, 1, 0, 1, 0, 0, 1]
    assert "impossible" in cries[1][0].message
    assert "halted" in cries[3][0].message
    assert "impossible" in cries[6][0].message


def test_a_halted_position_without_debt_or_need_is_not_cried():
    for found in (halted(worlds.at_leverage("2.2")), halted(worlds.state(idle=5))):
        assert written(found, found, found) == [[], [], []]


def test_what_is_urgent_and_approved_and_not_worth_its_gas_is_cried_with_both_prices():
    """Execution waits then, for as long as blocks are as dear: approved is not sent."""
    dear = Gas(10_000_000 * GWEI, GWEI, 3_000 * 10**8, 10**24)
    found = asked(WORLDS["long"], gas=dear)
    assert isinstance(found.verdict, Approved)
    (_, (cry,)) = written(found, found)
    assert cry.code == diary.STUCK
    assert f"blocks ask {dear.base_fee} wei per gas" in cry.message
    assert f"it is worth {found.verdict.gas_price_cap}" in cry.message


def test_what_is_calm_or_approved_or_owes_nothing_is_not_cried():
    calm = asked(worlds.at_leverage("2.2"))
    assert isinstance(calm.decision, Hold)
    done = asked(worlds.state(idle=5), unwinds=True)
    assert done.plan is None
    for found in (calm, done, asked(WORLDS["long"])):
        assert written(found, found, found) == [[], [], []]


def test_a_plan_in_the_way_of_a_rescue_is_a_swap_and_nothing_else():
    """An ordinary rescue sells part, as it always did."""
    found = asked(WORLDS["long"])
    assert sum(isinstance(action, Swap) for action in found.plan.actions) == 1
    assert [step.kind for step in found.plan.steps] == [StepKind.LOWER]
