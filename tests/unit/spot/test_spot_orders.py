"""An order from the gate's yes to what became of it, whatever the venue says or keeps back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.spots import ACCOUNT, LIMITS, MARKET, NOW, SpotStage, depth, view

from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.agents.signal_trader import SignalTrader
from leverd.domain.atto import atto
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.engine.recorder import Recorder
from leverd.errors import NonsenseError, RefusedError, SigningRefusedError, UnreachableError
from leverd.execution.spot_orders import _LOST_S as LOST_S
from leverd.execution.spot_orders import SpotOrders
from leverd.interfaces.spot_rules import client_id
from leverd.interfaces.spot_venue import SpotSighting, Standing
from leverd.risk.spot_gate import ApprovedOrder, review


class Moody(SimulatedSpot):
    """A venue that fails and doubts as told."""

    refuses = None  # what `sign` raises
    loses = None  # what `send` raises, and whether it was taken all the same
    sees = None  # what `look` says instead
    wrong_cancels = None
    told_from = 0  # height before which no index knows what its blocks did
    behind = 0  # sequence numbers that its account's state lags

    async def slot(self):
        return await super().slot() - self.behind

    async def sign(self, order, slot):
        if self.refuses is not None:
            raise self.refuses
        return await super().sign(order, slot)

    async def sign_cancel(self, order, slot):
        if self.wrong_cancels is not None:
            raise self.wrong_cancels
        attempt = await super().sign(replace(order, cid="other"), slot)
        return replace(attempt, cid=order.cid)

    async def send(self, payload):
        if self.loses is None:
            return await super().send(payload)
        error, taken = self.loses
        if taken:
            await super().send(payload)
        raise error

    async def look(self, order, attempt):
        if self._exchange.height < self.told_from:
            return self._not_found(attempt)
        return self.sees or await super().look(order, attempt)


@pytest.fixture
def stage():
    return SpotStage(venue=Moody)


def orders(stage):
    recorder = Recorder(stage.journal)
    recorder.restore()
    return SpotOrders(stage.venue, recorder, lambda: recorder.book.spot)


def approved(**changes):
    seen = view(**changes)
    found = review(SignalTrader(LIMITS).decide(seen), seen, LIMITS)
    assert isinstance(found, ApprovedOrder)
    return found


def kinds(stage):
    return [type(each) for each in stage.events()]


def ended(stage):
    (found,) = stage.events(SpotOrderSettled)
    return found


async def test_it_is_planned_signed_journaled_sent_once_and_settled(stage):
    desk = orders(stage)
    await desk.place(approved())
    assert kinds(stage) == [SpotOrderPlanned, SpotAttemptSigned, SpotAttemptSent]
    (sent,) = stage.events(SpotAttemptSigned)
    plan = next(stage.journal.replay())
    assert (sent.cid, sent.slot) == (client_id(ACCOUNT, plan, 0), 0)
    await desk.tend(NOW)
    assert desk.in_flight
    stage.block()
    await desk.tend(NOW + 1)
    assert not desk.in_flight
    done = ended(stage)
    assert (done.standing, done.exact, done.block) == ("closed", True, stage.exchange.height)
    assert stage.spot.base == stage.base == done.filled > 4 * WAD
    paid = 1_000 * 10**6 - stage.exchange.tills[ACCOUNT].held["usdt"]
    assert 0 <= paid * 10**12 - stage.spot.cost < 10**12


@pytest.mark.parametrize(
    "error",
    [RefusedError("r", "no"), SigningRefusedError("too dear"), UnreachableError("silence")],
)
async def test_what_is_not_signed_is_over_at_once(stage, error):
    stage.venue.refuses = error
    desk = orders(stage)
    await desk.place(approved())
    assert kinds(stage) == [SpotOrderPlanned, SpotOrderSettled]
    assert (ended(stage).standing, desk.in_flight) == ("unsigned", False)


async def test_what_was_planned_when_the_process_ended_was_never_sent(stage):
    stage.venue.refuses = NonsenseError("another chain", number=92)
    desk = orders(stage)
    with pytest.raises(NonsenseError):
        await desk.place(approved())
    again = orders(stage)
    assert again.in_flight
    await again.tend(NOW)
    assert ended(stage).standing == "unsigned"


async def test_a_second_order_waits_for_the_first(stage):
    desk = orders(stage)
    await desk.place(approved())
    with pytest.raises(AssertionError):
        await desk.place(approved())


@pytest.mark.parametrize("error", [UnreachableError("silence"), RefusedError("sequence", "no")])
async def test_an_answer_that_never_came_is_no_failure(stage, error):
    stage.venue.loses = error, True
    desk = orders(stage)
    await desk.place(approved())
    assert error.message in stage.events(SpotAttemptSent)[0].said
    stage.block()
    await desk.tend(NOW)
    assert ended(stage).standing == "closed"


async def test_what_was_never_taken_is_unknown_until_it_is_dead_and_then_never(stage):
    stage.venue.loses = UnreachableError("silence"), False
    desk = orders(stage)
    await desk.place(approved())
    (sent,) = stage.events(SpotAttemptSigned)
    while stage.exchange.height <= sent.dead_after:
        await desk.tend(NOW)
        assert desk.in_flight
        stage.block()
    await desk.tend(NOW)
    assert (ended(stage).standing, ended(stage).filled) == ("never", 0)
    assert stage.spot.slots == 0  # its slot may be used again
    stage.venue.loses = None
    await desk.place(approved())
    assert stage.events(SpotAttemptSigned)[1].slot == sent.slot


async def gone(stage):
    """Return a desk whose order somebody else's took the slot of, long ago."""
    stage.venue.loses = UnreachableError("silence"), False
    desk = orders(stage)
    await desk.place(approved())
    stage.exchange.tills[ACCOUNT].sequence += 1
    for _ in range(40):
        stage.block()
    return desk


async def test_a_slot_that_somebody_else_spent_is_lost_and_then_nothing_is_ordered(stage):
    desk = await gone(stage)
    await desk.tend(NOW)
    assert desk.in_flight  # one look proves nothing
    stage.block()
    await desk.tend(NOW + LOST_S)
    assert (ended(stage).standing, ended(stage).filled) == ("lost", 0)
    (stopped,) = stage.events(SpotStopped)
    assert stopped.why == "lost"
    assert ended(stage).cid in stopped.reason
    assert stage.spot.slots == 1
    held = view(spot=replace(stage.spot, base=5 * WAD), unwinding=True)
    for seen in (view(spot=stage.spot), held):
        assert SignalTrader(LIMITS).decide(seen).code == "lost"


async def test_neither_minutes_alone_nor_a_later_block_alone_make_an_order_lost(stage):
    desk = await gone(stage)
    for at in (NOW, NOW + 10 * LOST_S):  # a node that stands still says the same again
        await desk.tend(at)
    assert desk.in_flight
    again = orders(stage)  # nothing of the doubt outlives a restart
    await again.tend(NOW)
    for _ in range(60):
        stage.block()
        await again.tend(NOW + LOST_S - 1)
    assert again.in_flight
    await again.tend(NOW + LOST_S)
    assert ended(stage).standing == "lost"


async def test_a_look_that_says_otherwise_begins_the_doubt_anew(stage):
    desk = await gone(stage)
    await desk.tend(NOW)
    stage.block()
    stage.venue.sees = SpotSighting(Standing.UNKNOWN, stage.exchange.height)
    await desk.tend(NOW + LOST_S)
    stage.venue.sees = None
    stage.block()
    await desk.tend(NOW + LOST_S)
    assert desk.in_flight
    stage.block()
    await desk.tend(NOW + 2 * LOST_S)
    assert ended(stage).standing == "lost"


async def test_indexes_that_are_sixty_blocks_late_lose_no_order(stage):
    desk = orders(stage)
    await desk.place(approved())
    (sent,) = stage.events(SpotAttemptSigned)
    stage.venue.told_from = sent.dead_after + 60
    while stage.exchange.height < stage.venue.told_from:
        stage.block()
        await desk.tend(stage.exchange.at_ms // 1000)
        assert desk.in_flight == (stage.exchange.height < stage.venue.told_from)
    assert ended(stage).standing == "closed"
    assert stage.spot.base == stage.base > 4 * WAD
    assert stage.events(SpotStopped) == []


async def test_a_node_that_is_behind_has_nothing_signed_and_the_next_turn_places_it(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.block()
    await desk.tend(NOW)
    stage.venue.behind = 1
    await desk.place(approved())
    assert not desk.in_flight
    (_, refused) = stage.events(SpotOrderSettled)
    assert refused.standing == "unsigned"
    for told in ("LVD-NET-094", stage.venue.name, "a node that keeps up"):
        assert told in refused.reason
    assert len(stage.events(SpotAttemptSigned)) == 1
    stage.venue.behind = 0
    await desk.place(approved())
    stage.block()
    await desk.tend(NOW)
    signed = stage.events(SpotAttemptSigned)
    assert [each.slot for each in signed] == [0, 1]
    plans = [each for each in stage.journal.replay() if isinstance(each.event, SpotOrderPlanned)]
    assert [each.cid for each in signed] == [client_id(ACCOUNT, plans[at], 0) for at in (0, 2)]
    assert stage.spot.slots == 2


async def test_what_the_venue_says_no_to_traded_nothing(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.price = "30"
    stage.block()
    await desk.tend(NOW)
    assert (ended(stage).standing, ended(stage).filled) == ("rejected", 0)
    assert stage.spot.slots == 1


async def test_what_fills_in_part_is_what_is_held(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.price = replace(depth(), asks=((Decimal("20.01"), Decimal("1.5")),))
    stage.block()
    await desk.tend(NOW)
    assert stage.spot.base == stage.base == 3 * WAD // 2


async def test_what_is_closed_without_all_of_its_trades_is_a_bug_and_nothing_is_booked(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.venue.sees = SpotSighting(Standing.CLOSED, 102, Decimal(4), 102)
    with pytest.raises(AssertionError):
        await desk.tend(NOW)
    assert desk.in_flight
    assert stage.events(SpotOrderSettled) == []


async def test_a_sale_is_told_and_counted(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.block()
    await desk.tend(NOW)
    seen = view(spot=stage.spot, unwinding=True, purses=await stage.venue.purses())
    await desk.place(review(SignalTrader(LIMITS).decide(seen), seen, LIMITS))
    stage.block()
    await desk.tend(NOW)
    assert stage.spot.base == stage.base == 0
    left = stage.exchange.tills[ACCOUNT].held["usdt"] - 1_000 * 10**6
    assert abs(left * 10**12 - stage.spot.realised) < 3 * 10**12
    assert stage.spot.realised < 0


async def test_what_rests_though_it_should_only_take_is_cancelled_once_a_life(stage):
    desk = orders(stage)
    await desk.place(approved())
    stage.venue.sees = SpotSighting(Standing.OPEN, 101, Decimal(1), 101)
    await desk.tend(NOW, signs=False)
    assert len(stage.events(SpotAttemptSigned)) == 1
    stage.venue.wrong_cancels = RefusedError("r", "no")
    await desk.tend(NOW)
    assert len(stage.events(SpotAttemptSigned)) == 1
    stage.venue.wrong_cancels = None
    await desk.tend(NOW)  # of a node that does not know yet that the order spent its slot
    assert len(stage.events(SpotAttemptSigned)) == 1
    stage.exchange.tills[ACCOUNT].sequence = 1
    await desk.tend(NOW)
    await desk.tend(NOW)
    (_, cancel) = stage.events(SpotAttemptSigned)
    assert cancel.purpose == "cancel"
    stage.venue.sees = replace(stage.venue.sees, head=cancel.dead_after + 1)
    await desk.tend(NOW)
    assert len(stage.events(SpotAttemptSigned)) == 3
    stage.venue.sees = SpotSighting(Standing.CLOSED, 150, Decimal(0), 101)
    await desk.tend(NOW)
    assert (ended(stage).standing, ended(stage).filled) == ("closed", 0)


async def test_nothing_in_flight_is_nothing_to_do(stage):
    await orders(stage).tend(NOW)
    assert stage.events() == []


async def test_fees_that_were_paid_to_us_lower_the_cost(stage):
    stage.exchange.market = replace(MARKET, taker_fee=Decimal("-0.001"))
    desk = orders(stage)
    await desk.place(approved())
    stage.block()
    await desk.tend(NOW)
    done = ended(stage)
    assert done.fee < 0
    assert stage.spot.cost == done.notional + done.fee < atto(Decimal(100))
