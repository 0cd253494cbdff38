"""What fires, when, and what it asks for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.order_worlds import DOLLAR, course, keeper, long_state, riding, short_state
from tests.worlds import NOON, WETH, state, view

from leverd.agents import orders
from leverd.agents.order_reading import reading_of
from leverd.agents.order_words import said
from leverd.domain import side
from leverd.domain.course import Fired
from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.events import OrderDone, OrderFired, PeakReached
from leverd.domain.orders import levels
from leverd.domain.view import Record

STOP = keeper(stop_loss={"price": "2700"})
SCALE = keeper(
    take_profit=[{"price": "3300", "share": "0.3"}, {"price": "3600", "share": "0.5"}],
)
SHORT_SCALE = keeper(
    take_profit=[{"price": "2700", "share": "0.4"}, {"price": "2400"}],
    stop_loss={"price": "3300"},
)
PENDING = Fired("take_profit at price 3300", "seen", NOON, False, False, 17 * WETH.unit, 1, 0)


def fired(agent, seen):
    return [fact for fact in agent.facts(seen) if isinstance(fact, OrderFired)]


def test_a_long_stop_holds_above_its_price_and_unwinds_at_it():
    assert isinstance(STOP.decide(riding(long_state(2701))), Hold)
    found = STOP.decide(riding(long_state(2700)))
    assert isinstance(found, Unwind)
    assert found.urgent
    assert "2700" in found.reason


def test_a_short_stop_is_above_and_its_target_below():
    assert isinstance(SHORT_SCALE.decide(riding(short_state(3299))), Hold)
    assert isinstance(SHORT_SCALE.decide(riding(short_state(3300))), Unwind)
    assert isinstance(SHORT_SCALE.decide(riding(short_state(2701))), Hold)
    sold = SHORT_SCALE.decide(riding(short_state(2700)))
    assert isinstance(sold, SetLeverage)
    # 40 % of a debt of 10 WETH is bought back: 6 stay, against 33,000 of equity.
    assert float(sold.target) == pytest.approx(1 + 6 * 2700 / 33_000)
    assert isinstance(SHORT_SCALE.decide(riding(short_state(2400))), Unwind)


def test_a_target_sells_its_share_and_keeps_the_margin_in_the_account():
    seen = riding(long_state(3300))
    found = SCALE.decide(seen)
    assert isinstance(found, SetLeverage)
    assert not found.urgent
    equity = 25 * 3300 - 45_000
    assert float(found.target) == pytest.approx(25 * 0.7 * 3300 / equity)


def test_the_first_of_two_targets_reached_at_once_goes_first():
    (fact,) = fired(SCALE, riding(long_state(3700)))
    assert fact.order == "take_profit at price 3300"
    assert not fact.closes


def test_a_share_that_leaves_no_debt_worth_keeping_closes():
    agent = keeper(take_profit=[{"price": "3300", "share": "0.6"}])
    (fact,) = fired(agent, riding(long_state(3300)))
    assert fact.closes
    assert fact.keep == 0


def test_what_fired_is_carried_out_even_if_its_trigger_no_longer_holds():
    seen = riding(long_state(3000), course=course(pending=PENDING))
    found = SCALE.decide(seen)
    assert isinstance(found, SetLeverage)
    assert float(found.target) == pytest.approx(17 * 3000 / 30_000)
    assert fired(SCALE, seen) == []


def test_a_target_is_done_only_when_the_share_is_gone_and_nothing_is_under_way():
    sold = long_state(3300, held=17, debt=18_600)
    seen = riding(sold, course=course(pending=PENDING))
    assert SCALE.facts(seen) == (OrderDone("loop", PENDING.order, 17 * WETH.unit, 100),)
    assert isinstance(SCALE.decide(seen), Hold)
    busy = replace(seen, record=replace(seen.record, open_slots=1))
    assert SCALE.facts(busy) == ()
    part = riding(long_state(3300, held=19, debt=25_200), course=course(pending=PENDING))
    assert SCALE.facts(part) == ()
    assert isinstance(SCALE.decide(part), SetLeverage)


def test_a_target_fires_once():
    known = course(done=("take_profit at price 3300",), keep=17 * WETH.unit)
    seen = riding(long_state(3400, held=17, debt=18_600), course=known)
    assert fired(SCALE, seen) == []
    assert isinstance(SCALE.decide(seen), Hold)
    (fact,) = fired(SCALE, riding(long_state(3600, held=17, debt=18_600), course=known))
    assert fact.order == "take_profit at price 3600"


def test_a_stop_goes_before_a_share_that_is_still_being_sold():
    agent = keeper(
        take_profit=[{"price": "3300", "share": "0.3"}],
        stop_loss={"price": "2700"},
    )
    seen = riding(long_state(2690), course=course(pending=PENDING))
    (fact,) = fired(agent, seen)
    assert fact.closes
    assert fact.urgent
    assert isinstance(agent.decide(seen), Unwind)


def test_equity_is_reckoned_by_units_so_that_a_deposit_is_no_gain():
    agent = keeper(
        take_profit=[{"equity_gain": "0.2"}],
        stop_loss={"equity_loss": "0.2"},
    )
    assert isinstance(agent.decide(riding(long_state(3230))), Hold)
    assert isinstance(agent.decide(riding(long_state(3240))), Unwind)  # 25 x 240 is 20 %
    assert isinstance(agent.decide(riding(long_state(2770))), Hold)
    assert isinstance(agent.decide(riding(long_state(2760))), Unwind)
    deposited = riding(long_state(3000, held=40), begun=long_state(3000, held=40))
    assert isinstance(agent.decide(deposited), Hold)


def test_equity_orders_wait_while_flows_are_not_accounted_for():
    agent = keeper(stop_loss={"equity_loss": "0.2"})
    assert isinstance(agent.decide(riding(long_state(2700), open_slots=1)), Hold)
    assert isinstance(agent.decide(riding(long_state(2700), course=course(unit=0))), Hold)
    assert isinstance(agent.decide(riding(long_state(2700), units=0)), Hold)
    assert isinstance(agent.decide(riding(long_state(2700))), Unwind)


def test_a_health_stop_fires_at_its_health():
    agent = keeper(stop_loss={"health": "1.3"})
    assert isinstance(agent.decide(riding(long_state(2820))), Hold)  # 1.3003
    assert isinstance(agent.decide(riding(long_state(2819))), Unwind)


@pytest.mark.parametrize(
    ("of", "best", "above", "at"),
    [
        ("price", {"best_price": 3500 * DOLLAR}, 3151, 3149),
        ("equity", {"best_unit": 3 * DOLLAR // 2}, 3421, 3419),  # 0.9 x 45,000
        ("health", {"best_health": 16 * 10**17}, 3124, 3121),  # 0.9 x 1.6
    ],
)
def test_a_trailing_stop_follows_the_best_down_by_its_drop(of, best, above, at):
    agent = keeper(trailing_stop={"drop": "0.1", "of": of})
    assert isinstance(agent.decide(riding(long_state(above), course=course(**best))), Hold)
    assert isinstance(agent.decide(riding(long_state(at), course=course(**best))), Unwind)


def test_a_short_trails_the_lowest_price_upwards():
    agent = keeper(trailing_stop={"drop": "0.1"})
    low = course(best_price=2500 * DOLLAR)
    assert isinstance(agent.decide(riding(short_state(2749), course=low)), Hold)
    assert isinstance(agent.decide(riding(short_state(2751), course=low)), Unwind)


@pytest.mark.parametrize(
    ("of", "best", "price"),
    [
        ("price", {"best_price": 3290 * DOLLAR}, 2800),
        ("equity", {"best_unit": 109 * DOLLAR // 100}, 2800),
    ],
)
def test_a_trailing_stop_sleeps_until_its_activation(of, best, price):
    agent = keeper(trailing_stop={"drop": "0.1", "of": of, "activation": "0.1"})
    assert isinstance(agent.decide(riding(long_state(price), course=course(**best))), Hold)
    woken = {name: value * 11 // 10 for name, value in best.items()}
    assert isinstance(agent.decide(riding(long_state(price), course=course(**woken))), Unwind)


def test_a_new_best_is_written_down_when_it_moved_a_step_and_not_before():
    agent = keeper(trailing_stop={"drop": "0.1"})
    (first,) = agent.facts(riding(long_state(3010)))
    assert first == PeakReached("loop", 3010 * DOLLAR, first.unit, first.health)
    known = course(best_price=3010 * DOLLAR)
    assert agent.facts(riding(long_state(3020), course=known)) == ()
    (second,) = agent.facts(riding(long_state(3026), course=known))  # half a percent
    assert second.price == 3026 * DOLLAR


def test_crossing_the_activation_is_worth_a_line_however_small_the_step():
    agent = keeper(trailing_stop={"drop": "0.5", "activation": "0.1"})
    known = course(best_price=3299 * DOLLAR)
    (fact,) = agent.facts(riding(long_state(3300), course=known))
    assert isinstance(fact, PeakReached)


def test_a_deadline_closes_from_its_second_on():
    agent = keeper(deadline="2023-11-14T22:13:21Z")  # a second after noon of the worlds
    assert isinstance(agent.decide(riding(long_state())), Hold)
    seen = riding(long_state())
    later = replace(seen, stamp=replace(seen.stamp, at=NOON + 1))
    found = agent.decide(later)
    assert isinstance(found, Unwind)
    assert not found.urgent


def test_without_debt_nothing_is_armed_and_nothing_is_remembered():
    seen = view(state(idle=10, price=2600))
    assert isinstance(STOP.decide(seen), Hold)
    assert STOP.facts(seen) == ()
    assert STOP.quiet(seen) is not None


def test_what_an_order_closed_is_unwound_until_nothing_is_owed():
    ended = replace(PENDING, closes=True, urgent=True)
    seen = riding(long_state(3000), ended=ended)
    assert STOP.decide(seen) == Unwind("orders", "seen", urgent=True)
    assert STOP.facts(seen) == ()
    closed = view(state(idle=10), record=Record(ended=ended))
    assert STOP.decide(closed) == Hold("orders", "nothing is owed: closed until resume")


def test_without_equity_a_share_becomes_everything():
    broke = long_state(1700)
    seen = riding(broke, course=course(pending=PENDING))
    found = SCALE.decide(seen)
    assert isinstance(found, Unwind)
    assert found.urgent


def test_what_was_sold_is_not_bought_back():
    known = course(done=(PENDING.order,), keep=17 * WETH.unit)
    seen = riding(long_state(3300, held=17, debt=18_600), course=known)
    cap = SCALE.cap(seen, Decimal("2.5"))
    assert cap is not None
    now = side.leverage_of_size(seen.state, side.size(seen.state))
    assert float(cap.leverage) == pytest.approx(float(now))
    under_way = riding(long_state(3300), course=course(pending=PENDING))
    assert SCALE.cap(under_way, Decimal("2.5")).leverage < 2


def test_profit_is_not_compounded_unless_asked():
    seen = riding(long_state(3300))  # a gain of 7,500 on 30,000
    cap = STOP.cap(seen, Decimal("2.5"))
    assert float(cap.leverage) == pytest.approx(2.5 / 1.25)
    assert keeper(compound=True).cap(seen, Decimal("2.5")) is None
    assert STOP.cap(riding(long_state(2900)), Decimal("2.5")) is None  # a loss caps nothing
    least = STOP.cap(riding(long_state(9000)), Decimal("1.5"))
    assert least.leverage == 1


@pytest.mark.parametrize("price", [2700, 3800])
def test_nothing_is_opened_that_would_be_closed_at_once(price):
    agent = keeper(stop_loss={"price": "2700"}, take_profit=[{"price": "3800"}])
    cap = agent.cap(view(state(idle=10, price=price)), Decimal("2.5"))
    assert cap is not None
    assert cap.leverage == 1
    assert "at once" in cap.reason
    assert agent.cap(view(state(idle=10, price=3000)), Decimal("2.5")) is None


def test_a_deadline_that_is_over_opens_nothing():
    agent = keeper(deadline="2023-11-14T22:13:20Z")
    cap = agent.cap(view(state(idle=10)), Decimal("2.5"))
    assert cap is not None
    assert cap.leverage == 1


def test_it_warns_of_a_stop_that_liquidation_would_come_before():
    late = keeper(stop_loss={"price": "2100"})  # liquidated at 2,168
    assert "beyond the liquidation price" in late.alert(riding(long_state()))
    assert STOP.alert(riding(long_state())) is None
    assert "beyond" in keeper(stop_loss={"price": "5000"}).alert(riding(short_state()))
    assert late.alert(view(state(idle=10))) is None
    assert late.alert(riding(long_state(), ended=PENDING)) is None


def test_it_says_which_order_is_nearest():
    agent = keeper(stop_loss={"price": "2700"}, take_profit=[{"price": "3150", "share": "0.1"}])
    assert agent.decide(riding(long_state())).reason == (
        "nearest is take_profit at price 3150, 5.00% away"
    )


def test_an_empty_section_keeps_no_orders_and_holds():
    agent = keeper()
    assert agent.decide(riding(long_state())) == Hold("orders", "no order is near")
    assert agent.name == orders.AGENT.name == "orders"
    assert orders.AGENT.envelope(agent.params) is None


def test_a_price_in_another_token_is_counted_in_it():
    turned = long_state()
    in_usdc = replace(
        turned,
        position=replace(
            turned.position,
            mandate=replace(
                turned.position.mandate, share_class=next(iter(turned.position.loan.debts))
            ),
        ),
    )
    seen = riding(in_usdc, marked_equity=30_000 * 10**6, units=30_000 * 10**18, unit_price=10**6)
    assert isinstance(STOP.decide(seen), Hold)
    assert side.price(in_usdc) == 3000


def test_what_it_says_of_an_order_that_knows_nothing_yet():
    (level,) = levels(
        keeper(stop_loss={"equity_loss": "0.2"}).orders, reading_of(riding(long_state(), units=0))
    )
    assert said(level) == "nothing is known of it yet"


def test_a_stop_by_price_of_what_nothing_can_liquidate_is_no_worry():
    no_debt_left = riding(long_state(debt="0.000001"))
    assert keeper(stop_loss={"health": "1.1"}).alert(riding(long_state())) is None
    assert STOP.alert(no_debt_left) is None


def test_a_size_that_leaves_no_equity_buys_nothing():
    broke = riding(long_state(1700), course=course(keep=17 * WETH.unit))
    assert SCALE.cap(broke, Decimal(2)).leverage == 1
