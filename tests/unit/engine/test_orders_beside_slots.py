"""Orders on equity: what money that comes or goes never fires, and what holds none of them back."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.order_worlds import keeper
from tests.unit.engine.daemons import GUARD, Stage

from leverd.adapters.simulated import markets
from leverd.agents import guardian
from leverd.domain.events import (
    ExternalChanged,
    OrderFired,
    PeakReached,
    PnlRecorded,
    PortfolioStopped,
)
from leverd.domain.fixed_point import WAD
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import SlotFinal
from leverd.engine.turn import Seat
from leverd.interfaces.requests import RequestKind

WETH, USDC = worlds.WETH, worlds.USDC
MINE, OTHER = worlds.mandate(), worlds.mandate(position_id="other", account="0xOther")
SLOWLY = {"final_depth": 10**6}
KEPT = keeper(
    take_profit=[{"equity_gain": "0.2"}],
    stop_loss={"equity_loss": "0.2"},
    trailing_stop={"drop": "0.15", "of": "equity", "activation": "0.1"},
)
SEATS = [Seat(guardian.Guardian(GUARD), guards=True), Seat(KEPT, guards=True)]


def to(price):
    """Return what moves oracle and pool to `price`."""
    return markets.priced(WETH, price), markets.traded("weth-usdc", WETH, price)


def came(whole):
    return markets.given(MINE.account, WETH, whole * WETH.unit)


def unit_prices(stage, name="loop"):
    return [mark.unit_price for mark in stage.events(PnlRecorded) if mark.position_id == name]


@pytest.fixture
async def stage():
    """A position of 10 ether that our own transaction opened, which a block may yet undo."""
    made = Stage(terms=SLOWLY)
    await made.live(5)
    made.seats = {"loop": SEATS}
    await made.live(2)
    assert made.owes
    assert made.events(SlotFinal) == []
    return made


async def test_a_deposit_soon_after_a_transaction_of_ours_fires_nothing(stage):
    opened = unit_prices(stage)[-1]
    stage.chain.change(came(3))
    await stage.live(5)
    quiet(stage, opened)
    assert flows(stage) == [9_000 * 10**8]


async def test_nor_does_what_comes_and_goes_and_stays_idle(stage):
    stage.requests.put(RequestKind.HALT, "", "cli")
    opened = unit_prices(stage)[-1]
    for whole in (3, -3):
        stage.chain.change(came(whole))
        await stage.live(5)
    quiet(stage, opened)
    assert flows(stage) == [9_000 * 10**8, -9_000 * 10**8]
    causes = [change.cause for change in stage.events(ExternalChanged)]
    assert causes == ["deposit", "withdrawal"]


def quiet(stage, opened):
    """Check that no order fired, and that a unit was never worth other than when `opened`."""
    assert stage.events(OrderFired) == []
    assert all(peak.unit < opened * 101 // 100 for peak in stage.events(PeakReached))
    assert unit_prices(stage)[-1] == pytest.approx(opened, rel=1e-3)


def flows(stage):
    return [mark.flow for mark in stage.events(PnlRecorded)[1:] if mark.flow]


@pytest.mark.parametrize("price", [3_500, 2_600])
async def test_what_is_truly_gained_or_lost_fires_at_once(price, stage):
    stage.chain.change(came(3))
    await stage.live(4)
    stage.chain.change(*to(price))
    stage.chain.mine()
    await stage.live(1)
    (fired,) = stage.events(OrderFired)
    assert "equity" in fired.order
    await stage.live(6)
    assert not stage.owes


async def test_what_one_look_shows_is_not_marked_and_two_are(stage):
    stage.requests.put(RequestKind.HALT, "", "cli")
    await stage.live(1)
    stage.chain.change(came(3))
    marks = len(unit_prices(stage))
    await stage.live(1)
    stage.chain.mine()
    for looks in (1, 2):
        assert len(unit_prices(stage)) == marks
        assert stage.events(ExternalChanged) == [], "each life looks anew"
        await stage.live(looks)
    assert len(unit_prices(stage)) == marks + 1
    assert len(stage.events(ExternalChanged)) == 1


def beside(**bounds):
    """Return a stage of one that is to be opened, and another that orders are kept on."""
    levered = worlds.at_leverage("2.5")
    levered = replace(levered, position=replace(levered.position, mandate=OTHER))
    stage = Stage(more=[levered], terms={"delay_blocks": 10**6}, **bounds)
    stage.seats = {"other": SEATS}
    return stage


def adds_up(stage, name):
    """Check that lines and flows of all marks are what equity changed by, and units with it."""
    marks = [mark for mark in stage.events(PnlRecorded) if mark.position_id == name]
    assert len(marks) > 1
    for before, mark in itertools.pairwise(marks):
        made = sum(mark.attribution.values()) - mark.attribution["gas"] + mark.flow
        assert made == mark.snapshot.equity - before.snapshot.equity
    last = marks[-1]
    worth = last.unit_price * last.units // WAD
    assert worth == pytest.approx(last.snapshot.equity, abs=last.units // WAD + 1)


async def test_a_transaction_that_is_stuck_holds_back_no_order_on_another_position():
    stage = beside()
    await stage.live(3)
    assert len(stage.chain.pool) == 1, "the first is being opened"
    assert unit_prices(stage, "other") != []
    stage.chain.change(*to(2_700))
    await stage.live(2)
    (fired,) = stage.events(OrderFired)
    assert fired.position_id == "other"
    stage.chain.delay_blocks = 1
    stage.chain.forget()
    await stage.live(12)
    ended = {plan.position_id for plan in stage.events(PlanCompleted)}
    assert ended == {"loop", "other"}
    adds_up(stage, "loop")
    adds_up(stage, "other")


async def test_nor_does_it_hold_back_the_stop_of_another_portfolio():
    stage = beside(portfolio_stop=Decimal("0.15"))
    stage.seats = {"other": SEATS[:1]}
    await stage.live(3)
    stage.chain.change(*to(2_750), markets.given(OTHER.account, USDC, USDC.unit))
    await stage.live(3)
    assert [stop.position_id for stop in stage.events(PortfolioStopped)] == ["other"]


async def test_what_it_may_change_itself_waits_until_it_is_settled():
    stage = beside()
    await stage.live(3)
    marks = len(unit_prices(stage))
    stage.chain.change(came(3))
    await stage.live(3)
    assert len(unit_prices(stage)) == marks
    assert stage.events(ExternalChanged) == []
    stage.chain.delay_blocks = 1
    stage.chain.forget()
    await stage.live(6)
    assert 9_000 * 10**8 in flows(stage)
    adds_up(stage, "loop")
