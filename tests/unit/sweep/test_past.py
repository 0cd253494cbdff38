"""A past that cannot be walked is refused; one that can has a name that changes with it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.sweep.pasts import RAY, past_of, walk

from leverd.backtest.history.exact import widened
from leverd.errors import SweepError


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"prices": [2_000]}, "1 point:"),
        ({"prices": [2_000, 0]}, "point 1: price"),
        ({"prices": [1, 2], "debt_prices": [0, 1]}, "point 0: price"),
        ({"prices": [1, 2], "borrow": [RAY, 0]}, "point 1: index"),
        ({"prices": [1, 2], "supply_index": widened([RAY])}, "different lengths"),
        ({"prices": [1, 2], "amount": 0}, "above zero"),
        ({"prices": [1, 2], "bonus": -1}, "above zero"),
    ],
)
def test_what_no_position_can_be_held_through_is_refused(said, words):
    with pytest.raises(SweepError, match=words) as caught:
        past_of(**said)
    assert caught.value.code == "LVD-SWP-007"


def test_the_digest_is_of_everything():
    first, again = walk(50), walk(50)
    assert first.digest() == again.digest()
    others = [walk(50, seed=2), walk(50, bonus=1), walk(50, period=2), first.between(0, 49)]
    assert len({first.digest(), *(each.digest() for each in others)}) == 5


def test_a_part_of_it_is_a_view():
    past = walk(50)
    part = past.between(10, 20, "part")
    assert (len(part), part.name) == (10, "part")
    assert np.shares_memory(part.collateral_price, past.collateral_price)
    assert next(part.rows()) == list(past.rows())[10]
