"""A life of the trader on other venues' prices: a gap opens, is bought, closes, and is sold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.spots import FAIR, SpotStage, pool, word
from tests.unit.spot.test_spot_desk import holds, is_flat

from leverd.adapters.simulated.price_reference import PoolWorld
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotDecided,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.errors import UnreachableError


@pytest.fixture
def stage():
    found = SpotStage(limits=FAIR)
    found.offers("pool", "20")
    return found


def codes(stage):
    return [each.code for each in stage.events(SpotDecided)]


async def test_a_gap_opens_is_bought_closes_and_is_sold_with_a_profit(stage):
    await stage.live(lambda _: False, blocks=130)
    assert stage.events(SpotOrderPlanned) == []
    assert codes(stage)[-1] == "unprofitable"
    stage.offers("pool", "20.8")
    await stage.live(holds)
    assert stage.base == stage.spot.base > 4 * WAD
    stage.price = "20.8"
    await stage.live(is_flat)
    assert stage.base == 0
    assert stage.spot.realised > 0
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
    assert codes(stage)[-2:] != codes(stage)[:2]
    assert "closed" in codes(stage)


async def test_what_each_venue_said_and_the_fair_value_are_in_the_decision(stage):
    stage.offers("pool", "20.8")
    stage.offers("mad", "2080")
    await stage.live(holds)
    (bought,) = [each for each in stage.events(SpotDecided) if each.decision == "enter"]
    pool, mad = bought.heard
    assert (pool.quote.source, pool.against) == ("pool", "")
    assert pool.quote.middle == pytest.approx(20.8 * WAD)
    assert 0 < pool.error < WAD // 100
    assert (mad.quote.source, mad.against, mad.error) == ("mad", "far", 0)
    assert 20 * WAD < bought.fair < pool.quote.middle
    assert 0 < bought.fair_error < WAD // 50


class Pushed(PoolWorld):
    """A venue whose price somebody pushes up for `blocks` of ten blocks, and lets go again."""

    blocks = 1

    @property
    def pools(self):
        return (pool("20.8" if self.looks % 10 < self.blocks else "20"),)

    @pools.setter
    def pools(self, _pools):
        """Take no notice."""


@pytest.mark.parametrize(("blocks", "is_bought"), [(1, False), (2, True)])
async def test_a_price_that_is_pushed_for_a_block_buys_nothing(stage, blocks, is_bought):
    stage.limits = replace(FAIR, update_interval_s=1)
    pushed = stage.pools["pool"] = Pushed((), 0)
    pushed.blocks = blocks
    await stage.live(holds, blocks=300)
    assert pushed.looks > 10
    assert bool(stage.events(SpotOrderPlanned)) is is_bought


async def test_predictors_do_not_buy_for_it(stage):
    told = word(valid_until=10**12)
    stage.says(replace(told, prediction=replace(told.prediction, made_at=1)))
    await stage.live(lambda _: False, blocks=130)
    assert stage.events(SpotOrderPlanned) == []


async def test_a_gap_that_is_a_crash_of_the_book_itself_is_refused(stage):
    stage.price = "16"  # the pools have not heard of it yet
    await stage.live(lambda _: False, blocks=130)
    assert stage.events(SpotOrderPlanned) == []
    assert codes(stage)[-1] == "references_disagree"


async def test_what_was_bought_into_a_crash_is_stopped_though_references_are_dead(stage):
    world = stage.offers("pool", "20.8")
    await stage.live(holds)
    world.failing = UnreachableError("gone")
    stage.price = "18.5"
    await stage.live(is_flat)
    assert stage.base == 0
    assert codes(stage)[-1] != "enter"
    assert "stop_loss" in codes(stage)
    assert stage.spot.realised < 0
    await stage.live(lambda _: False, blocks=700)  # beyond the cooldown
    assert codes(stage)[-1] == "few_references"


async def test_a_reference_that_crashes_to_the_book_closes_the_gap(stage):
    stage.offers("pool", "20.8")
    await stage.live(holds)
    stage.offers("pool", "19.9")
    await stage.live(is_flat)
    assert "closed" in codes(stage)
    lost = -Decimal(stage.spot.realised) / WAD
    assert 0 < lost < 1  # both ways' costs, and no more


async def test_a_dead_reference_is_gone_on_without(stage):
    stage.offers("pool", "20.8")
    stage.offers("dead", "20.8").failing = UnreachableError("gone")
    await stage.live(holds)
    assert stage.base > 0


async def test_without_any_reference_nothing_is_bought_and_the_desk_goes_on(stage):
    stage.pools["pool"].failing = UnreachableError("gone")
    await stage.live(lambda _: False, blocks=130)
    assert codes(stage) == ["few_references"]
    assert len(stage.beats) > 100
    stage.pools["pool"].failing = None
    stage.offers("pool", "20.8")
    await stage.live(holds)
    assert stage.base > 0


async def test_a_second_purchase_says_again_what_it_rests_on(stage):
    stage.limits = replace(FAIR, cooldown_s=0, update_interval_s=1)
    stage.offers("pool", "20.8")
    await stage.live(lambda one: one.spot.entries == 2 and one.spot.order is None)
    bought = [each for each in stage.events(SpotDecided) if each.decision == "enter"]
    assert len(bought) == 2
    assert all(each.heard and each.fair for each in bought)


class KilledError(BaseException):
    """The process ends here."""


class Mortal:
    """A journal whose process dies before or after it wrote an event of `kind`."""

    def __init__(self, journal, kind, *, before):
        self._journal, self._kind, self._before = journal, kind, before

    async def append(self, *events, chain_at=0):
        dies = any(isinstance(each, self._kind) for each in events)
        if dies and self._before:
            raise KilledError
        found = await self._journal.append(*events, chain_at=chain_at)
        if dies:
            raise KilledError
        return found

    def __getattr__(self, name):
        return getattr(self._journal, name)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "kind", [SpotDecided, SpotOrderPlanned, SpotAttemptSigned, SpotOrderSettled]
)
async def test_killed_anywhere_it_goes_on_and_buys_once(stage, kind, before):
    stage.offers("pool", "20.8")
    with pytest.raises(KilledError):
        await stage.live(holds, desk=stage.desk(Mortal(stage.journal, kind, before=before)))
    await asyncio.sleep(0)
    await stage.live(holds)
    assert stage.base == stage.spot.base > 4 * WAD
    filled = [each for each in stage.events(SpotOrderSettled) if each.filled]
    assert len(filled) == 1
    stage.price = "20.8"
    await stage.live(is_flat)
    assert stage.spot.realised > 0
    assert stage.events(SpotStopped) == []
