"""Orders that could not do what they are for are refused, with the nearest that could."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.orders import Of, Orders, Stop, Target, Trailing
from leverd.domain.side import Side
from leverd.errors import InfeasibleError
from leverd.interfaces.agent import Envelope
from leverd.risk.findings import Check, Watch
from leverd.risk.order_feasibility import Scene, judge_orders

ENVELOPE = Envelope(Decimal("2.5"), Decimal("2.2"), Decimal("2.8"), Decimal(0))
WATCH = Watch(60, 36, Decimal("0.12"))
NOW = 1_700_000_000
LONG = Scene(Side.LONG, Decimal("0.83"), Decimal(3000), NOW, is_begun=False)
SHORT = replace(LONG, side=Side.SHORT, threshold=Decimal("0.78"))
HALF = Decimal("0.5")


def refused(orders, scene=LONG, envelope=ENVELOPE):
    return {each.check: each for each in judge_orders(orders, envelope, scene, WATCH).refused}


def test_a_stop_beyond_liquidation_is_refused_with_the_nearest_that_is_not():
    # Health 1.3833 at 2.5x: liquidated at 2,168.67, and 12 % of gap before that is 2,464.41.
    late = refused(Orders(stop=Stop(Of.PRICE, Decimal(2400))))[Check.STOP_LOSS]
    assert "2464.41" in late.nearest
    assert refused(Orders(stop=Stop(Of.PRICE, Decimal("2464.41")))) == {}
    assert Check.STOP_LOSS in refused(Orders(stop=Stop(Of.PRICE, Decimal("2464.40"))))


def test_a_shorts_stop_lies_above_and_below_its_liquidation():
    # Health 1.3 at 2.5x with threshold 0.78: liquidated at 3,900, which a rise of the gap
    # reaches from 3,482.
    assert refused(Orders(stop=Stop(Of.PRICE, Decimal(3482))), SHORT) == {}
    late = refused(Orders(stop=Stop(Of.PRICE, Decimal(3483))), SHORT)[Check.STOP_LOSS]
    assert "3482.1" in late.nearest
    assert Check.STOP_SIDE in refused(Orders(stop=Stop(Of.PRICE, Decimal(2900))), SHORT)


@pytest.mark.parametrize(
    ("orders", "scene", "check"),
    [
        (Orders((Target(Of.PRICE, Decimal(2900), HALF),)), LONG, Check.TAKE_PROFIT),
        (Orders((Target(Of.PRICE, Decimal(3100), HALF),)), SHORT, Check.TAKE_PROFIT),
        (Orders(stop=Stop(Of.PRICE, Decimal(3100))), LONG, Check.STOP_SIDE),
        (Orders(stop=Stop(Of.EQUITY, HALF)), LONG, Check.STOP_LOSS),
        (Orders(stop=Stop(Of.EQUITY, HALF)), replace(SHORT, threshold=Decimal("0.7")),
         Check.STOP_LOSS),
        (Orders(stop=Stop(Of.HEALTH, Decimal("1.1"))), LONG, Check.STOP_LOSS),
        (Orders(stop=Stop(Of.HEALTH, Decimal("1.3"))), LONG, Check.STOP_SIDE),
        (Orders(trailing=Trailing(Of.PRICE, Decimal("0.2"), Decimal(0))), LONG,
         Check.TRAILING_STOP),
        (Orders(trailing=Trailing(Of.EQUITY, Decimal("0.5"), Decimal(0))), LONG,
         Check.TRAILING_STOP),
        (Orders(trailing=Trailing(Of.HEALTH, Decimal("0.1"), Decimal(0))), LONG,
         Check.TRAILING_STOP),
        (Orders(deadline=NOW), LONG, Check.DEADLINE),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_and_says_what_would(orders, scene, check):
    found = refused(orders, scene)
    assert set(found) == {check}
    assert found[check].nearest
    with pytest.raises(InfeasibleError) as caught:
        judge_orders(orders, ENVELOPE, scene, WATCH).require("positions.x")
    assert caught.value.exit_code == 6


def test_what_can_work_passes():
    """The liveness twin."""
    orders = Orders(
        (Target(Of.PRICE, Decimal(3300), HALF), Target(Of.EQUITY, HALF, Decimal(1))),
        Stop(Of.PRICE, Decimal(2600)),
        Trailing(Of.PRICE, Decimal("0.1"), Decimal(0)),
        NOW + 1,
    )
    findings = judge_orders(orders, ENVELOPE, LONG, WATCH)
    assert findings.refused == ()
    assert len(findings.all) == 5


@pytest.mark.parametrize(
    "orders",
    [
        Orders(stop=Stop(Of.EQUITY, Decimal("0.4"))),
        Orders(stop=Stop(Of.HEALTH, Decimal("1.2"))),
        Orders(trailing=Trailing(Of.EQUITY, Decimal("0.4"), Decimal(0))),
        Orders(trailing=Trailing(Of.HEALTH, Decimal("0.2"), Decimal(0))),
    ],
)
def test_other_stops_in_reach_pass(orders):
    assert refused(orders) == {}


@pytest.mark.parametrize("scene", [LONG, SHORT])
def test_an_order_at_the_very_price_is_on_no_side_of_it(scene):
    price = Decimal(3000)
    assert Check.TAKE_PROFIT in refused(Orders((Target(Of.PRICE, price, HALF),)), scene)
    assert Check.STOP_SIDE in refused(Orders(stop=Stop(Of.PRICE, price)), scene)


@pytest.mark.parametrize("of", [Of.PRICE, Of.EQUITY])
def test_a_trail_may_be_as_long_as_what_is_left_before_liquidation(of):
    """At 4x with threshold 0.75 health is 1: without a gap liquidation is here."""
    wish = replace(ENVELOPE, leverage_target=Decimal(2))
    at = replace(LONG, threshold=Decimal("0.625"))  # health 1.25: 0.2 of the price, 0.4 of equity
    reach = {Of.PRICE: Decimal("0.2"), Of.EQUITY: Decimal("0.4")}[of]

    def judged(drop):
        orders = Orders(trailing=Trailing(of, drop, Decimal(0)))
        return judge_orders(orders, wish, at, Watch(60, 36, Decimal(0))).refused

    assert judged(reach) == ()
    (beyond,) = judged(reach + Decimal("0.0001"))
    assert beyond.nearest == f"set drop: {reach - Decimal('0.001'):.3f}"


def test_a_gap_liquidates_a_long_below_and_a_short_above():
    for scene, way in ((LONG, "below"), (SHORT, "above")):
        late = Orders(stop=Stop(Of.EQUITY, Decimal("0.9")))
        message = refused(late, replace(scene, threshold=Decimal("0.7")))[Check.STOP_LOSS].message
        assert f"liquidates {way} " in message


def test_a_short_may_lose_what_its_rise_to_liquidation_costs():
    """At 3x a short owes twice its equity: at health 1.2 a rise of a fifth costs 0.4 of it."""
    wish = replace(ENVELOPE, leverage_target=Decimal(3))
    at = replace(SHORT, threshold=Decimal("0.8"))
    none = Watch(60, 36, Decimal(0))

    assert judge_orders(Orders(stop=Stop(Of.EQUITY, Decimal("0.4"))), wish, at, none).refused == ()
    over = Orders(stop=Stop(Of.EQUITY, Decimal("0.4001")))
    (late,) = judge_orders(over, wish, at, none).refused
    assert "40.00 % is lost" in late.message


def test_a_stop_at_the_health_of_the_bands_top_would_fire_by_itself():
    """At 2.5x with threshold 0.75 health is 1.25."""
    wish = replace(ENVELOPE, band_high=Decimal("2.5"))
    at = replace(LONG, threshold=Decimal("0.75"))
    for health, sides in ((Decimal("1.25"), {Check.STOP_SIDE}), (Decimal("1.2499"), set())):
        assert set(refused(Orders(stop=Stop(Of.HEALTH, health)), at, wish)) == sides


def test_the_nearest_loss_is_rounded_to_the_safe_side():
    """At 3x with threshold 0.7 health is 1.05: 3 (1 - 1 / 1.05) is 0.142857.. of equity."""
    wish = replace(ENVELOPE, leverage_target=Decimal(3))
    at = replace(LONG, threshold=Decimal("0.7"))
    orders = Orders(stop=Stop(Of.EQUITY, HALF))
    (late,) = judge_orders(orders, wish, at, Watch(60, 36, Decimal(0))).refused

    assert late.nearest == "set equity_loss: 0.141"


def test_a_trail_of_health_is_longer_than_the_band_by_itself_from_just_above_one():
    """A band from 1.0 has no health at its low end: it is reckoned from 1.01, where it is 83.83."""
    wish = replace(ENVELOPE, band_low=Decimal(1), band_high=Decimal("2.02"))
    own = 1 - (Decimal("0.83") * Decimal("2.02") / Decimal("1.02")) / Decimal("83.83")
    assert own == pytest.approx(Decimal("0.980392"), abs=Decimal("1e-6"))
    for drop, passes in ((Decimal("0.9805"), True), (Decimal("0.9803"), False)):
        orders = Orders(trailing=Trailing(Of.HEALTH, drop, Decimal(0)))
        assert (refused(orders, envelope=wish) == {}) is passes


def test_a_stop_may_lie_exactly_where_it_comes_just_in_time():
    wish = replace(ENVELOPE, leverage_target=Decimal(2))
    at = replace(LONG, threshold=Decimal("0.625"))
    none = Watch(60, 36, Decimal(0))

    for stop, beyond in (
        (Stop(Of.PRICE, Decimal(2400)), Stop(Of.PRICE, Decimal("2399.99"))),
        (Stop(Of.EQUITY, Decimal("0.4")), Stop(Of.EQUITY, Decimal("0.4001"))),
    ):
        assert judge_orders(Orders(stop=stop), wish, at, none).refused == ()
        assert judge_orders(Orders(stop=beyond), wish, at, none).refused != ()


def test_the_nearest_price_has_cents_from_one_up_and_is_rounded_to_the_safe_side():
    """A long's up, a short's down."""
    wish = replace(ENVELOPE, leverage_target=Decimal(2))

    def nearest(scene, price, at):
        found = judge_orders(
            Orders(stop=Stop(Of.PRICE, Decimal(at))),
            wish,
            replace(scene, threshold=Decimal("0.6"), price=Decimal(price)),
            Watch(60, 36, Decimal(0)),
        )
        (late,) = [each for each in found.refused if each.check is Check.STOP_LOSS]
        return late.nearest.split(",")[0]

    assert nearest(LONG, "1.2", "0.1") == "set price: 1.00"  # 1.2 / 1.2
    assert nearest(LONG, "3000.01", "0.1") == "set price: 2500.01"  # 2500.00833..
    assert nearest(LONG, "1.1", "0.1") == "set price: 0.916667"
    assert nearest(SHORT, "3000.01", "9999") == "set price: 3600.01"  # 3600.012
    assert nearest(SHORT, "0.1111111", "9") == "set price: 0.133333"


def test_an_open_position_may_have_passed_its_targets_and_its_deadline():
    opened = replace(LONG, is_begun=True)
    orders = Orders(
        (Target(Of.PRICE, Decimal(2900), HALF),), Stop(Of.PRICE, Decimal(3100)), deadline=NOW - 1
    )
    assert refused(orders, opened) == {}


def test_a_recorded_market_without_time_or_price_judges_what_it_can():
    paper = replace(LONG, price=None, now=None)
    orders = Orders(
        (Target(Of.PRICE, Decimal(1), HALF),), Stop(Of.PRICE, Decimal(1)), deadline=NOW - 1
    )
    assert judge_orders(orders, ENVELOPE, paper, WATCH).all == ()
    share = Orders(stop=Stop(Of.EQUITY, HALF))
    assert Check.STOP_LOSS in refused(share, paper)


def test_without_a_loop_only_sides_and_dates_are_judged():
    orders = Orders(stop=Stop(Of.PRICE, Decimal(1)))
    assert refused(orders, LONG, None) == {}
    assert refused(orders, LONG, replace(ENVELOPE, leverage_target=Decimal(1))) == {}


def test_small_prices_keep_their_digits():
    staked = replace(LONG, price=Decimal("0.9"))
    late = refused(Orders(stop=Stop(Of.PRICE, Decimal("0.7"))), staked)[Check.STOP_LOSS]
    assert "0.739321" in late.nearest


@given(
    leverage=st.decimals("1.2", "4", places=2),
    gap=st.decimals("0", "0.3", places=2),
    side=st.sampled_from(list(Side)),
)
def test_the_nearest_stop_is_itself_accepted_and_still_solvent(leverage, gap, side):
    envelope = replace(ENVELOPE, leverage_target=leverage)
    scene, watch = replace(LONG, side=side), Watch(60, 36, gap)
    worst = Decimal("0.0001") if side is Side.LONG else Decimal(10**9)
    found = judge_orders(Orders(stop=Stop(Of.PRICE, worst)), envelope, scene, watch)
    (late,) = [each for each in found.refused if each.check is Check.STOP_LOSS]
    nearest = Decimal(late.nearest.split()[2].rstrip(","))
    again = judge_orders(Orders(stop=Stop(Of.PRICE, nearest)), envelope, scene, watch)
    assert Check.STOP_LOSS not in {each.check for each in again.refused}
    after = nearest * (1 - gap) if side is Side.LONG else nearest * (1 + gap)
    ratio = after / 3000
    if side is Side.LONG:
        health = Decimal("0.83") * leverage * ratio / (leverage - 1)
    else:
        health = Decimal("0.83") * leverage / ((leverage - 1) * ratio)
    assert health >= Decimal("0.99999")
