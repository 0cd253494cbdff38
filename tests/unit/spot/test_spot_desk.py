"""The desk on an exchange in memory: it buys, sells, stops, survives, and doubles no order."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import DAY, constant
from tests.spots import ACCOUNT, LIMITS, MARKET, SpotStage, depth, word

from leverd.adapters.simulated.spot_exchange import decoded, hash_of
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.domain.events import Resumed, TradingStateChanged, UnwindRequested
from leverd.domain.prediction import Quantity
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotDecided,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.engine.admission import Leave
from leverd.engine.foresight import Appointed, Foresight
from leverd.errors import DiskFullError, NonsenseError, UnreachableError
from leverd.interfaces.spot_venue import SpotSighting, Standing

STOPS = replace(LIMITS, portfolio_stop=Decimal("0.02"), stop_loss=Decimal("0.5"))


def heard(value=0.1, **changes):
    told = word(value, valid_until=10**12, **changes)
    return replace(told, prediction=replace(told.prediction, made_at=1))


def holds(stage):
    return stage.spot.base > 0 and stage.spot.order is None


def is_flat(stage):
    return stage.spot.base == 0 and stage.spot.order is None


@pytest.fixture
def stage():
    return SpotStage()


async def test_without_a_word_nothing_is_bought_and_it_is_said_once(stage):
    await stage.live(lambda _: False, blocks=130)
    assert stage.base == 0
    (said,) = stage.events(SpotDecided)
    assert (said.decision, said.code) == ("stay", "no_word")
    assert stage.beats


async def test_an_earned_word_buys_and_a_fall_sells_it_again(stage):
    stage.says(heard())
    await stage.live(holds)
    assert stage.base == stage.spot.base > 4 * 10**18
    stage.price = "18.5"
    await stage.live(is_flat)
    assert stage.base == 0
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
    assert "below what it cost" in stage.events(SpotOrderPlanned)[1].reason
    assert stage.spot.realised < 0
    assert stage.spot.marked.profit == stage.spot.realised or stage.spot.marked.base


async def test_exits_are_the_same_when_the_predictor_is_gone(stage):
    stage.says(heard())
    await stage.live(holds)
    stage.says(PredictionIgnored(word().prediction.track, "LVD-PRD-015", "drifted"))
    stage.price = "18.5"
    await stage.live(is_flat)
    assert stage.base == 0


async def test_a_fall_too_deep_stops_it_until_the_owner_resumes(stage):
    stage.limits = replace(STOPS, cooldown_s=0, active_positions_max=1)
    stage.says(heard())
    await stage.live(holds)
    stage.price = "18"
    await stage.live(is_flat)
    (stopped,) = stage.events(SpotStopped)
    assert stopped.why == "portfolio_stop"
    assert "LVD-SPT-002" in stage.told.codes
    await stage.live(lambda _: False, blocks=130)
    assert len(stage.events(SpotOrderPlanned)) == 2
    stage.journal.append_now(Resumed("spot", "owner"))
    await stage.live(holds)
    assert stage.base > 0


def dips(stage, price, blocks=1):
    """Return what lets the book be at `price` for so many blocks from the fifth from now on."""
    calm, fifth = stage.price, stage.exchange.height + 5

    def until(_):
        stage.price = price if 0 <= stage.exchange.height + 1 - fifth < blocks else calm
        return False

    return until


@pytest.mark.parametrize(("blocks", "stops"), [(1, 0), (2, 1)])
async def test_buyers_who_are_away_for_one_block_reach_no_portfolio_stop_and_for_two_they_do(
    stage, blocks, stops
):
    stage.limits = STOPS
    stage.says(heard())
    await stage.live(holds)
    await stage.live(dips(stage, "10", blocks), blocks=60)
    assert len(stage.events(SpotStopped)) == len(stage.told.codes) == stops
    assert stage.base == stage.spot.base
    assert bool(stage.base) is not bool(stops)


async def test_a_fall_that_stays_for_two_looks_is_stopped_and_sold_in_the_second(stage):
    stage.limits = STOPS
    stage.says(heard())
    await stage.live(holds)
    await stage.live(lambda _: False, blocks=10)
    fell_at = stage.exchange.height + 1
    stage.price = "17"
    await stage.live(is_flat)
    (stopped,) = stage.events(SpotStopped)
    assert stopped.why == "portfolio_stop"
    *_, sold = stage.events(SpotOrderSettled)
    assert sold.block - fell_at <= 3  # seen twice, then the block that included it
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]


async def test_a_fall_that_goes_on_is_followed_down_after_one_order_in_vain(stage):
    stage.limits = replace(STOPS, slippage_max=Decimal("0.05"))
    stage.says(heard())
    await stage.live(holds)
    await stage.live(lambda _: False, blocks=10)

    def falls(one):
        stage.price = f"{Decimal(stage.price) * Decimal('0.97'):.3f}"
        return is_flat(one)

    await stage.live(falls, blocks=60)
    assert is_flat(stage)
    in_vain, sold = stage.events(SpotOrderSettled)[1:]
    assert (in_vain.filled, sold.filled > 0) == (0, True)


async def test_a_purchase_that_is_thought_of_twice_does_not_make_two_looks_of_one(stage):
    """The second thought, from what is so now, still knows the look before."""
    stage.says(heard())
    await stage.live(holds)
    stage.limits = replace(LIMITS, stop_loss=Decimal("0.02"), cooldown_s=0, update_interval_s=1)
    near, far = depth(), depth("19.4")
    stage.price = replace(near, asks=depth("25").asks)  # too dear for a second purchase
    await stage.live(lambda _: False, blocks=10)
    cheap = replace(far, asks=depth("19.42").asks)
    await stage.live(dips(stage, cheap), blocks=20)
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "enter"]
    assert "stop_loss" not in {each.code for each in stage.events(SpotDecided)}


@pytest.mark.parametrize(
    "order",
    [
        TradingStateChanged("spot", "reducing", "r", "owner", True),
        TradingStateChanged("", "reducing", "r", "owner"),
        TradingStateChanged("spot", "halted", "r", "owner"),
        UnwindRequested("", "owner"),
    ],
)
async def test_what_the_owner_asked_for_keeps_it_from_buying(stage, order):
    stage.says(heard(), order)
    await stage.live(lambda _: False, blocks=130)
    assert stage.events(SpotOrderPlanned) == []
    stage.says(Resumed("", "owner"))
    await stage.live(holds)
    assert stage.base > 0


async def test_an_unwind_sells_and_a_halt_signs_nothing(stage):
    stage.says(heard())
    await stage.live(holds)
    stage.says(TradingStateChanged("spot", "halted", "r", "owner"))
    stage.price = "10"
    await stage.live(lambda _: False, blocks=50)
    assert stage.base > 0
    stage.says(Resumed("spot", "owner"), UnwindRequested("spot", "owner"))
    await stage.live(is_flat)
    assert stage.base == 0


async def test_a_slow_market_is_left_when_the_horizon_is_over(stage):
    stage.says(heard())
    await stage.live(holds)
    stage.exchange.at_ms += DAY * 1000
    await stage.live(is_flat)
    assert "24 h" in stage.events(SpotOrderPlanned)[-1].reason


async def test_the_days_orders_end_and_sales_go_on(stage):
    stage.limits = replace(LIMITS, trades_day_max=1, cooldown_s=0)
    stage.says(heard())
    await stage.live(holds)
    await stage.live(lambda _: False, blocks=130)
    assert len(stage.events(SpotOrderPlanned)) == 1
    stage.price = "18.5"
    await stage.live(is_flat)
    assert stage.base == 0


async def test_its_own_predictors_see_the_middle_of_the_book(stage):
    advisor = constant(0.1, "book", Quantity.DIRECTION, subject="INJ")
    advisor.subject = "INJ"
    stage.foresight = Foresight([Appointed(advisor, Leave(advises=True))], 60)
    await stage.live(lambda s: bool(s.events(PredictionMade)), blocks=2_000)
    made = stage.events(PredictionMade)[0]
    assert made.prediction.subject == "INJ"
    await stage.live(holds, blocks=300)
    assert stage.base > 0
    assert advisor.closed


class Outage(SimulatedSpot):
    dead = False
    error: Exception = UnreachableError("silence", number=90)

    async def look(self, order, attempt):
        if self.dead:
            raise self.error
        return await super().look(order, attempt)

    async def purses(self):
        if self.dead:
            raise self.error
        return await super().purses()


@pytest.mark.parametrize("error", [Outage.error, NonsenseError("another chain", number=92)])
async def test_a_venue_that_does_not_answer_is_waited_for_and_said_once(error):
    stage = SpotStage(venue=Outage)
    stage.venue.dead, stage.venue.error = True, error
    stage.says(heard())
    await stage.live(lambda _: False, blocks=200)
    assert stage.told.codes == [error.code]
    stage.venue.dead = False
    await stage.live(holds)
    assert stage.base > 0


class Mute(SimulatedSpot):
    """A stream that breaks off before its first block, a few times."""

    left = 3

    def watch(self, market_id):
        if self.left:
            self.left -= 1
            raise UnreachableError("no stream", number=92)
        return super().watch(market_id)


async def test_a_stream_that_breaks_off_is_listened_to_again():
    stage = SpotStage(venue=Mute)
    stage.says(heard())
    await stage.live(holds)
    assert stage.told.codes == ["LVD-NET-092"]


class Broken(SimulatedSpot):
    def watch(self, market_id):
        raise ZeroDivisionError(market_id)


async def test_a_bug_is_no_outage():
    with pytest.raises(ZeroDivisionError):
        await SpotStage(venue=Broken).live(lambda _: False, blocks=50)


class Doubtful(SimulatedSpot):
    async def look(self, order, attempt):
        return SpotSighting(Standing.UNKNOWN, self._exchange.height)


async def test_an_order_that_nobody_knows_of_is_waited_for_and_said_and_left_at_the_end():
    stage = SpotStage(venue=Doubtful)
    stage.says(heard())
    await stage.live(lambda _: False, blocks=300)
    assert stage.told.codes == ["LVD-SPT-003"]
    assert stage.spot.order is not None
    assert stage.events(SpotOrderSettled) == []


async def test_a_lost_order_is_said(stage):
    stage.says(heard(), SpotStopped("spot", "lost", "slot 3"))
    await stage.live(lambda _: False, blocks=100)
    assert stage.told.codes == ["LVD-SPT-001"]
    assert stage.base == 0


class Robbed(SimulatedSpot):
    """A venue that takes nothing while somebody else spends the slots."""

    robbed = False

    async def send(self, payload):
        if self.robbed:
            self._exchange.tills[self.account].sequence += 1
            raise UnreachableError("silence", number=90)
        await super().send(payload)


async def test_a_sale_that_is_lost_is_not_made_again_before_the_owner_resumes():
    stage = SpotStage(venue=Robbed)
    stage.says(heard())
    await stage.live(holds)
    stage.venue.robbed, stage.price = True, "18.5"
    await stage.live(lambda s: bool(s.events(SpotStopped)), blocks=2_000)
    stage.venue.robbed = False
    stage.says(UnwindRequested("spot", "owner"), SpotStopped("spot", "portfolio_stop", "r"))
    await stage.live(lambda _: False, blocks=300)
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
    assert (stage.base, stage.spot.stopped.why) == (stage.spot.base, "lost")
    assert stage.base > 0
    assert "LVD-SPT-001" in stage.told.codes
    ignored = PredictionIgnored(word().prediction.track, "LVD-PRD-015", "drifted")
    stage.says(ignored, Resumed("spot", "owner"))
    await stage.live(is_flat)
    assert stage.base == 0


class Stopping:
    """A journal whose process is asked to stop once an order is sent, and that may be full then."""

    def __init__(self, stage, *, fills):
        self._stage, self._fills, self.refused = stage, fills, 0

    async def append(self, *events, chain_at=0):
        if self._fills and self._stage.stop.is_set():
            self.refused += 1
            raise DiskFullError("no space", number=3)
        seq = await self._stage.journal.append(*events, chain_at=chain_at)
        if any(isinstance(each, SpotAttemptSent) for each in events):
            self._stage.stop.set()
        return seq

    def replay(self, **given):
        return self._stage.journal.replay(**given)


async def test_what_is_in_flight_is_settled_before_it_stops(stage):
    stage.says(heard())
    await stage.live(lambda _: False, desk=stage.desk(Stopping(stage, fills=False)))
    assert len(stage.events(SpotOrderSettled)) == 1
    assert holds(stage)


async def test_a_stop_gives_up_on_what_is_in_flight_once_nothing_can_be_written(stage):
    stage.says(heard())
    journal = Stopping(stage, fills=True)
    await stage.live(lambda _: False, desk=stage.desk(journal))
    assert stage.spot.order is not None
    assert journal.refused == 1


async def test_a_stop_before_the_first_block_is_heard():
    class Silent(SimulatedSpot):
        def watch(self, market_id):
            raise UnreachableError("no stream", number=92)

    stage = SpotStage(venue=Silent)
    await asyncio.wait_for(stage.live(lambda _: True), 60)
    assert stage.events() == []


async def test_a_mark_is_written_when_something_traded_or_a_day_went_by(stage):
    await stage.live(lambda _: False, blocks=30)
    assert len(stage.events(SpotMarked)) == 1
    stage.exchange.at_ms += DAY * 1000
    await stage.live(lambda _: False, blocks=30)
    assert len(stage.events(SpotMarked)) == 2


class Counting(SimulatedSpot):
    sent: list[bytes]

    async def send(self, payload):
        self.sent.append(payload)
        await super().send(payload)


class KilledError(BaseException):
    """The process ends here."""


class Mortal:
    """A journal that dies at one of its writes, before or after it is made."""

    def __init__(self, journal, at, *, before):
        self._journal, self._left, self._before = journal, at, before

    async def append(self, *events, chain_at=0):
        self._left -= 1
        if self._left == 0 and self._before:
            raise KilledError
        seq = await self._journal.append(*events, chain_at=chain_at)
        if self._left == 0:
            raise KilledError
        return seq

    def replay(self, **given):
        return self._journal.replay(**given)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 16))
async def test_killed_at_any_write_it_goes_on_from_the_journal_and_doubles_nothing(number, before):
    stage = SpotStage(venue=Counting)
    sent = stage.venue.sent = []
    stage.says(heard())

    def closed(one):
        return is_flat(one) and bool(one.spot.realised)

    def falls():
        if holds(stage):
            stage.price = "18.5"
        return False

    mortal = Mortal(stage.journal, number, before=before)
    try:
        await stage.live(lambda s: falls() or closed(s), desk=stage.desk(mortal))
    except KilledError:
        stage.block()
    await stage.live(lambda s: falls() or closed(s))
    assert stage.base == stage.spot.base == 0
    assert max(Counter(sent).values()) == 1  # each payload is sent once at most
    bought = [each for each in stage.events(SpotOrderSettled) if each.filled]
    assert len(bought) == 2  # one purchase, one sale, wherever it died
    gained = stage.exchange.tills[ACCOUNT].held["usdt"] - 1_000 * 10**6
    assert abs(gained * 10**12 - stage.spot.realised) < 10**13
    slots = [decoded(each).slot for each in sent]
    assert slots == sorted(slots)
    assert {each.tx_hash for each in stage.events(SpotAttemptSigned)} >= {
        hash_of(each) for each in sent
    }


async def test_nothing_is_bought_where_the_market_has_another_id(stage):
    stage.limits = replace(LIMITS, market_id="0x" + "cd" * 32)
    stage.says(heard())
    await stage.live(lambda _: False, blocks=100)
    assert stage.told.codes == ["LVD-CHN-090"]
    assert MARKET.market_id not in {each.market_id for each in stage.events(SpotOrderPlanned)}


async def test_another_account_is_put_in_between_two_turns_and_what_it_has_is_read_anew(stage):
    stage.exchange.open("inj1other", {"usdt": 50 * 10**6})
    stage.says(heard())
    desk = stage.desk()

    def change():
        stage.venue._account = "inj1other"

    asked = []

    def looks(on):
        if not asked:
            asked.append(desk.change_account(change))
        return holds(on)

    await stage.live(looks, desk=desk)
    (planned,) = stage.events(SpotOrderPlanned)
    assert planned.account == stage.spot.account == "inj1other"
    assert stage.base == 0
    assert stage.exchange.tills["inj1other"].held["inj"] == stage.spot.base
    assert stage.spot.cost < 50 * 10**18  # what the other one has, not what the first had


async def test_an_account_that_cannot_be_had_leaves_the_old_one_trading(stage):
    stage.says(heard())
    desk = stage.desk()

    def change():
        raise NonsenseError("it is somebody else's", number=1)

    desk.change_account(change)
    await stage.live(holds, desk=desk)
    assert stage.base == stage.spot.base > 0
    assert "the account stays as it is" in stage.told.alerts[0].message
