"""A book kept from changes is the book, or knows that it is not."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from leverd.adapters.injective.book import Book, Change

ONE, TWO, THREE = (Decimal(number) for number in (1, 2, 3))
LEVEL = st.tuples(st.integers(1, 9).map(Decimal), st.integers(0, 3).map(Decimal))
CHANGES = st.lists(st.tuples(st.lists(LEVEL, max_size=3), st.lists(LEVEL, max_size=3)))


def begun(*asks: tuple[Decimal, Decimal], sequence: int = 7) -> Book:
    book = Book("0xab")
    book.begin(Change(sequence, (), tuple(asks)))
    return book


def test_nothing_is_believed_before_a_snapshot():
    assert not Book("0xab").follow(Change(1, (), ()))


def test_a_change_that_is_known_already_changes_nothing():
    book = begun((TWO, ONE))
    assert book.follow(Change(7, (), ((TWO, THREE),)))
    assert book.depth().asks == ((TWO, ONE),)


def test_a_gap_is_noticed_and_nothing_is_believed_behind_it():
    book = begun((TWO, ONE))
    assert not book.follow(Change(9, (), ((TWO, THREE),)))
    assert not book.follow(Change(10, (), ()))
    book.begin(Change(10, (), ((THREE, ONE),)))
    assert book.follow(Change(11, ((ONE, ONE),), ()))
    assert (book.depth().bids, book.depth().asks) == (((ONE, ONE),), ((THREE, ONE),))


def test_a_level_of_nothing_goes_away():
    book = begun((TWO, ONE), (THREE, ONE))
    book.follow(Change(8, (), ((TWO, Decimal(0)),)))
    assert book.depth().asks == ((THREE, ONE),)


def test_a_crossed_book_is_noticed():
    book = begun((TWO, ONE))
    assert not book.crossed()
    book.follow(Change(8, ((TWO, ONE),), ()))
    assert book.crossed()


@given(CHANGES)
def test_changes_one_by_one_give_what_a_snapshot_gives(changes):
    book, bids, asks = begun(sequence=0), {}, {}
    for number, (more_bids, more_asks) in enumerate(changes, start=1):
        assert book.follow(Change(number, tuple(more_bids), tuple(more_asks)))
        bids.update(more_bids)
        asks.update(more_asks)
    depth = book.depth()
    assert depth.bids == tuple(sorted(((p, q) for p, q in bids.items() if q), reverse=True))
    assert depth.asks == tuple(sorted((p, q) for p, q in asks.items() if q))
    assert depth.sequence == len(changes)
