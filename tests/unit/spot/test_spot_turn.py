"""The pure half of a turn: what is seen of predictors, what is marked, what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.predictions import HOUR
from tests.spots import LIMITS, MARKET, NOW, PURSES, depth, holding, view, word

from leverd.domain.fixed_point import WAD
from leverd.domain.prediction import Quantity
from leverd.domain.prediction_events import PredictionIgnored
from leverd.domain.spot import Spot, fold_spot, resumed
from leverd.domain.spot_events import SpotDecided, SpotMarked, SpotStopped
from leverd.engine.book import Book
from leverd.engine.foresight import Foresight
from leverd.engine.spot_turn import Seen, decided, foreseen, marks, picture, sighted
from leverd.engine.state import fold
from leverd.interfaces.spot_agent import Stay
from leverd.interfaces.spot_cost import round_trip, worth
from leverd.interfaces.spot_venue import Depth, Ticked
from leverd.interfaces.watcher import SpotSight

WALL = datetime.fromtimestamp(NOW + 3, UTC)


def seen(book=None, before=None):
    tick = Ticked(9, NOW * 1000, book or depth(), (), resynced=False)
    return Seen(tick, before, MARKET, PURSES)


def marked(spot, book=None, before=None):
    """Return the marks of a look; `before` is the book of the look before it, None: the first."""
    return marks(spot, seen(book, before), LIMITS, NOW)


def twice(spot, price):
    """Return the marks of the second of two looks at one price."""
    return marked(spot, depth(price), depth(price))


def after(spot, *events):
    for event in events:
        spot = fold_spot(spot, event, NOW)
    return spot


def about_the_price():
    told = word(source="b")
    return replace(told, prediction=replace(told.prediction, quantity=Quantity.PRICE.value))


def test_the_view_tells_of_its_subject_alone_and_of_what_is_not_heard_any_more():
    book = Book()
    others = (word(source="a", subject="WETH"), about_the_price())
    for fact in (*others, word(source="c"), word(source="d")):
        book = fold(book, fact, NOW)
    track = word(source="d").prediction.track
    book = fold(book, PredictionIgnored(track, "LVD-PRD-015", "drifted"), NOW)
    found = picture(seen(), book, "INJ", WALL)
    assert {each.prediction.source: each.admitted for each in found.words} == {
        "c": True,
        "d": False,
    }
    assert (found.now, found.age_s) == (NOW, 3)


def test_an_ignored_predictor_that_never_spoke_is_nobody():
    book = fold(Book(), PredictionIgnored("x INJ direction 86400s", "LVD-PRD-016", "r"), NOW)
    assert picture(seen(), book, "INJ", WALL).words == ()


def test_nothing_is_foreseen_or_marked_in_a_book_of_one_side():
    one = Depth(MARKET.market_id, 1, (), depth().asks)
    assert foreseen(Foresight([], HOUR), "INJ", seen(one), Book()) == ()
    assert marked(Spot(), one) == ()


def test_a_price_below_a_hundred_millionth_is_no_price():
    tiny = Depth(MARKET.market_id, 1, ((Decimal("1e-10"), Decimal(1)),),
                 ((Decimal("2e-10"), Decimal(1)),))  # fmt: skip
    assert foreseen(Foresight([], HOUR), "INJ", seen(tiny), Book()) == ()


def test_a_mark_is_made_once_and_again_when_the_best_is_a_step_higher():
    (first,) = marked(holding())
    assert first.profit < first.peak == 0
    spot = after(holding(), first)
    assert marked(spot) == ()
    assert marked(spot, depth("20.02")) == ()
    (higher,) = marked(spot, depth("20.5"))
    assert higher.peak == higher.profit > WAD
    spot = after(spot, higher)
    assert marked(spot, depth("20.2")) == ()


def test_the_stop_counts_from_the_best_there_was_and_anew_after_a_resume():
    spot = after(holding(), *marked(holding()))
    spot = after(spot, *marked(spot, depth("25")))
    (stop,) = [each for each in twice(spot, "14") if isinstance(each, SpotStopped)]
    assert stop.why == "portfolio_stop"
    spot = after(spot, stop)
    assert twice(spot, "14") == ()
    spot = resumed(spot)
    (anew,) = twice(spot, "14")
    assert isinstance(anew, SpotMarked)
    assert anew.peak == anew.profit < 0


def test_the_stop_is_reached_though_an_order_was_lost_before():
    spot = after(holding(), *marked(holding()), SpotStopped("spot", "lost", "r"))
    assert [each.why for each in twice(spot, "8") if isinstance(each, SpotStopped)] == [
        "portfolio_stop"]  # fmt: skip


def test_a_look_that_shows_far_bids_alone_stops_nothing_and_two_of_them_do():
    spot = after(holding(), *marked(holding()))
    low = depth("8")
    assert marked(spot, low, depth()) == ()
    assert marked(spot, depth(), low) == ()
    assert marked(spot, low) == ()  # the first look after a start has none before it
    nobody = Depth(MARKET.market_id, 1, (), low.asks)
    for before in (low, nobody):
        (stop,) = marked(spot, low, before)
        assert (stop.why, stop.reason.split(" ")[0]) == ("portfolio_stop", "60.08995")


def test_a_look_that_shows_a_high_bid_alone_is_no_best_to_fall_from():
    spot = after(holding(), *marked(holding()))
    spot = after(spot, *marked(spot, depth("60"), depth()))
    assert spot.peak == 0
    assert twice(spot, "20") == ()
    (higher,) = twice(spot, "60")
    assert higher.peak == higher.profit > 190 * WAD


def test_what_was_said_last_is_not_said_again():
    stay = Stay("no_word", "nobody predicts anything")
    said = decided(None, "signal_trader", stay, None, view())
    assert said == SpotDecided("spot", "signal_trader", "stay", "no_word", stay.reason,
                               view().bid, view().ask)  # fmt: skip
    assert decided(said, "signal_trader", stay, None, view()) is None


def test_a_book_that_cannot_fill_it_has_no_price():
    assert worth(depth(size="1").bids, 6 * WAD) is None
    assert round_trip(MARKET, depth(size="1"), 6 * WAD) is None
    assert round_trip(MARKET, depth(), 0) is None


def test_who_watches_is_told_of_both_sides_and_of_what_may_be_spent():
    told = sighted(seen(), WALL)
    price = 20 * WAD
    assert told == SpotSight(
        WALL, NOW, 9, MARKET.market_id, "INJ/USDT", price - WAD // 100, price + WAD // 100,
        WAD // 1000, 1_000 * WAD,
    )  # fmt: skip
    nothing = replace(seen(Depth(MARKET.market_id, 1, (), ())), purses={})
    empty = sighted(nothing, WALL)
    assert (empty.bid, empty.ask, empty.quote_free) == (0, 0, 0)
