"""What is remembered of a market: a fold, in which no rounding is ever a profit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import values_of
from tests.predictions import DAY

from leverd.domain.atto import atto, atto_down, atto_up, down, of_atto, up
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import Spot, fold_spot, resumed
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotDecided,
    SpotEvent,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.errors import ImpossibleError

AT = 20 * DAY + 100


def planned(side="buy", *, opens=False):
    purpose = "enter" if side == "buy" else "exit"
    return SpotOrderPlanned("spot", "0x1", "me", side, purpose, 20 * WAD, WAD, "r", opens)


def signed(slot=7, purpose="place"):
    return SpotAttemptSigned("spot", "lv1", slot, "AB", "00", 50, purpose)


def settled(filled=1, notional=20, fee=0, *, standing="closed", block=9):
    money = [int(Decimal(str(each)) * WAD) for each in (filled, notional, fee)]
    return SpotOrderSettled("spot", "lv1", standing, *money, block, "")


def folded(*events, spot=None, at=AT):
    spot = spot or Spot()
    for event in events:
        spot = fold_spot(spot, event, at)
    return spot


def test_what_is_bought_costs_its_fee_and_what_is_sold_gains_the_difference():
    bought = folded(planned(opens=True), signed(), settled(2, 40, "0.04"))
    assert (bought.base, bought.cost) == (2 * WAD, atto(Decimal("40.04")))
    assert (bought.entries, bought.entered_at, bought.traded_at) == (1, AT, AT)
    assert bought.average == atto(Decimal("20.02"))
    half = folded(planned("sell"), signed(8), settled(1, 22, "0.02"), spot=bought, at=AT + 9)
    assert half.realised == atto(Decimal("1.96"))
    assert half.fees == atto(Decimal("0.06"))
    assert (half.base, half.cost, half.entries) == (WAD, atto(Decimal("20.02")), 1)
    assert half.entered_at == AT
    gone = folded(planned("sell"), signed(9), settled(1, 18, "0.02"), spot=half)
    assert gone.realised == -atto(Decimal("0.08"))
    assert (gone.base, gone.cost, gone.entries, gone.entered_at, gone.average) == (0, 0, 0, 0, 0)


def test_no_rounding_of_a_sale_or_an_average_is_a_profit():
    held = Spot(base=3, cost=10, entries=1)
    assert Spot(base=3 * WAD, cost=10, entries=1).average == 4  # 10 / 3, up
    sold = SpotOrderSettled("spot", "lv1", "closed", 1, 5, 0, 9, "")
    after = folded(planned("sell"), signed(), sold, spot=held)
    assert (after.cost, after.realised, after.base) == (6, 1, 2)  # a third of 10, up, was spent
    assert Spot(base=3, cost=0).profit(WAD // 2, 0) == 1  # 1.5, down
    assert Spot(base=3, cost=0).profit(WAD, WAD // 2) == 1  # a fee of 1.5, up


def test_what_was_never_held_cost_nothing():
    sold = SpotOrderSettled("spot", "lv1", "closed", 7, 5, 1, 9, "")
    after = folded(planned("sell"), signed(), sold, spot=Spot(cost=4))
    assert (after.base, after.cost, after.realised) == (0, 4, 4)


def test_a_second_purchase_keeps_the_first_ones_time_and_one_over_dust_begins_anew():
    one = folded(planned(opens=True), signed(), settled())
    two = folded(planned(), signed(8), settled(), spot=one, at=AT + 60)
    assert (two.entries, two.entered_at) == (2, AT)
    anew = folded(planned(opens=True), signed(8), settled(), spot=two, at=AT + 90)
    assert (anew.entries, anew.entered_at, anew.base) == (1, AT + 90, 3 * WAD)


def test_orders_are_counted_by_the_day_and_a_new_day_begins_at_nothing():
    spot = folded(planned(), signed(), signed(8, "cancel"), settled(0), planned(), signed(9))
    assert (spot.trades_today(AT), spot.trades_today(AT + DAY)) == (2, 0)
    assert folded(settled(0), planned(), signed(10), spot=spot, at=AT + DAY).trades_today(
        AT + DAY) == 1  # fmt: skip


def test_what_traded_nothing_is_tried_again_ever_later():
    spot = Spot()
    assert spot.may_try_at() == 0
    waits = []
    for _ in range(9):
        spot = folded(planned(), signed(), settled(0, 0), spot=spot)
        waits.append(spot.may_try_at() - AT)
    assert waits == [2, 4, 8, 16, 32, 64, 64, 64, 64]
    assert folded(planned(), signed(), settled(), spot=spot).may_try_at() == 0


def test_only_what_was_never_included_leaves_its_slot():
    assert folded(planned(), signed(7), settled(block=9)).slots == 8
    assert folded(planned(), signed(7), settled(block=0)).slots == 8
    assert folded(planned(), signed(7), settled(0, standing="lost", block=0)).slots == 8
    assert folded(planned(), signed(7), signed(8, "cancel"), settled(block=9)).slots == 8
    assert folded(planned(), signed(7), settled(0, standing="never", block=0)).slots == 0
    assert folded(planned(), settled(0, standing="unsigned", block=0)).slots == 0


def test_each_account_counts_its_own_slots():
    spot = folded(planned(), signed(70), settled(), planned("sell"), signed(71), settled())
    assert folded(planned(), spot=spot).slots == 72
    assert folded(replace(planned(), account="you"), spot=spot).slots == 0


def test_an_order_is_in_flight_from_its_plan_until_it_is_settled():
    spot = folded(planned())
    assert spot.order.placed is None
    spot = folded(signed(), SpotAttemptSent("spot", "lv1", "AB", ""), spot=spot)
    assert (spot.order.placed, spot.order.cancel) == (signed(), None)
    spot = folded(signed(8, "cancel"), spot=spot)
    assert (spot.order.placed, spot.order.cancel) == (signed(), signed(8, "cancel"))
    assert folded(settled(0), spot=spot).order is None


def test_a_resume_lifts_a_stop_and_looks_for_a_peak_anew():
    mark = SpotMarked("spot", 1, 0, 0, 0, 3, 9, AT)
    spot = folded(mark)
    assert (spot.peak, spot.marked) == (9, mark)
    assert resumed(spot) == spot
    stopped = folded(SpotStopped("spot", "portfolio_stop", "r"), spot=spot)
    assert stopped.stopped.why == "portfolio_stop"
    assert (resumed(stopped).stopped, resumed(stopped).peak) == (None, None)


def test_a_lost_order_and_a_portfolio_stop_are_both_remembered_whichever_came_first():
    lost, stop = SpotStopped("spot", "lost", "l"), SpotStopped("spot", "portfolio_stop", "p")
    for events in ((lost, stop), (stop, lost)):
        spot = folded(*events)
        assert (spot.stop("lost"), spot.stop("portfolio_stop")) == (lost, stop)
        assert spot.stopped == lost  # it holds back more
        assert resumed(spot).stops == ()
    again = replace(stop, reason="q")
    assert folded(lost, stop, again).stops == (lost, again)
    assert Spot().stopped is None


def test_the_last_decision_is_remembered():
    said = SpotDecided("spot", "a", "stay", "c", "r", 1, 2)
    assert folded(said).decided == said


def test_profit_is_what_selling_the_rest_would_leave():
    spot = Spot(base=2 * WAD, cost=40 * WAD, realised=5 * WAD)
    assert spot.profit(21 * WAD, WAD // 1000) == atto(Decimal("6.958"))
    assert replace(spot, base=0, cost=0).profit(1, WAD) == 5 * WAD


AMOUNT = st.integers(1, 10**24)


@given(st.lists(st.tuples(st.booleans(), AMOUNT, st.integers(0, 10**24), st.integers(0, 10**20))))
def test_no_sum_of_roundings_is_a_profit(trades):
    """Cash in and out, and nothing else, is what the fold says was gained."""
    spot, cash = Spot(), 0
    for buys, filled, notional, fee in trades:
        taken = filled if buys else min(filled, spot.base)
        if not taken:
            continue
        told = SpotOrderSettled("spot", "lv1", "closed", taken, notional, fee, 1, "")
        spot = folded(planned("buy" if buys else "sell"), signed(), told, spot=spot)
        cash += -notional - fee if buys else notional - fee
        assert spot.realised - spot.cost == cash
        assert spot.base >= 0
        assert spot.cost >= 0
        assert not (spot.base == 0 and spot.cost)


@given(st.lists(values_of(SpotEvent.__args__[0]) | st.one_of(
    [values_of(kind) for kind in SpotEvent.__args__[1:]]), max_size=6))  # fmt: skip
def test_no_journal_however_damaged_makes_the_fold_fail(events):
    assert isinstance(folded(*events), Spot)


def test_what_belongs_to_no_order_changes_nothing():
    assert folded(signed(), settled()) == Spot()


@given(st.decimals(0, 10**12, places=18))
def test_numbers_come_back_as_they_were(value):
    assert of_atto(atto(value)) == value
    assert of_atto(-atto(value)) == value.copy_negate()


@given(st.fractions(0, 10**6).map(lambda each: Decimal(each.numerator) / each.denominator))
def test_what_is_finer_is_rounded_on_purpose(value):
    assert atto_down(value) <= value * WAD + 1
    assert atto_up(value) - atto_down(value) in {0, 1}
    assert down(value, Decimal("0.01")) <= value <= up(value, Decimal("0.01"))


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e-19"])
def test_what_cannot_be_written_is_refused(value):
    with pytest.raises(ImpossibleError):
        atto(Decimal(value))


def test_a_tick_of_nothing_is_none():
    with pytest.raises(ImpossibleError):
        down(Decimal(1), Decimal(0))


def test_an_order_in_flight_knows_when_it_was_planned_and_a_rebate_is_a_fee_below_nothing():
    flying = folded(planned(opens=True), signed())
    assert flying.order.planned_at == AT
    assert folded(settled(1, 20, "-0.01"), spot=flying).fees == -atto(Decimal("0.01"))
    assert folded(settled(0, 0, 0, standing="never"), spot=flying).fees == 0
