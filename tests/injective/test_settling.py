"""Unknown never becomes failed, and what is certain is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.adapters.injective.settling import (
    SETTLE_BLOCKS,
    Evidence,
    InBook,
    Included,
    InHistory,
    settled,
    wants_history,
)
from leverd.interfaces.spot_venue import (
    Manner,
    Side,
    SpotAttempt,
    SpotFill,
    SpotOrder,
    Standing,
)

ATTEMPT = SpotAttempt("c", slot=5, tx_hash="AB", payload=b"", dead_after=100)
TAKEN = Included(90, 0, "", "")
FILLED = InHistory(False, "filled", Decimal(5))
FAILED = Standing.NEVER, Standing.LOST, Standing.REJECTED


def order(manner: Manner = Manner.REST) -> SpotOrder:
    return SpotOrder("c", "0xab", Side.BUY, manner, Decimal(20), Decimal(5))


def fill(quantity: int, *, price: int = 20, side: Side = Side.BUY) -> SpotFill:
    amount = Decimal(quantity)
    return SpotFill(str(quantity), "c", "0xab", side, Decimal(price), amount, Decimal(0), 1)


def evidence(**found) -> Evidence:
    nothing = {
        "head": 95,
        "slot_next": 5,
        "included": None,
        "in_book": None,
        "history": None,
        "fills": (),
    }
    return Evidence(**(nothing | found))


BLOCKS = st.integers(1, 120)
AMOUNTS = st.integers(0, 5).map(Decimal)
FOUND = st.builds(
    Evidence,
    head=BLOCKS,
    slot_next=st.integers(4, 7),
    included=st.none()
    | st.builds(
        Included,
        block=BLOCKS,
        code=st.sampled_from([0, 24, 97]),
        codespace=st.sampled_from(["exchange", "sdk"]),
        reason=st.just(""),
    ),
    in_book=st.none() | st.builds(InBook, AMOUNTS),
    history=st.none()
    | st.builds(
        InHistory,
        active=st.booleans(),
        state=st.sampled_from(["booked", "partial_filled", "filled", "canceled"]),
        filled=AMOUNTS,
    ),
    fills=st.lists(st.builds(fill, st.integers(1, 4)), max_size=2),
    executed=st.none() | st.lists(st.builds(fill, st.integers(1, 4)), max_size=2),
)


@given(FOUND, st.sampled_from(Manner))
def test_what_was_traded_is_never_called_failed(found, manner):
    seen = settled(order(manner), ATTEMPT, found)
    refused = found.included is not None and found.included.code
    if found.in_book or (found.fills and not refused):
        assert seen.standing not in FAILED


@given(FOUND)
def test_nothing_is_called_never_while_it_may_still_come(found):
    seen = settled(order(), ATTEMPT, found)
    if seen.standing is Standing.NEVER:
        assert found.head > ATTEMPT.dead_after
        assert found.slot_next <= ATTEMPT.slot
        assert found.included is None or found.included.code


@given(FOUND, st.sampled_from(Manner))
def test_closed_accounts_for_all_that_was_filled(found, manner):
    seen = settled(order(manner), ATTEMPT, found)
    if seen.standing is Standing.CLOSED:
        assert seen.filled == sum(one.quantity for one in seen.fills) <= 5
        assert seen.fills in (tuple(found.fills), tuple(found.executed or ()))


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (evidence(), Standing.UNKNOWN),
        (evidence(head=100 + SETTLE_BLOCKS), Standing.UNKNOWN),
        (evidence(head=101 + SETTLE_BLOCKS), Standing.NEVER),
        (evidence(head=101 + SETTLE_BLOCKS, slot_next=6), Standing.LOST),
        (evidence(head=200, slot_next=6, fills=(fill(1),)), Standing.UNKNOWN),
        (evidence(slot_next=6, fills=(fill(5),), history=FILLED), Standing.UNKNOWN),  # it may come
        (evidence(head=200, slot_next=6, fills=(fill(5),), history=FILLED), Standing.CLOSED),
        (evidence(head=200, slot_next=6, fills=(fill(4),), history=FILLED), Standing.UNKNOWN),
        (
            evidence(head=200, slot_next=6, fills=(fill(5),), history=replace(FILLED, active=True)),
            Standing.CLOSED,  # more than all of it there cannot be
        ),
        (
            evidence(
                head=200,
                slot_next=6,
                fills=(fill(2),),
                history=InHistory(False, "canceled", Decimal(2)),
            ),
            Standing.CLOSED,
        ),
        (evidence(included=TAKEN, fills=(fill(6),)), Standing.UNKNOWN),  # beyond the order
        (
            evidence(head=200, slot_next=6, history=InHistory(True, "booked", Decimal(0))),
            Standing.UNKNOWN,
        ),
        (evidence(included=TAKEN, in_book=InBook(Decimal(5))), Standing.OPEN),
        (evidence(included=TAKEN), Standing.UNKNOWN),
        (evidence(included=Included(96, 0, "", "")), Standing.UNKNOWN),
        (evidence(slot_next=6, included=Included(90, 24, "exchange", "none")), Standing.REJECTED),
        (evidence(slot_next=6, included=Included(90, 97, "sdk", "")), Standing.REJECTED),
        # refused before it spent its number: until it is dead another block may take it yet
        (evidence(included=Included(90, 5, "sdk", "no funds")), Standing.UNKNOWN),
        (evidence(head=104, included=Included(90, 5, "sdk", "no funds")), Standing.NEVER),
        (evidence(included=Included(90, 97, "exchange", "exists")), Standing.UNKNOWN),
        (evidence(included=TAKEN, fills=(fill(5),)), Standing.CLOSED),
        (evidence(included=TAKEN, fills=(fill(2),)), Standing.UNKNOWN),
        (
            evidence(
                included=TAKEN, fills=(fill(2),), history=InHistory(False, "canceled", Decimal(2))
            ),
            Standing.CLOSED,
        ),
        (
            evidence(included=TAKEN, history=InHistory(False, "canceled", Decimal(2))),
            Standing.UNKNOWN,  # trades that are not told yet
        ),
        (
            evidence(included=TAKEN, history=InHistory(False, "canceled", Decimal(0))),
            Standing.CLOSED,
        ),
    ],
)
def test_each_finding_has_one_meaning(found, standing):
    assert settled(order(), ATTEMPT, found).standing is standing


def test_what_takes_is_closed_by_its_trades_and_a_history_that_agrees():
    told = InHistory(False, "partial_filled", Decimal(2))
    found = evidence(included=TAKEN, fills=(fill(2),), history=told)
    assert settled(order(Manner.TAKE), ATTEMPT, found).standing is Standing.CLOSED
    assert settled(order(Manner.REST), ATTEMPT, found).standing is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("executed", "standing"),
    [
        ((fill(5),), Standing.CLOSED),
        ((fill(1), fill(2, price=19)), Standing.CLOSED),
        ((), Standing.CLOSED),  # it found nobody
        (None, Standing.UNKNOWN),
        ((fill(6),), Standing.UNKNOWN),
        ((fill(3), fill(3)), Standing.UNKNOWN),
        ((fill(2, price=21),), Standing.UNKNOWN),
        ((fill(2, side=Side.SELL),), Standing.UNKNOWN),
    ],
)
def test_a_blocks_word_closes_what_takes_if_the_order_can_have_made_it(executed, standing):
    seen = settled(order(Manner.TAKE), ATTEMPT, evidence(included=TAKEN, executed=executed))
    assert seen.standing is standing
    assert seen.fills == (executed if standing is Standing.CLOSED else ())
    resting = settled(order(), ATTEMPT, evidence(included=TAKEN, executed=executed))
    assert resting.standing is Standing.UNKNOWN


def test_a_sale_is_not_made_below_its_price():
    sale = replace(order(Manner.TAKE), side=Side.SELL)
    for price, standing in ((20, Standing.CLOSED), (19, Standing.UNKNOWN)):
        told = (fill(2, price=price, side=Side.SELL),)
        found = evidence(included=TAKEN, executed=told)
        assert settled(sale, ATTEMPT, found).standing is standing


def test_an_order_in_the_book_tells_what_is_left():
    seen = settled(order(), ATTEMPT, evidence(in_book=InBook(Decimal(3))))
    assert (seen.standing, seen.filled) == (Standing.OPEN, 2)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (evidence(in_book=InBook(Decimal(5))), False),
        (evidence(), False),
        (evidence(slot_next=6), True),
        (evidence(included=TAKEN), True),
        (evidence(included=Included(90, 24, "exchange", "")), False),
        (evidence(included=Included(90, 97, "exchange", "")), True),
    ],
)
def test_the_indexer_is_asked_only_where_it_decides(found, wanted):
    assert wants_history(ATTEMPT, found) is wanted
