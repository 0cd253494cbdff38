"""An oracle that says nothing: the daemon says so, waits for it, and goes on when it is back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage

from leverd.adapters.simulated import markets
from leverd.domain.events import DaemonStopped, PnlRecorded, PortfolioStopped
from leverd.domain.plan_events import PlanCompleted, StepVerified
from leverd.engine.book import Book
from leverd.engine.collect import views


@pytest.mark.parametrize("asset", [worlds.WETH, worlds.USDC], ids=["collateral", "debt"])
async def test_a_price_of_nothing_ends_no_daemon_and_is_said_once(asset):
    stage = Stage()
    await stage.live(8)
    assert stage.owes
    price = 3_000 if asset == worlds.WETH else 1
    stage.chain.change(markets.priced(asset, 0))
    stage.chain.mine()
    await stage.live(6)
    _, stopped = stage.events(DaemonStopped)
    assert f"no oracle prices {asset.symbol}" in stopped.unguarded[0]
    assert stage.told.codes.count("LVD-ORC-001") == 1
    assert not stage.events(PlanCompleted)[1:], "nothing is done that cannot be valued"
    stage.chain.change(markets.priced(asset, price))
    stage.chain.mine()
    before = len(stage.beats)
    await stage.live(6)
    assert len(stage.beats) > before
    assert stage.owes


@pytest.mark.parametrize("asset", [worlds.WETH, worlds.USDC], ids=["collateral", "debt"])
async def test_a_step_mined_after_its_oracle_fell_silent_is_settled_and_not_marked(asset):
    """What repays from idle money needs no price; a daemon that ended of it guarded nobody."""
    stage = Stage()
    await stage.live(8)
    idle = 3_000 * worlds.USDC.unit
    stage.chain.change(markets.given(worlds.mandate().account, worlds.USDC, idle))
    stage.chain.mine()
    send, marks = stage.venue.send, []

    async def last_priced(payload, *, private=False):
        marks.extend(stage.events(PnlRecorded))
        await send(payload, private=private)
        stage.chain.change(markets.priced(asset, 0))

    stage.venue.send = last_priced
    await stage.live(8)
    assert len(stage.events(PlanCompleted)) == len(stage.events(StepVerified)) == 2
    assert stage.events(PnlRecorded) == marks
    assert stage.told.codes == ["LVD-ORC-001"]
    stage.chain.change(markets.priced(asset, 3_000 if asset == worlds.WETH else 1))
    stage.chain.mine()
    await stage.live(4)
    assert not stage.events(PortfolioStopped)
    before, now = stage.events(PnlRecorded)[-2:]
    assert now.snapshot.equity == pytest.approx(before.snapshot.equity, rel=1e-4)


async def test_who_is_set_apart_is_not_seen_and_still_counts_among_those_that_share_a_budget():
    stage = Stage()
    await stage.live(8)
    seen = await stage.venue.observe([worlds.mandate()])
    book = Book()
    (whole,) = views(seen, book, open_slots=0).values()
    assert whole.portfolio.active_positions == 1
    two = replace(seen, positions={**seen.positions, "other": seen.positions["loop"]})
    apart = views(two, book, open_slots=0, apart={"loop"})
    assert set(apart) == {"other"}
    assert apart["other"].portfolio.active_positions == 2
