"""Rule 4: settle what is open, read the truth, decide anew; half-done sequences are tidied."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests import worlds
from tests.executions import check_books, live, view_of, wish
from tests.unit.execution.stage import Stage

from leverd.domain.valuation import leverage


@pytest.mark.parametrize("turns", range(1, 10))
async def test_any_prefix_of_a_sequence_ends_at_target_with_nothing_idle(turns):
    stage = Stage(atomic=False)
    await stage.begin("2.5")
    await stage.turns(turns)
    executor = stage.another()
    await executor.recover()
    await live(executor, stage.venue, wish("2.5"))
    view, _ = await view_of(stage.venue)
    assert abs(leverage(view.state) - Decimal("2.5")) < Decimal("0.03")
    assert view.state.position.idle.get(worlds.USDC, 0) < worlds.USDC.unit
    check_books(stage.journal, stage.chain)


async def test_nothing_new_begins_before_what_a_crash_left_open_is_settled():
    stage = Stage(delay_blocks=6)
    await stage.begin(2)
    executor = stage.another()
    await executor.recover()
    assert executor.open_slots == 1
    assert not (await stage.begin("2.5"))[0]
    await stage.settle()
    assert (await stage.begin("2.5"))[0]
