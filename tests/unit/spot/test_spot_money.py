"""What is journaled of an order is exact, dated by the chain, and rounded against us."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.spots import ACCOUNT, LIMITS, MARKET, NOW, SpotStage, held_view, view

from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotOrderPlanned,
    SpotOrderSettled,
)
from leverd.engine.recorder import Recorder
from leverd.errors import UnreachableError
from leverd.execution.spot_orders import SpotOrders
from leverd.interfaces.spot_venue import Side, SpotFill, SpotSighting, Standing
from leverd.risk.spot_gate import ApprovedOrder, review

BIT = Decimal("1e-18")
GRAIN = Decimal("4e-19")  # finer than is counted


class Teller(SimulatedSpot):
    """A venue that says of an order what it is told to."""

    sees = None
    mute = False

    async def sign(self, order, slot):
        if self.mute:
            raise UnreachableError("silence", number=1)
        return await super().sign(order, slot)

    async def look(self, order, attempt):
        return self.sees or await super().look(order, attempt)


@pytest.fixture
def stage():
    made = SpotStage(venue=Teller)
    made.exchange.tills[ACCOUNT].held["inj"] = 5 * WAD
    return made


def orders(stage):
    recorder = Recorder(stage.journal)
    recorder.restore()
    return SpotOrders(stage.venue, recorder, lambda: recorder.book.spot)


def approved(side=Side.BUY, **changes):
    seen = view(**changes) if side is Side.BUY else held_view(unwinding=True, **changes)
    found = review(SignalTrader(LIMITS).decide(seen), seen, LIMITS)
    assert isinstance(found, ApprovedOrder)
    return found


def closed(*trades):
    filled = sum((each.quantity for each in trades), Decimal(0))
    return SpotSighting(Standing.CLOSED, 102, filled, 102, fills=trades)


def fill(price, quantity, fee="0", side=Side.BUY):
    money = Decimal(price), Decimal(quantity), Decimal(fee)
    return SpotFill("t", "c", MARKET.market_id, side, *money, at_ms=NOW * 1000)


async def settled(stage, order, sees):
    """Place `order`, let the venue say what it `sees`, and return how it ended."""
    desk = orders(stage)
    await desk.place(order)
    stage.exchange.tills[ACCOUNT].sequence += 1
    stage.venue.sees = sees
    await desk.tend(NOW)
    return stage.events(SpotOrderSettled)[-1]


async def test_every_entry_of_an_order_has_the_chains_time(stage):
    await settled(stage, approved(), closed())
    stage.venue.mute = True
    await orders(stage).place(approved())
    written = list(stage.journal.replay())
    kinds = [type(each.event) for each in written]
    assert kinds == [
        SpotOrderPlanned, SpotAttemptSigned, SpotAttemptSent, SpotOrderSettled,
        SpotOrderPlanned, SpotOrderSettled,
    ]  # fmt: skip
    assert {each.chain_at for each in written} == {NOW}


async def test_what_was_taken_is_said_plainly(stage):
    await orders(stage).place(approved())
    (signed,) = stage.events(SpotAttemptSigned)
    assert signed.purpose == "place"
    assert stage.events(SpotAttemptSent) == [
        SpotAttemptSent("spot", signed.cid, signed.tx_hash, "")
    ]


async def test_what_was_not_signed_moved_nothing(stage):
    stage.venue.mute = True
    await orders(stage).place(approved())
    (ended,) = stage.events(SpotOrderSettled)
    assert ended == SpotOrderSettled("spot", "", "unsigned", 0, 0, 0, 0, ended.reason)
    assert "silence" in ended.reason


async def test_what_was_refused_moved_nothing(stage):
    seen = SpotSighting(Standing.REJECTED, 102, Decimal(0), 102, reason="no")
    ended = await settled(stage, approved(), seen)
    (signed,) = stage.events(SpotAttemptSigned)
    assert ended == SpotOrderSettled("spot", signed.cid, "rejected", 0, 0, 0, 102, "no")


async def test_the_first_purchase_opens_and_neither_the_next_nor_a_sale_does(stage):
    await settled(stage, approved(), closed(fill("20", "1")))
    second = approved(spot=replace(stage.spot, traded_at=0), purses=await stage.venue.purses())
    await settled(stage, second, closed(fill("20", "1")))
    await settled(stage, approved(Side.SELL), closed(fill("20", "1")))
    planned = stage.events(SpotOrderPlanned)
    assert [(each.purpose, each.opens) for each in planned] == [
        ("enter", True), ("enter", False), ("exit", False)
    ]  # fmt: skip


async def test_a_sale_opens_nothing_where_nothing_was_thought_to_be_held(stage):
    sale = approved(Side.SELL)
    assert sale.view.entries == 1
    bare = replace(sale.view.spot, entries=0)
    ended = await settled(stage, approved(Side.SELL, spot=bare), closed())
    assert ended.filled == 0
    assert not stage.events(SpotOrderPlanned)[-1].opens


@pytest.mark.parametrize(
    ("side", "notional", "fee"),
    [
        # (20e18 + 2)(1e18 + 1) / 1e18, a price up, the product up
        (Side.BUY, 20 * WAD + 23, 3 * WAD // 100 + 1),
        # (20e18 + 1)(1e18 + 1) / 1e18, a price down, the product down
        (Side.SELL, 20 * WAD + 21, 3 * WAD // 100 + 1),
    ],
)
async def test_told_trades_are_rounded_against_us(stage, side, notional, fee):
    told = fill(20 + BIT + GRAIN, 1 + BIT, Decimal("0.03") + GRAIN, side)
    ended = await settled(stage, approved(side), closed(told))
    assert (ended.filled, ended.exact) == (WAD + 1, True)
    assert (ended.notional, ended.fee) == (notional, fee)


async def test_a_cancel_is_made_anew_only_once_the_last_one_is_dead(stage):
    desk = orders(stage)
    await desk.place(approved())
    resting = SpotSighting(Standing.OPEN, 101, Decimal(0), 101)
    stage.venue.sees = resting
    stage.exchange.mine(at_ms=stage.exchange.at_ms + 1000, others=None)

    async def sign_cancel(order, slot):
        return replace(await SimulatedSpot.sign(stage.venue, replace(order, cid="c"), slot),
                       cid=order.cid)  # fmt: skip

    stage.venue.sign_cancel = sign_cancel
    await desk.tend(NOW)
    cancel = stage.events(SpotAttemptSigned)[-1]
    assert cancel.purpose == "cancel"
    for head, count in ((cancel.dead_after, 2), (cancel.dead_after + 1, 3)):
        stage.venue.sees = replace(resting, head=head)
        await desk.tend(NOW)
        assert len(stage.events(SpotAttemptSigned)) == count
