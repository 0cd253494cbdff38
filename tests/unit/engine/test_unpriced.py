"""An oracle that says nothing: the daemon says so, waits for it, and goes on when it is back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage

from leverd.adapters.simulated import markets
from leverd.domain.events import DaemonStopped, PnlRecorded, PortfolioStopped
from leverd.domain.money import Asset
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepVerified
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


def beside_dust(of):
    """Have a stranger lend, beside the position, what is no collateral and what nobody prices."""
    dust = Asset("DUST", 18)
    loan, market = of.position.loan, of.market
    reserve = replace(market.reserves[worlds.USDC], asset=dust, reserve_id=7, price=0)
    held = replace(loan, supplies={**loan.supplies, dust: 10**12})
    market = replace(market, reserves={**market.reserves, dust: reserve})
    position = replace(of.position, loans={"aave": held})
    return replace(of, lending={"aave": market}, position=position)


async def test_what_is_lent_and_no_collateral_and_without_a_price_ends_no_daemon():
    """The venue does not count it, so the guardian need not either; only P&L has to wait."""
    stage = Stage(beside_dust(worlds.at_leverage("2.9")))
    await stage.live(8)
    assert [plan.purpose for plan in stage.events(PlanApproved)] == [Purpose.REDUCE]
    assert len(stage.events(PlanCompleted)) == 1
    assert stage.leverage < Decimal("2.6")
    assert stage.events(PnlRecorded) == []
    (said,) = [alert for alert in stage.told.alerts if alert.code == "LVD-ORC-001"]
    assert "no price for DUST" in said.message


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
