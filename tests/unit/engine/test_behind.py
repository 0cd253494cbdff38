"""A look that shows less than what was seen already says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.worlds import mandate, state, view

from leverd.domain.events import PositionAdopted
from leverd.engine.book import Book
from leverd.engine.collect import check_not_behind, snapshot_of
from leverd.engine.state import fold
from leverd.errors import UnreachableError


def test_a_lagging_nodes_picture_is_refused_and_the_newest_taken():
    stamp = view().stamp
    book = fold(
        Book(),
        PositionAdopted(
            mandate().position_id, mandate().account, snapshot_of(state(idle=1), stamp)
        ),
        stamp.at,
    )
    check_not_behind(Book(), stamp)
    check_not_behind(book, stamp)
    check_not_behind(book, replace(stamp, block=stamp.block + 1))
    with pytest.raises(UnreachableError, match="was seen already"):
        check_not_behind(book, replace(stamp, block=stamp.block - 1))
