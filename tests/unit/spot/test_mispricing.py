"""What the agent makes of other venues' prices: it buys beyond every cost, and sells when that
is gone; its guards ask nobody."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import DAY
from tests.spots import (
    FAIR,
    MARKET,
    NOW,
    PURSES,
    TERMS,
    depth,
    gap_view,
    holding,
    quote,
    word,
)

from leverd.agents.mispricing import NAME, Mispricing
from leverd.domain.fixed_point import WAD
from leverd.domain.reference import silent
from leverd.domain.spot import Spot
from leverd.domain.spot_events import SpotStopped
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Enter, Exit, Stay
from leverd.interfaces.spot_cost import worth
from leverd.interfaces.spot_value import fair_of, left_over
from leverd.interfaces.spot_venue import Depth, Purse, Side
from leverd.risk.spot_gate import ApprovedOrder, review

AGENT = Mispricing(FAIR)
HELD = {"spot": holding(), "purses": {**PURSES, "inj": Purse(5 * WAD, 5 * WAD)}}


def decide(seen, **limits):
    return Mispricing(replace(FAIR, **limits)).decide(seen)


def test_a_gap_beyond_every_cost_is_bought():
    seen = gap_view()
    decision = AGENT.decide(seen)
    assert isinstance(decision, Enter)
    assert (decision.word, decision.code, AGENT.name) == (None, NAME, "mispricing")
    wish = decision.wish
    assert wish.side is Side.BUY
    assert Decimal("20.01") <= wish.price <= Decimal("20.01") * Decimal("1.01")
    assert Decimal(98) < wish.price * wish.quantity <= 100
    assert "it is worth 20.7" in decision.reason
    assert isinstance(review(decision, seen, FAIR), ApprovedOrder)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((quote("20"),), "unprofitable"),
        ((quote("20.2"),), "unprofitable"),
        ((quote("19"),), "unprofitable"),
        ((quote("20.8", half="0.02"),), "unprofitable"),  # its own fee and depth are a doubt
        ((quote("20.8", error="0.02"),), "unprofitable"),
        ((quote("24"),), "references_disagree"),
        ((quote("2080"),), "few_references"),
        ((quote(at=NOW - 61),), "few_references"),
        ((quote(at=NOW + 31),), "few_references"),
        ((silent("pool"),), "few_references"),
        ((quote("20.5"), quote("20.2", source="b")), "unprofitable"),
        ((quote("20.8"), quote("20.1", source="b")), "references_disagree"),
    ],
)
def test_what_is_inside_cost_unsure_or_no_quote_buys_nothing(said, code):
    decision = AGENT.decide(gap_view(*said))
    assert isinstance(decision, Stay)
    assert decision.code == code


def test_predictions_are_not_asked():
    seen = gap_view(quote("20"), words=(word(),))
    assert AGENT.decide(seen).code == "unprofitable"
    assert isinstance(AGENT.decide(gap_view(words=(word(-0.5),))), Enter)


def test_without_terms_nothing_is_bought():
    assert decide(gap_view(), fair=None).code == "no_terms"


def test_only_the_part_of_the_ladder_that_pays_is_taken():
    prices = ("20.01", "20.10", "20.60", "20.90")
    asks = tuple((Decimal(price), Decimal(1)) for price in prices)
    book = replace(depth(), asks=asks)
    terms = replace(TERMS, book_error=WAD // 20)  # so thin a book is not taken at its word
    decision = decide(gap_view(depth=book), fair=terms, slippage_max=Decimal("0.3"))
    assert isinstance(decision, Enter)
    assert decision.wish.quantity == 2
    assert Decimal("20.10") <= decision.wish.price < Decimal("20.60")


def test_every_unit_pays_for_itself_at_the_worst_price_of_the_order():
    seen = gap_view(depth=depth(size="1"))
    wish = AGENT.decide(seen).wish
    quantity, price = int(wish.quantity * WAD), int(wish.price * WAD)
    least = fair_of(seen, FAIR).least
    got = worth(seen.depth.bids, quantity) * least // (20 * WAD)
    paid = price * quantity // WAD
    left = got * Decimal("0.999") - paid * Decimal("1.001")
    assert left >= 20 * quantity * FAIR.profit_min
    assert left_over(MARKET, seen.depth, price, quantity, least) >= FAIR.profit_min * 10**6


def test_a_book_too_thin_to_get_out_again_is_not_entered():
    thin = replace(depth(), bids=((Decimal("19.99"), Decimal("0.5")),))
    assert AGENT.decide(gap_view(depth=thin)).code == "thin"


def test_what_pays_may_be_too_little():
    little = depth(size="0.05", levels=1)
    deep = replace(little, bids=depth().bids)
    assert AGENT.decide(gap_view(depth=deep)).code == "too_small"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paused": True}, "only_out"),
        ({"state": TradingState.REDUCING}, "only_out"),
        ({"state": TradingState.HALTED}, "halted"),
        ({"depth": Depth(MARKET.market_id, 1, (), depth().asks)}, "no_market"),
        ({"purses": {}}, "too_small"),
        ({"spot": Spot(traded_at=NOW - 599)}, "cooldown"),
        ({"spot": Spot(trades_on=(NOW // DAY, 6))}, "trades_day"),
        ({"spot": Spot(stops=(SpotStopped("spot", "portfolio_stop", "r"),))}, "stopped"),
        ({"spot": Spot(stops=(SpotStopped("spot", "lost", "r"),))}, "lost"),
    ],
)
def test_nothing_is_bought_when_it_may_not(changes, code):
    assert AGENT.decide(gap_view(**changes)).code == code


def test_what_was_bought_is_kept_while_it_is_worth_more_and_sold_when_the_gap_is_closed():
    assert AGENT.decide(gap_view(**HELD, depth=depth("20.5"))).code != "closed"
    for price in ("20.8", "21"):
        decision = AGENT.decide(gap_view(**HELD, depth=depth(price)))
        assert isinstance(decision, Exit)
        assert (decision.code, decision.wish.quantity) == ("closed", 5)
        assert "it is worth 20." in decision.reason


def test_a_reference_that_falls_to_the_book_closes_the_gap_too():
    assert AGENT.decide(gap_view(quote("20"), **HELD)).code == "closed"


def test_no_single_reference_of_several_closes_a_gap_or_opens_one():
    high, low = quote("20.6"), quote("20.0", source="liar")
    assert AGENT.decide(gap_view(high, low, **HELD)).code != "closed"
    assert not isinstance(AGENT.decide(gap_view(high, low)), Enter)
    assert isinstance(AGENT.decide(gap_view(high, replace(high, source="b"))), Enter)


@pytest.mark.parametrize(
    "said", [(), (silent("pool"),), (quote(at=0),), (quote("9999"),), (quote("24"),)]
)
def test_dead_or_mad_references_sell_nothing_by_themselves(said):
    seen = replace(gap_view(**HELD), quotes=said, quotes_before=said)
    assert not isinstance(AGENT.decide(seen), Exit)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"spot": holding(entered_at=NOW - DAY)}, "horizon"),
        ({"depth": depth("18.9"), "before": depth("18.9")}, "stop_loss"),
        ({"unwinding": True}, "unwind"),
        ({"spot": holding(stops=(SpotStopped("spot", "portfolio_stop", "r"),))}, "portfolio_stop"),
    ],
)
@pytest.mark.parametrize("said", [(), (quote("24"),), (quote(at=0),), (quote("21"),)])
def test_guards_sell_whatever_references_say_or_do_not(changes, code, said):
    seen = replace(gap_view(**{**HELD, **changes}), quotes=said, quotes_before=said)
    decision = AGENT.decide(seen)
    assert isinstance(decision, Exit)
    assert (decision.code, decision.wish.side) == (code, Side.SELL)
    assert isinstance(review(decision, seen, FAIR), ApprovedOrder)


def test_what_nobody_buys_is_kept_and_said():
    nobody = Depth(MARKET.market_id, 1, (), depth().asks)
    assert AGENT.decide(gap_view(**HELD, depth=nobody)).code == "no_buyers"


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ((quote("20"),), "unprofitable"),
        ((quote("24"),), "references_disagree"),
        ((silent("pool"),), "few_references"),
        ((), "few_references"),
    ],
)
def test_what_one_block_alone_says_buys_nothing(before, code):
    decision = AGENT.decide(gap_view(quote("20.8"), quotes_before=before))
    assert decision.code == code
    assert not isinstance(decision, Enter)
    late = AGENT.decide(gap_view(*before or [silent("pool")], quotes_before=(quote("20.8"),)))
    assert not isinstance(late, Enter)


def test_what_one_block_alone_says_closes_no_gap():
    now, before = quote("20"), (quote("20.8"),)
    assert AGENT.decide(gap_view(now, quotes_before=before, **HELD)).code != "closed"
    assert AGENT.decide(gap_view(*before, quotes_before=(now,), **HELD)).code != "closed"
    assert AGENT.decide(gap_view(now, **HELD)).code == "closed"


def test_a_profit_finer_than_a_millionth_is_reckoned_the_same_by_gate_and_agent():
    fine = replace(MARKET, price_tick=Decimal("0.00000001"))
    limits = replace(FAIR, slippage_max=Decimal("0.3"), profit_min=Decimal("0.0050005"))
    seen = gap_view(market=fine)
    decision = Mispricing(limits).decide(seen)
    assert isinstance(decision, Enter)
    assert isinstance(review(decision, seen, limits), ApprovedOrder)
