"""What the trader decides, and why: it buys on earned words alone and sells without any."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import DAY, HOUR
from tests.spots import LIMITS, MARKET, NOW, PURSES, depth, held_view, holding, view, word

from leverd.agents.signal_trader import NAME, SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import Spot
from leverd.domain.spot_events import SpotStopped
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Enter, Exit, Stay
from leverd.interfaces.spot_venue import Depth, Purse, Side
from leverd.risk.spot_gate import ApprovedOrder, review

TRADER = SignalTrader(LIMITS)


def decide(seen, **limits):
    return SignalTrader(replace(LIMITS, **limits)).decide(seen)


def test_a_word_that_pays_for_the_trade_buys_what_the_limits_allow():
    decision = TRADER.decide(view())
    assert isinstance(decision, Enter)
    wish = decision.wish
    assert wish.side is Side.BUY
    assert wish.price == Decimal("20.210")  # a hundredth above the best ask, on its tick
    assert Decimal("99.5") < wish.price * wish.quantity <= 100
    assert TRADER.name == NAME == "signal_trader"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((), "no_word"),
        ((word(admitted=False),), "not_heard"),
        ((word(confidence=500_000),), "not_heard"),
        ((word(valid_until=NOW),), "not_heard"),
        ((word(made_at=NOW + 1, valid_until=NOW + 2),), "not_heard"),
        ((word(half=0),), "not_heard"),
        ((word(horizon_s=HOUR),), "not_heard"),
        ((word(-0.1),), "no_gain"),
        ((word(skill=0),), "no_gain"),
        ((word(), word(-0.1)), "no_gain"),
        ((word(0.009),), "unprofitable"),
    ],
)
def test_other_words_buy_nothing(said, code):
    decision = TRADER.decide(view(words=said))
    assert isinstance(decision, Stay)
    assert decision.code == code


def test_a_word_is_believed_as_far_as_its_skill_goes():
    assert isinstance(TRADER.decide(view(words=(word(0.02, skill=0.9),))), Enter)
    assert TRADER.decide(view(words=(word(0.02, skill=0.3),))).code == "unprofitable"


def test_costs_are_both_fees_the_spread_and_the_slippage_of_both_ways():
    # fees 0.2 %, a spread of 1 %, and 0.5 % of least profit: 1.7 % is the edge
    wide = view(depth=depth(spread="0.2"))
    assert TRADER.decide(replace(wide, words=(word(0.0168, skill=1),))).code == "unprofitable"
    assert isinstance(TRADER.decide(replace(wide, words=(word(0.0172, skill=1),))), Enter)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paused": True}, "only_out"),
        ({"unwinding": True}, "only_out"),
        ({"state": TradingState.REDUCING}, "only_out"),
        ({"state": TradingState.HALTED}, "halted"),
        ({"market": replace(MARKET, active=False)}, "no_market"),
        ({"depth": Depth(MARKET.market_id, 1, (), depth().asks)}, "no_market"),
        ({"depth": depth(size="0.01")}, "too_small"),
        ({"purses": {}}, "too_small"),
        ({"purses": {"usdt": Purse(0, 0)}}, "too_small"),
        ({"purses": {"usdt": Purse(500_000, 500_000)}}, "too_small"),
        ({"purses": {"usdt": Purse(9_000_000, 9_000_000)}}, "too_small"),
        ({"spot": Spot(trades_on=(NOW // DAY, 6))}, "trades_day"),
        ({"spot": Spot(traded_at=NOW - 599)}, "cooldown"),
        ({"spot": Spot(stops=(SpotStopped("spot", "portfolio_stop", "r"),))}, "stopped"),
        ({"spot": Spot(stops=(SpotStopped("spot", "lost", "r"),))}, "lost"),
    ],
)
def test_nothing_is_bought_when_or_where_it_may_not(changes, code):
    assert TRADER.decide(view(**changes)).code == code


def test_a_book_too_thin_to_get_out_again_is_not_entered():
    thin = depth()
    thin = replace(thin, bids=((Decimal("19.99"), Decimal(1)),))
    assert TRADER.decide(view(depth=thin)).code == "thin"


def test_a_new_day_and_the_end_of_the_cooldown_let_it_buy_again():
    assert isinstance(TRADER.decide(view(spot=Spot(trades_on=(NOW // DAY - 1, 6)))), Enter)
    assert isinstance(TRADER.decide(view(spot=Spot(traded_at=NOW - 600))), Enter)


def test_a_second_purchase_keeps_to_the_position_and_a_third_is_none():
    second = TRADER.decide(held_view())
    assert isinstance(second, Enter)
    assert TRADER.decide(held_view(spot=holding(entries=2))).code == "kept"
    near = held_view(spot=holding("12", "240"), purses={**view().purses,
                     "inj": Purse(12 * WAD, 12 * WAD)})  # fmt: skip
    assert TRADER.decide(near).code == "too_small"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"words": (word(-0.02),)}, "turned"),
        ({"spot": holding(entered_at=NOW - DAY)}, "horizon"),
        ({"depth": depth("18.9"), "before": depth("18.9")}, "stop_loss"),
        ({"unwinding": True}, "unwind"),
        ({"spot": holding(stops=(SpotStopped("spot", "portfolio_stop", "r"),))}, "portfolio_stop"),
    ],
)
@pytest.mark.parametrize("heard", [True, False])
def test_what_is_held_is_sold_for_each_of_its_reasons(changes, code, heard):
    seen = held_view(**changes)
    if not heard and code != "turned":
        seen = replace(seen, words=())
    decision = TRADER.decide(seen)
    assert isinstance(decision, Exit)
    assert (decision.code, decision.wish.side) == (code, Side.SELL)
    assert decision.wish.quantity == 5
    assert decision.wish.price >= seen.depth.bids[0][0] * Decimal("0.99")


def test_a_pause_does_not_sell_what_is_held():
    assert TRADER.decide(held_view(paused=True)).code == "only_out"


@pytest.mark.parametrize(
    "changes",
    [{}, {"unwinding": True}, {"depth": depth("10"), "before": depth("10")}],
)
def test_after_a_lost_order_nothing_is_sold_because_what_is_held_is_not_known(changes):
    lost = SpotStopped("spot", "lost", "slot 3")
    stopped = SpotStopped("spot", "portfolio_stop", "r")
    for stops in ((lost,), (lost, stopped), (stopped, lost)):
        said = TRADER.decide(held_view(spot=holding(stops=stops), **changes))
        assert (said.code, said.reason) == ("lost", "slot 3")


def test_the_stop_needs_two_looks_so_that_one_empty_block_sells_nothing():
    gone = depth("18.9")
    assert not isinstance(TRADER.decide(held_view(depth=gone)), Exit)
    assert not isinstance(TRADER.decide(held_view(depth=gone, before=None)), Exit)
    assert TRADER.decide(held_view(depth=gone, before=gone)).code == "stop_loss"
    no_buyers = Depth(MARKET.market_id, 1, (), gone.asks)
    assert TRADER.decide(held_view(depth=gone, before=no_buyers)).code == "stop_loss"


@pytest.mark.parametrize("why", ["unwind", "portfolio_stop"])
def test_a_sale_asks_for_what_the_better_of_two_looks_offers_and_then_for_what_this_one_does(why):
    held = holding(stops=(SpotStopped("spot", why, "r"),) if why == "portfolio_stop" else ())
    gone, near = depth("10"), depth("20")
    for now, before in ((gone, near), (near, gone)):
        seen = held_view(spot=held, depth=now, before=before, unwinding=why == "unwind")
        assert TRADER.decide(seen).wish.price == Decimal("19.791")
        tried = replace(seen, spot=replace(held, fruitless=1))
        lowest = now.bids[0][0] * Decimal("0.99")
        assert 0 <= TRADER.decide(tried).wish.price - lowest < Decimal("0.001")
    first = held_view(spot=held, depth=gone, before=None, unwinding=why == "unwind")
    assert TRADER.decide(first).wish.price == Decimal("9.891")


def test_what_nobody_buys_is_kept_and_said():
    nobody = Depth(MARKET.market_id, 1, (), depth().asks)
    assert TRADER.decide(held_view(depth=nobody, unwinding=True)).code == "no_buyers"


def test_what_is_to_be_sold_and_is_not_there_is_said_with_what_to_do():
    gone = {"purses": {**PURSES, "inj": Purse(0, WAD // 100)}}
    said = TRADER.decide(held_view(**gone, unwinding=True))
    assert (said.code, "`leverd write-off`" in said.reason) == ("not_there", True)
    assert "5 is held, and beside fees 0.01 is in the account" in said.reason
    assert TRADER.decide(held_view(**gone)).code != "not_there"
    rest = held_view(spot=holding("0.04", "0.8"), purses=gone["purses"], unwinding=True)
    assert TRADER.decide(rest).code != "not_there"  # it is written off by itself
    some = held_view(purses={**PURSES, "inj": Purse(0, WAD)}, unwinding=True)
    assert TRADER.decide(some).code == "unwind"


def test_what_is_too_little_to_be_sold_holds_nothing_back():
    dust = held_view(spot=holding("0.04", "0.8", entries=2),
                     purses={**view().purses, "inj": Purse(WAD // 25, WAD // 25)})  # fmt: skip
    assert dust.sellable == dust.entries == 0
    assert isinstance(TRADER.decide(dust), Enter)


def test_a_rest_that_is_just_worth_a_trade_is_sold_at_a_price_that_is():
    rest = held_view(spot=holding("0.06", "1.2"), unwinding=True,
                     purses={"inj": Purse(6 * WAD // 100, 6 * WAD // 100)})  # fmt: skip
    small = depth("16.80", spread="0.02")
    seen = replace(rest, depth=small, before=small)
    for slippage in ("0.01", "0.3"):
        limits = replace(LIMITS, slippage_max=Decimal(slippage))
        wish = SignalTrader(limits).decide(seen).wish
        assert wish.price * wish.quantity >= 1
        assert wish.price <= seen.depth.bids[0][0]
        assert isinstance(review(Exit(wish, "c", "r"), seen, limits), ApprovedOrder)


def test_what_is_held_counts_at_the_worst_price_of_the_purchase():
    limits = replace(LIMITS, position_max=Decimal(190), trade_min=Decimal(1))
    decision = SignalTrader(limits).decide(held_view())
    assert isinstance(review(decision, held_view(), limits), ApprovedOrder)


def test_only_what_is_there_is_sold():
    fewer = held_view(purses={"inj": Purse(5 * WAD, 3 * WAD)}, unwinding=True)
    assert TRADER.decide(fewer).wish.quantity == 3


def test_a_maker_who_pays_more_than_a_taker_is_reckoned_with():
    dear = replace(MARKET, maker_fee=Decimal("0.01"))
    poor = {"usdt": Purse(50 * 10**6, 50 * 10**6)}
    wish = TRADER.decide(view(market=dear, purses=poor)).wish
    assert wish.price * wish.quantity * Decimal("1.01") <= 50
