from dataclasses import replace

import pytest
from tests import worlds
from tests.worlds import WETH

from leverd.domain.changed import changed
from leverd.domain.view import Record


@pytest.mark.parametrize(
    ("held", "changes"),
    [
        (worlds.market().reserves[WETH], {"borrow_index": 7, "updated_at": 8}),
        (worlds.state(posted=1), {"at": 3}),
        (Record(), {"units": 5, "paused": True}),
        (Record(units=5), {}),
    ],
)
def test_a_changed_copy_is_what_replace_makes(held, changes):
    before = repr(held)
    assert changed(held, **changes) == replace(held, **changes)
    assert repr(held) == before


def test_a_field_that_is_not_there_cannot_be_changed():
    with pytest.raises(AttributeError):
        changed(Record(), unitz=5)
