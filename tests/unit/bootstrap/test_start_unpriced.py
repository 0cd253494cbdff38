"""A start while an oracle is dead judges who can be valued, and ends for nobody."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage

from leverd.adapters.simulated import markets
from leverd.bootstrap import service
from leverd.engine.book import Book, Page
from leverd.engine.collect import snapshot_of


@pytest.mark.parametrize("price", [0, 3_000], ids=["dead", "alive"])
async def test_a_start_judges_only_positions_that_can_be_valued(price, monkeypatch):
    stage = Stage()
    await stage.live(8)
    assert stage.owes
    stage.chain.change(markets.priced(worlds.WETH, price))
    stage.chain.mine()
    judged = []

    async def judge(_settings, _opened, name, _view, **_):
        judged.append(name)

    monkeypatch.setattr(service, "_judge", judge)
    opened = SimpleNamespace(recorder=SimpleNamespace(book=Book()))
    seen = await stage.venue.observe([worlds.mandate()])
    await service._judge_all(None, opened, seen)
    assert judged == (["loop"] if price else [])


async def test_a_start_keeps_a_position_that_another_pool_keeps_and_judges_it_not(monkeypatch):
    stage, judged = Stage(), []

    async def judge(_settings, _opened, name, _view, *, guarded):
        judged.append((name, guarded))

    monkeypatch.setattr(service, "_judge", judge)
    seen = await stage.venue.observe([worlds.mandate()])
    here = seen.positions["loop"]
    state = here.state.with_market(replace(here.state.market, kept_at="0x" + "b" * 40))
    moved = replace(here, state=state)
    known = replace(snapshot_of(here.state, seen.stamp), owed={"USDC": 1}, kept_at="0x" + "a" * 40)
    book = Book({"loop": Page(snapshot=known)})
    opened = SimpleNamespace(recorder=SimpleNamespace(book=book))
    both = replace(seen, positions={"loop": moved, "other": here})
    await service._judge_all(None, opened, both)
    assert judged == [("other", True)]
