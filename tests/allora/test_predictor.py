"""What Allora expects is told as a prediction of its own kind: late never, early never, by name."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random

import pytest
from tests.allora.service import KEY, NOW, Service, said, served
from tests.allora.test_feed import TERMS, Hand

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.adapters.allora.api import AlloraApi, Where
from leverd.adapters.allora.feed import AlloraFeed
from leverd.adapters.allora.judging import Terms
from leverd.adapters.allora.predictor import AlloraPredictor, Says, Subject
from leverd.domain.bars import Bar, Past, Tick
from leverd.domain.prediction import Measures, Prediction, Quantity, Why, refusal
from leverd.errors import PredictionError
from leverd.interfaces.predictor import Predictor
from leverd.interfaces.secrets import Secret

pytestmark = pytest.mark.sockets

BAR_S = 600


class Paced(Hand):
    """Waits until somebody says that time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = asyncio.Event()
        self._woken = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waiting.set()
        await self._woken.wait()
        self._woken.clear()

    async def pass_time(self, seconds: float) -> None:
        self.at += seconds
        self.waiting.clear()
        self._woken.set()
        await self.waiting.wait()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with served(Service()) as found:
        yield found


class Stage:
    def __init__(self, service: Service, says: Says, quantity: Quantity) -> None:
        self.clock = Paced()
        self.http = AiohttpClient(self.clock, Random(0))
        api = AlloraApi(self.http, Where(service.url, "allora-testnet-1"), Secret(KEY))
        terms = TERMS if says is Says.PRICE else Terms(BAR_S, 60, Decimal(9), None)
        feed = AlloraFeed(api, self.clock, {1: terms})
        subject = Subject("allora_eth", "WETH", 1, says, quantity, 600, BAR_S)
        self.closed: list[bool] = []
        self.predictor = AlloraPredictor(
            subject, feed, self.clock, lambda: self.closed.append(True)
        )

    def predict(self, at: int = NOW, price: int = 3000) -> Prediction:
        tick = Tick(at, price * 10**8)
        bar = Bar(at, tick.price, tick.price, tick.price, tick)
        return self.predictor.predict(Past("WETH", BAR_S, (bar,)))

    async def begun(self) -> None:
        with pytest.raises(PredictionError) as caught:
            self.predict()
        assert caught.value.number == Why.NO_ANSWER
        await self.clock.waiting.wait()

    def refused(self, at: int = NOW) -> str:
        with pytest.raises(PredictionError) as caught:
            self.predict(at)
        return caught.value.code


@pytest.fixture(params=[(Says.PRICE, Quantity.DIRECTION)])
async def stage(request, service) -> AsyncIterator[Stage]:
    found = Stage(service, *request.param)
    yield found
    found.predictor.close()
    assert found.closed
    await found.http.close()


def each(says: Says, quantity: Quantity):
    return pytest.mark.parametrize("stage", [(says, quantity)], indirect=True)


async def test_a_price_is_told_as_the_return_it_means(stage):
    await stage.begun()
    found = stage.predict()
    assert found.value == round(math.log(3000.5 / 3000) * 10**6)
    assert found.interval.low == round(math.log(2990.25 / 3000) * 10**6)
    assert found.interval.measures == Measures.DISAGREEMENT
    assert (found.made_at, found.valid_until) == (NOW, NOW + 600)
    assert refusal(found, now=NOW) is None
    promised: Predictor = stage.predictor
    assert promised.card is None


@each(Says.PRICE, Quantity.PRICE)
async def test_a_price_is_told_exactly(stage):
    await stage.begun()
    found = stage.predict()
    assert (found.value, found.unit) == (3_000_500_000, "USD")
    assert (found.interval.low, found.interval.high) == (2_990_250_000, 3_010_750_000)


@each(Says.LOG_RETURN, Quantity.DIRECTION)
async def test_a_return_is_told_as_it_is(stage, service):
    around = ("-0.02", "-0.015", "-0.01", "-0.005", "0.01")
    service.inferences[1] = said(value="-0.01", around=around)
    await stage.begun()
    found = stage.predict()
    assert (found.value, found.interval.low, found.interval.high) == (-10_000, -15_000, -5_000)


async def test_what_was_made_after_the_bar_is_not_known_at_it(stage, service):
    await stage.begun()
    service.inferences[1] = said(at=NOW + 600, value="3001")
    await stage.clock.pass_time(600)
    assert stage.predict(NOW + 599).value == round(math.log(3000.5 / 3000) * 10**6)
    assert stage.predict(NOW + 600).value == round(math.log(3001 / 3000) * 10**6)


async def test_a_refusal_that_is_repeated_for_days_does_not_grow(stage, service):
    service.inferences[1] = said(around=None)
    await stage.begun()
    lengths = set()
    for _ in range(3):
        with pytest.raises(PredictionError) as caught:
            stage.predict()
        lengths.add(len(caught.traceback))
    assert len(lengths) == 1


async def test_what_is_older_than_its_interval_is_stale(stage):
    await stage.begun()
    assert stage.predict(NOW + 600).made_at == NOW + 600
    assert stage.refused(NOW + 601) == "LVD-PRD-007"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"around": None}, "LVD-PRD-001"),
        ({"at": NOW + 31}, "LVD-PRD-002"),
        ({"value": "300050", "around": ("300050",) * 5}, "LVD-PRD-004"),
        ({"around": ("1", "2900", "3000.5", "3100", "9999")}, "LVD-PRD-010"),
        ({"topic_id": 2}, "LVD-PRD-006"),
        ({"at": NOW - 661}, "LVD-PRD-007"),
    ],
)
async def test_what_is_refused_is_said_in_the_numbers_of_predictions(stage, service, changed, code):
    service.inferences[1] = said(**changed)
    await stage.begun()
    assert stage.refused() == code


async def test_a_dead_service_is_no_answer_and_a_living_one_is_heard_again(stage, service):
    found, service.inferences = service.inferences, {}
    await stage.begun()
    assert stage.refused() == "LVD-PRD-006"
    service.inferences = found
    await stage.clock.pass_time(60)
    assert stage.predict().value


@pytest.mark.parametrize(
    ("says", "quantity"),
    [
        (Says.LOG_RETURN, Quantity.PRICE),
        (Says.PRICE, Quantity.VOLATILITY),
        (Says.PRICE, Quantity.FUNDING),
    ],
)
async def test_what_a_topic_says_nothing_of_is_refused_at_once(service, says, quantity):
    with pytest.raises(PredictionError) as caught:
        Stage(service, says, quantity)
    assert caught.value.number == Why.OUT_OF_RANGE
