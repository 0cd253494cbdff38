"""What is held and cannot be sold: a human hears of it once, and once it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.spots import MARKET, SpotStage
from tests.unit.spot.test_spot_desk import heard, holds, is_flat

from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.domain.fixed_point import WAD
from leverd.domain.severity import Severity, severity_of
from leverd.domain.spot import OpenOrder, Spot
from leverd.domain.spot_events import SpotDecided, SpotMarked, SpotOrderPlanned, SpotOrderSettled
from leverd.engine.spot_sales import UNSOLD, Sales
from leverd.errors import RefusedError
from leverd.interfaces.spot_venue import Side


def planned(purpose):
    side = "sell" if purpose == "exit" else "buy"
    return SpotOrderPlanned("spot", "0x1", "inj1me", side, purpose, 20 * WAD, WAD, "r")


def settled(filled=0, reason="less than a fee of inj"):
    return SpotOrderSettled("spot", "lv1", "rejected", filled, 20 * filled, 0, 9, reason)


def told_of(*events, spot=None):
    said = []
    sales = Sales(spot or Spot(), said.append)
    for event in events:
        sales.hear(event)
    return said


IN_VAIN = (planned("exit"), settled())
SOLD = (planned("exit"), settled(WAD))


def test_the_third_sale_in_a_row_that_comes_to_nothing_is_told_and_no_other():
    assert told_of(*IN_VAIN * 2) == []
    (said,) = told_of(*IN_VAIN * 40)
    assert said.endswith("3 times in a row; last: less than a fee of inj")
    assert told_of(planned("exit"), settled(reason="")) == []
    (plain,) = told_of(*(planned("exit"), settled(reason="")) * 3)
    assert plain.endswith("last: rejected")


def test_a_sale_that_works_ends_the_row_and_says_so_if_a_human_heard_of_it():
    assert told_of(*IN_VAIN * 2, *SOLD, *IN_VAIN * 2, *SOLD) == []
    first, over, again = told_of(*IN_VAIN * 5, *SOLD, *IN_VAIN * 3)
    assert over == "it is over: what is held is sold again, after 5 times in vain"
    assert first == again


def test_purchases_neither_count_nor_end_the_row():
    purchases = (planned("enter"), settled(), planned("enter"), settled(WAD))
    assert told_of(*purchases * 5) == []
    assert len(told_of(*IN_VAIN, *purchases, *IN_VAIN, *purchases, *IN_VAIN)) == 1


def test_a_sale_that_was_in_flight_at_the_start_counts():
    selling = Spot(base=WAD, order=OpenOrder(planned("exit")))
    assert len(told_of(settled(), *IN_VAIN * 2, spot=selling)) == 1
    buying = Spot(base=WAD, order=OpenOrder(planned("enter")))
    assert told_of(settled(), *IN_VAIN * 2, spot=buying) == []


class Refusing(SimulatedSpot):
    """A venue that refuses orders of one side while it is told to."""

    refuses = None

    async def sign(self, order, slot):
        if order.side is self.refuses:
            raise RefusedError("fee", "there is less inj than a fee takes", number=96)
        return await super().sign(order, slot)


@pytest.fixture
def refusing():
    stage = SpotStage(venue=Refusing)
    stage.says(heard())
    return stage


def is_told(stage):
    return UNSOLD in stage.told.codes


async def test_a_stop_loss_that_is_refused_is_told_once_and_that_it_works_again(refusing):
    await refusing.live(holds)
    refusing.venue.refuses, refusing.price = Side.SELL, "18.5"

    def mends(stage):
        if len(stage.events(SpotOrderSettled)) > 7:
            stage.venue.refuses = None
        return is_flat(stage)

    await refusing.live(mends, blocks=2_000)
    assert refusing.base == 0
    assert refusing.told.codes == [UNSOLD, UNSOLD] == ["LVD-SPT-005"] * 2
    alarm, over = refusing.told.alerts
    assert "there is less inj than a fee takes" in alarm.message
    assert over.message.startswith("it is over")
    assert severity_of(UNSOLD) is Severity.CRITICAL


async def test_a_sale_that_works_at_once_is_not_told(refusing):
    await refusing.live(holds)
    refusing.price = "18.5"
    await refusing.live(is_flat)
    assert refusing.told.codes == []


async def test_a_purchase_that_is_refused_over_and_over_is_not_told(refusing):
    refusing.venue.refuses = Side.BUY
    await refusing.live(lambda one: len(one.events(SpotOrderSettled)) > 4, blocks=4_000)
    assert len(refusing.events(SpotOrderSettled)) > 4
    assert refusing.told.codes == []


async def test_a_sale_that_is_denied_over_and_over_is_told_and_that_it_works_again(refusing):
    await refusing.live(holds)
    refusing.price = "18.5"
    refusing.exchange.market = replace(MARKET, active=False)
    await refusing.live(is_told)
    (said,) = refusing.told.alerts
    assert said.message.endswith("last: it is denied: off_rules")
    assert "denied" in [each.decision for each in refusing.events(SpotDecided)]
    assert refusing.base > 0

    desk = refusing.desk()  # another one has not been told of anything yet

    def trades_again(stage):
        if stage.told.codes.count(UNSOLD) == 2:
            stage.exchange.market = MARKET
        return is_flat(stage)

    await refusing.live(trades_again, desk=desk)
    assert refusing.base == 0
    assert refusing.told.alerts[-1].message.startswith("it is over")
    assert refusing.events(SpotMarked)
