"""Every order is held to every limit; what only gets out passes all that would keep it in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import DAY
from tests.spots import (
    FAIR,
    LIMITS,
    MARKET,
    NOW,
    depth,
    gap_view,
    held_view,
    holding,
    quote,
    view,
    word,
)

from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.prediction import MICRO
from leverd.domain.spot import OpenOrder, Spot
from leverd.domain.spot_events import SpotOrderPlanned, SpotStopped
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Enter, Exit
from leverd.interfaces.spot_cost import expected, round_trip
from leverd.interfaces.spot_rules import Wish
from leverd.interfaces.spot_venue import Depth, Manner, Purse, Side
from leverd.risk.spot_gate import ApprovedOrder, DeniedOrder, SpotReason, review

PLANNED = SpotOrderPlanned("spot", MARKET.market_id, "me", "buy", "enter", 1, 1, "r")
STOP, LOST = (SpotStopped("spot", why, "r") for why in ("portfolio_stop", "lost"))
NOBODY = Depth(MARKET.market_id, 1, (), ())


def entering(price="20.1", quantity="4", said=None, manner=Manner.TAKE, side=Side.BUY):
    return Enter(Wish(side, manner, Decimal(price), Decimal(quantity)), said or word(), "c", "r")


def hoping(price="20.1", quantity="4", said=None):
    """Return a purchase for other venues' sake, whatever the agent says of it."""
    wish = Wish(Side.BUY, Manner.TAKE, Decimal(price), Decimal(quantity))
    return Enter(wish, said, "c", "it is worth a fortune")


def leaving(price="19.9", quantity="5", side=Side.SELL):
    return Exit(Wish(side, Manner.TAKE, Decimal(price), Decimal(quantity)), "c", "r")


def reasons(decision, seen, **limits):
    verdict = review(decision, seen, replace(LIMITS, **limits))
    return () if isinstance(verdict, ApprovedOrder) else verdict.reasons


def test_what_the_agent_wishes_in_a_calm_market_is_approved():
    seen = view()
    decision = SignalTrader(LIMITS).decide(seen)
    verdict = review(decision, seen, LIMITS)
    assert isinstance(verdict, ApprovedOrder)
    assert (verdict.decision, verdict.view) == (decision, seen)


def test_nobody_else_approves_an_order():
    with pytest.raises(AssertionError):
        ApprovedOrder(entering(), view(), object())
    verdict = review(entering(), view(), LIMITS)
    with pytest.raises((AssertionError, TypeError, ValueError)):
        replace(verdict, decision=leaving())


@pytest.mark.parametrize(
    ("decision", "changes", "reason"),
    [
        (entering(), {"state": TradingState.HALTED}, SpotReason.HALTED),
        (entering(), {"state": TradingState.REDUCING}, SpotReason.ONLY_OUT),
        (entering(), {"paused": True}, SpotReason.ONLY_OUT),
        (entering(), {"unwinding": True}, SpotReason.ONLY_OUT),
        (entering(), {"spot": Spot(order=OpenOrder(PLANNED))}, SpotReason.IN_FLIGHT),
        (entering(), {"market": replace(MARKET, market_id="0x1")}, SpotReason.OTHER_MARKET),
        (entering(), {"depth": replace(depth(), market_id="0x1")}, SpotReason.OTHER_MARKET),
        (entering(), {"market": replace(MARKET, active=False)}, SpotReason.OFF_RULES),
        (entering("20.1001"), {}, SpotReason.OFF_RULES),
        (entering(quantity="4.001"), {}, SpotReason.OFF_RULES),
        (entering(manner=Manner.REST), {}, SpotReason.OFF_RULES),
        (entering("20.211"), {}, SpotReason.SLIPPAGE),
        (entering(), {"depth": NOBODY}, SpotReason.SLIPPAGE),
        (entering(side=Side.SELL), {}, SpotReason.NOT_HELD),
        (entering(), {"spot": Spot(stops=(STOP,))}, SpotReason.STOPPED),
        (entering(), {"spot": Spot(stops=(LOST,))}, SpotReason.STOPPED),
        (entering(), {"spot": Spot(stops=(STOP, LOST))}, SpotReason.LOST),
        (entering(), {"age_s": 31}, SpotReason.STALE_VIEW),
        (entering(), {"age_s": -1}, SpotReason.STALE_VIEW),
        (entering(), {"spot": Spot(traded_at=NOW - 599)}, SpotReason.COOLDOWN),
        (entering(), {"spot": Spot(trades_on=(NOW // DAY, 6))}, SpotReason.TRADES_DAY),
        (entering(said=word(admitted=False)), {}, SpotReason.NO_PREDICTION),
        (entering(said=word(confidence=599_999)), {}, SpotReason.NO_PREDICTION),
        (entering(quantity="0.49"), {}, SpotReason.TRADE_TOO_SMALL),
        (entering(quantity="4.98"), {}, SpotReason.TRADE_TOO_LARGE),
        (entering(), {"spot": holding("9", "180")}, SpotReason.POSITION_TOO_LARGE),
        (entering(), {"purses": {}}, SpotReason.PURSE),
        (entering(), {"purses": {"usdt": Purse(10**9, 80 * 10**6)}}, SpotReason.PURSE),
        (entering(said=word(0.009)), {}, SpotReason.PROFIT_TOO_SMALL),
        (entering(), {"depth": depth(size="0.5")}, SpotReason.PROFIT_TOO_SMALL),
    ],
)
def test_a_purchase_is_denied_for_each_of_its_reasons(decision, changes, reason):
    assert reason in reasons(decision, view(**changes))


def test_too_many_purchases_are_denied():
    full = held_view(spot=holding(entries=2))
    assert reasons(entering(), full) == (SpotReason.ACTIVE_POSITIONS,)


def test_what_is_exactly_at_its_limits_is_approved():
    assert reasons(entering("20.20", "4.95"), view()) == ()  # 99.99 of 100
    assert reasons(entering(), view(age_s=30)) == ()
    assert reasons(entering(), view(spot=Spot(traded_at=NOW - 600))) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": TradingState.REDUCING},
        {"paused": True},
        {"unwinding": True},
        {"age_s": 10_000},
        {"words": ()},
        {"spot": holding(traded_at=NOW - 1)},
        {"spot": holding(trades_on=(NOW // DAY, 1_000))},
        {"spot": holding(stops=(STOP,))},
        {"spot": holding(entries=99)},
    ],
)
def test_what_only_gets_out_passes_every_breaker(changes):
    assert reasons(leaving(), held_view(**changes)) == ()


@pytest.mark.parametrize(
    ("decision", "changes", "reason"),
    [
        (leaving(), {"state": TradingState.HALTED}, SpotReason.HALTED),
        (leaving(), {"spot": holding(order=OpenOrder(PLANNED))}, SpotReason.IN_FLIGHT),
        (leaving(), {"spot": holding(stops=(LOST, STOP))}, SpotReason.LOST),
        (leaving("19.79"), {}, SpotReason.SLIPPAGE),
        (leaving(), {"depth": NOBODY}, SpotReason.SLIPPAGE),
        (leaving(quantity="5.01"), {}, SpotReason.NOT_HELD),
        (leaving(side=Side.BUY), {}, SpotReason.NOT_HELD),
        (leaving(), {"purses": {"inj": Purse(9 * WAD, 4 * WAD)}}, SpotReason.NOT_HELD),
    ],
)
def test_a_sale_is_denied_where_it_sells_what_is_not_there_or_too_low(decision, changes, reason):
    verdict = review(decision, held_view(**changes), LIMITS)
    assert isinstance(verdict, DeniedOrder)
    assert reason in verdict.reasons


def test_without_a_word_nothing_is_bought_where_words_buy():
    assert SpotReason.NO_PREDICTION in reasons(hoping(), view())
    assert SpotReason.PROFIT_TOO_SMALL in reasons(hoping(), view())
    assert SpotReason.NO_PREDICTION in reasons(hoping(), gap_view())


def of_fair(decision, *quotes, **changes):
    verdict = review(decision, gap_view(*quotes, **changes), FAIR)
    return () if isinstance(verdict, ApprovedOrder) else verdict.reasons


def test_a_purchase_for_other_venues_is_held_to_what_they_say():
    assert of_fair(hoping(), quote("20.8")) == ()
    assert of_fair(hoping(), quote("20.3")) == (SpotReason.PROFIT_TOO_SMALL,)
    nothing = (SpotReason.NO_FAIR_VALUE, SpotReason.PROFIT_TOO_SMALL)
    for said in (quote("24"), quote("2080"), quote(at=NOW - 61)):
        assert of_fair(hoping(), said) == nothing
    one_sided = replace(depth(), bids=())
    assert SpotReason.NO_FAIR_VALUE in of_fair(hoping(), quote("20.8"), depth=one_sided)


def test_a_word_is_no_fair_value_where_other_venues_buy():
    assert of_fair(hoping(said=word()), quote("20")) == (SpotReason.PROFIT_TOO_SMALL,)


def test_the_worst_price_of_an_order_must_pay_not_the_one_that_is_asked_now():
    assert of_fair(hoping("20.01"), quote("20.45")) == ()
    assert of_fair(hoping("20.21", "4"), quote("20.45")) == (SpotReason.PROFIT_TOO_SMALL,)


def test_what_cannot_be_sold_again_is_not_bought():
    thin = replace(depth(), bids=((Decimal("19.99"), Decimal(1)),))
    assert SpotReason.PROFIT_TOO_SMALL in of_fair(hoping(), quote("20.8"), depth=thin)


BOUGHT = entering("20.1", "4")  # 80.4 of quote, 80.4804 with its fee
BIT = Decimal("1e-18")


@pytest.mark.parametrize(
    ("limit", "at", "beyond", "reason"),
    [
        ("trade_min", Decimal("80.4"), BIT, SpotReason.TRADE_TOO_SMALL),
        ("trade_max", Decimal("80.4"), -BIT, SpotReason.TRADE_TOO_LARGE),
        ("position_max", Decimal("80.4"), -BIT, SpotReason.POSITION_TOO_LARGE),
    ],
)
def test_a_purchase_may_be_exactly_as_large_as_its_limits_and_no_more(limit, at, beyond, reason):
    assert reasons(BOUGHT, view(), **{limit: at}) == ()
    assert reasons(BOUGHT, view(), **{limit: at + beyond}) == (reason,)


@pytest.mark.parametrize(
    ("price", "most"),
    [("20.2", "181.8"), ("20", "180.05")],  # (5 + 4) at 20.2; 5 at the ask, 20.01, and 4 at 20
)
def test_what_is_held_counts_at_the_ask_or_what_is_paid_now(price, most):
    bought = entering(price, "4")
    assert reasons(bought, held_view(), position_max=Decimal(most)) == ()
    less = Decimal(most) - BIT
    assert reasons(bought, held_view(), position_max=less) == (SpotReason.POSITION_TOO_LARGE,)


def test_the_purse_may_be_emptied_and_no_more():
    cost = 80_480_400
    assert reasons(BOUGHT, view(purses={"usdt": Purse(10**9, cost)})) == ()
    assert reasons(BOUGHT, view(purses={"usdt": Purse(10**9, cost - 1)})) == (SpotReason.PURSE,)


def test_the_worst_price_may_be_exactly_the_slippage_away_and_no_more():
    tenth = {"slippage_max": Decimal("0.1")}
    assert reasons(entering("22.011"), view(), **tenth) == ()  # the ask is 20.01
    assert reasons(entering("22.012"), view(), **tenth) == (SpotReason.SLIPPAGE,)
    assert reasons(leaving("17.991"), held_view(), **tenth) == ()  # the bid is 19.99
    assert reasons(leaving("17.990"), held_view(), **tenth) == (SpotReason.SLIPPAGE,)


def test_a_word_may_leave_exactly_what_is_wanted_and_no_less():
    cost = round_trip(MARKET, depth(), 4 * WAD)
    left = Decimal(expected(word()) - cost) / MICRO
    assert left > 0
    assert reasons(BOUGHT, view(), profit_min=left) == ()
    more = left + Decimal(1) / MICRO
    assert reasons(BOUGHT, view(), profit_min=more) == (SpotReason.PROFIT_TOO_SMALL,)
