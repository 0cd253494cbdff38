"""Searches for the largest size that does: exact to a part in 2^34, and in few tries."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from leverd.engine.sizing import crossing, largest

LIMITS = st.integers(1, 10**21)
PART = 2**34


class Excess:
    """A rising excess that is 0 at `root`, bends by `bend`, and is unknown from `wall` on."""

    def __init__(self, root, bend, limit, wall):
        self.root, self.bend, self.limit, self.wall, self.tries = root, bend, limit, wall, 0

    def __call__(self, at):
        self.tries += 1
        if self.wall is not None and at >= self.wall:
            return None
        off = at - self.root
        return off + off * abs(off) * self.bend // (1000 * self.limit)


@st.composite
def excesses(draw):
    limit = draw(LIMITS)
    root = draw(st.integers(0, limit + limit // 5))
    wall = draw(st.none() | st.integers(1, limit + 1))
    return Excess(root, draw(st.integers(0, 3000)), limit, wall), draw(st.integers(0, 2 * limit))


@given(excesses())
@example((Excess(0, 0, 1, None), 0))
@example((Excess(10**20, 0, 10**21, 10**20 + 1), 10**20))
def test_a_crossing_is_found_wherever_the_search_begins(case):
    excess, guess = case
    found = crossing(excess, -excess.root, excess.limit, guess)
    wall = excess.limit if excess.wall is None else excess.wall - 1
    true = min(excess.root, excess.limit, wall)
    assert found <= true <= found + max(1, found // PART)


@given(st.integers(10**9, 10**21), st.integers(-100, 100), st.integers(0, 100))
def test_a_good_guess_at_something_nearly_straight_takes_few_tries(root, off, bend):
    excess = Excess(root, bend, 2 * root, None)
    crossing(excess, -root, 2 * root, root + root * off // 1000)
    assert excess.tries <= 16


def test_nothing_is_enough_where_no_size_does():
    assert crossing(lambda _: None, 0, 10**18, 10**17) == 0


@given(st.integers(-1, 10**21), st.integers(0, 10**21))
def test_the_largest_that_holds_is_found(limit, last):
    found = largest(lambda n: n <= last, limit)
    true = max(min(limit, last), 0)
    assert found <= true <= found + max(1, found // PART)
