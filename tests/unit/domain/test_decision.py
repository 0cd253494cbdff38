"""Of several answers the least risky one counts, and a rescue is not slowed down."""

from __future__ import annotations

from decimal import Decimal

from leverd.domain.decision import Hold, SetLeverage, Unwind, combine


def wish(agent, target, *, urgent=False):
    return SetLeverage(agent, Decimal(target), "why", urgent)


def test_the_lowest_leverage_counts_and_an_unwind_before_any():
    low, high, out = wish("a", "1.5"), wish("b", "2"), Unwind("c", "why")

    assert combine((high, low)) == low
    assert combine((low, out, high)) == out
    assert combine((Hold("d", "fine"), high)) == high


def test_of_two_equal_wishes_the_urgent_ones_reason_stands():
    calm, pressed = wish("a", 2), wish("b", 2, urgent=True)

    assert combine((calm, pressed)) == combine((pressed, calm)) == pressed
    out, now = Unwind("a", "why"), Unwind("b", "why", urgent=True)
    assert combine((out, now)) == combine((now, out)) == now


def test_a_calm_wish_that_goes_further_is_as_urgent_as_the_rescue_beside_it():
    found = combine((wish("guardian", 2, urgent=True), wish("loop", 1)))

    assert (found.agent, found.target, found.urgent) == ("loop", 1, True)
    assert not combine((wish("a", 2), wish("b", 1))).urgent


def test_where_all_hold_the_last_reason_stands():
    assert combine((Hold("a", "one"), Hold("b", "two"))) == Hold("b", "two")


def test_an_unwind_saves_where_anybody_asks_to_and_knows_what_they_call_saved():
    guard = SetLeverage("guardian", Decimal(2), "why", urgent=True, enough=13 * 10**17)
    limits = wish("limits", 1, urgent=True)
    out = Unwind("owner", "why")

    found = combine((guard, out))
    assert found == Unwind("owner", "why", urgent=True, saves=True, enough=13 * 10**17)
    assert combine((found, limits)) == found, "limits, asked last, know no such health"
    assert combine((out, wish("loop", 2))) == out, "what is calm saves nothing"
