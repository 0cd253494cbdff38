"""No prediction, however hopeful, lifts an order over a limit; without one nothing is bought."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predictions import DAY, HOUR
from tests.spots import LIMITS, MARKET, NOW, depth, holding, view, word

from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import Spot
from leverd.domain.spot_events import SpotStopped
from leverd.domain.view import TradingState
from leverd.interfaces.spot_agent import Enter, Exit
from leverd.interfaces.spot_venue import Depth, Purse
from leverd.risk.spot_gate import ApprovedOrder, review

WORDS = st.lists(
    st.builds(
        lambda value, half, skill, admitted, confidence, horizon, age, life: word(
            value,
            half=half,
            skill=skill,
            admitted=admitted,
            confidence=confidence,
            horizon_s=horizon,
            made_at=NOW - age,
            valid_until=NOW - age + life,
        ),
        st.floats(-1, 3, allow_nan=False),
        st.floats(0, 1, allow_nan=False),
        st.floats(-1, 9, allow_nan=False),
        st.booleans(),
        st.integers(1, 10**6),
        st.sampled_from([DAY, HOUR]),
        st.integers(-60, 2 * HOUR),
        st.integers(1, 3 * HOUR),
    ),
    max_size=3,
).map(tuple)
CENTS = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def books(draw):
    """Return a book of up to four levels a side, not crossed, of any width and depth."""
    bid = draw(st.integers(1, 60_000))
    ask = bid + draw(st.integers(1, 2_000))
    sizes = st.lists(st.integers(1, 20_000), max_size=4)
    tick = MARKET.price_tick
    bids = tuple((max(bid - at, 1) * tick, Decimal(size) / 100)
                 for at, size in enumerate(draw(sizes)))  # fmt: skip
    asks = tuple(((ask + at) * tick, Decimal(size) / 100) for at, size in enumerate(draw(sizes)))
    return Depth(MARKET.market_id, 1, bids, asks)


@st.composite
def views(draw):
    held = draw(st.integers(0, 3_000)) * WAD // 100
    spot = Spot()
    if held:
        cost = held * draw(st.integers(1, 60)) // 1
        spot = Spot(base=held, cost=cost, entries=draw(st.integers(1, 3)),
                    entered_at=NOW - draw(st.integers(0, 2 * DAY)))  # fmt: skip
    why = draw(st.sampled_from([None, "lost", "portfolio_stop"]))
    spot = replace(
        spot,
        traded_at=draw(st.sampled_from([0, NOW - 1, NOW - 600])),
        trades_on=(NOW // DAY, draw(st.integers(0, 7))),
        stops=() if why is None else (SpotStopped("spot", why, "r"),),
    )
    purses = {
        "inj": Purse(held, draw(st.sampled_from([held, held // 2]))),
        "usdt": Purse(10**12, draw(st.integers(0, 3 * 10**8))),
    }
    return view(
        depth=draw(books()),
        before=draw(st.none() | books()),
        spot=spot,
        purses=purses,
        words=draw(WORDS),
        age_s=draw(st.integers(0, 40)),
        state=draw(st.sampled_from(TradingState)),
        paused=draw(st.booleans()),
        unwinding=draw(st.booleans()),
    )


LIMITED = st.builds(
    lambda least, most, largest, slippage, profit: replace(
        LIMITS,
        trade_min=min(least, most),
        trade_max=most,
        position_max=max(most, largest),
        slippage_max=slippage,
        profit_min=profit,
    ),
    CENTS,
    CENTS,
    CENTS,
    st.sampled_from([Decimal("0.001"), Decimal("0.02"), Decimal("0.3")]),
    st.sampled_from([Decimal(0), Decimal("0.01")]),
)


@settings(max_examples=150, deadline=None)
@given(views(), LIMITED)
def test_no_word_lifts_an_order_over_a_limit(seen, limits):
    decision = SignalTrader(limits).decide(seen)
    if not isinstance(decision, Enter):
        return
    verdict = review(decision, seen, limits)
    if not isinstance(verdict, ApprovedOrder):
        return
    wish, spot = decision.wish, seen.spot
    notional = wish.price * wish.quantity
    best = seen.depth.asks[0][0]
    held = Decimal(spot.base) / WAD * max(best, wish.price)
    assert limits.trade_min <= notional <= limits.trade_max
    assert held + notional <= limits.position_max
    assert wish.price <= best * (1 + limits.slippage_max)
    assert notional * Decimal("1.001") * 10**6 <= seen.purses["usdt"].available
    assert spot.trades_today(NOW) < limits.trades_day_max
    assert seen.entries < limits.active_positions_max
    assert not spot.traded_at or NOW - spot.traded_at >= limits.cooldown_s
    assert spot.stopped is None
    assert (seen.state, seen.paused, seen.unwinding) == (TradingState.ACTIVE, False, False)
    assert any(each.admitted and each.prediction.value > 0 for each in seen.words)


@settings(max_examples=150, deadline=None)
@given(views(), LIMITED)
def test_what_the_agent_wishes_is_only_denied_because_the_view_is_old(seen, limits):
    decision = SignalTrader(limits).decide(seen)
    if isinstance(decision, Enter | Exit):
        verdict = review(decision, replace(seen, age_s=0), limits)
        assert isinstance(verdict, ApprovedOrder), verdict.reasons


@settings(max_examples=150, deadline=None)
@given(views(), LIMITED)
def test_without_a_word_nothing_is_bought_and_the_same_is_sold(seen, limits):
    trader = SignalTrader(limits)
    silent = trader.decide(replace(seen, words=()))
    assert not isinstance(silent, Enter)
    heard = trader.decide(seen)
    if isinstance(silent, Exit):
        assert heard == silent
    if isinstance(heard, Exit) and heard.code != "turned":
        assert silent == heard


@given(st.integers(1, 1_200), st.booleans(), st.booleans(), WORDS)
def test_whatever_holds_it_back_what_is_lost_is_sold_in_a_liquid_market(held, paused, old, words):
    """Liveness: the stop is reached, somebody buys, and nothing but a halt is in the way."""
    base = max(held, 10) * WAD // 100
    spot = holding(
        Decimal(base) / WAD,
        Decimal(base) / WAD * 20,
        traded_at=NOW,
        trades_on=(NOW // DAY, 10**6),
        entries=99,
        stops=(SpotStopped("spot", "portfolio_stop", "r"),),
    )
    fallen = depth("18")
    purses = {"inj": Purse(base, base)}
    seen = view(spot=spot, depth=fallen, before=fallen, purses=purses, paused=paused, words=words,
                state=TradingState.REDUCING, age_s=10**6 if old else 0)  # fmt: skip
    decision = SignalTrader(LIMITS).decide(seen)
    assert isinstance(decision, Exit)
    assert isinstance(review(decision, seen, LIMITS), ApprovedOrder)
