"""A topic of Allora's by settings: heard live, silent about the past, never opened unnamed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.allora.service import KEY, NOW, Service, said, served
from tests.allora.test_predictor import BAR_S, Paced
from tests.predictions import HOUR

from leverd.adapters.allora.predictor import AlloraPredictor
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.predictors import leave_of, predictor_of
from leverd.cli.foretold import said as told_of
from leverd.domain.bars import Bar, Past, Tick
from leverd.domain.prediction import Measures, Quantity
from leverd.engine.foresight import Appointed, Foresight
from leverd.engine.outlook import fold_prediction
from leverd.errors import PredictionError
from leverd.settings.predictions import PredictionsSection

TOPIC = {
    "kind": "allora",
    "subject": "WETH",
    "quantity": "direction",
    "horizon_h": 1,
    "topic": 1,
    "says": "price",
    "interval_s": BAR_S,
    "spread_max": Decimal("0.02"),
}
TEN_MINUTES = {"horizon_h": None, "horizon_min": 10}
ALLORA = {"access": {"environment": "ALLORA"}, "chain": "allora-testnet-1"}


def section(
    url: str = "https://api.example.com", *, bar_s: int = HOUR, **changed
) -> PredictionsSection:
    return PredictionsSection.model_validate(
        {
            "bar_s": bar_s,
            "predictors": {"eth-day": TOPIC | changed},
            "allora": ALLORA | {"base_url": url},
        }
    )


def past(at: int = NOW) -> Past:
    tick = Tick(at, 3000 * 10**8)
    return Past("WETH", HOUR, (Bar(at, tick.price, tick.price, tick.price, tick),))


def made(of: PredictionsSection, feeds: OutsideFeeds | None):
    make = None if feeds is None else feeds.predictor
    return predictor_of("eth-day", of.predictors["eth-day"], of, feeds=make)


@dataclass
class Stage:
    feeds: OutsideFeeds
    clock: Paced


@pytest.fixture
async def stage():
    clock = Paced()
    feeds = OutsideFeeds(clock, {"ALLORA": KEY})
    yield Stage(feeds, clock)
    await feeds.close()


@pytest.mark.sockets
async def test_a_topic_is_heard_with_the_key_its_settings_name(stage):
    async with served(Service({1: said()})) as service:
        predictor = made(section(service.url), stage.feeds)
        assert isinstance(predictor, AlloraPredictor)
        with pytest.raises(PredictionError):
            predictor.predict(past())
        await stage.clock.waiting.wait()
        found = predictor.predict(past())
        assert found.source == "eth-day"
        assert found.interval.measures == Measures.DISAGREEMENT
        assert set(stage.feeds.circuits().values()) == {"closed"}
        predictor.close()
        await stage.feeds.close()


@pytest.mark.sockets
async def test_it_speaks_in_shadow_until_its_record_is_long_enough(stage):
    async with served(Service({1: said()})) as service:
        of = section(service.url, may="advise")
        predictor = made(of, stage.feeds)
        appointed = Appointed(predictor, leave_of(of.predictors["eth-day"], of))
        foresight = Foresight([appointed], HOUR)
        facts = list(foresight.look({"WETH": Tick(NOW - HOUR, 3000 * 10**8)}, {}))
        facts += foresight.look({"WETH": Tick(NOW, 3000 * 10**8)}, {})
        await asyncio.wait_for(stage.clock.waiting.wait(), 30)
        facts += foresight.look({"WETH": Tick(NOW + 1, 3000 * 10**8)}, {})
        told = [fact for fact in facts if hasattr(fact, "prediction")]
        assert [fact.admitted for fact in told] == [False]
        foresight.close()
        await stage.feeds.close()


@pytest.mark.sockets
async def test_a_topic_of_ten_minutes_is_scored_ten_minutes_later(stage):
    async with served(Service({1: said()})) as service:
        of = section(service.url, bar_s=600, **TEN_MINUTES)
        leave = leave_of(of.predictors["eth-day"], of)
        foresight = Foresight([Appointed(made(of, stage.feeds), leave)], of.bar_s)
        outlook = {}
        for number, at in enumerate(range(NOW - 600, NOW + 1801, 600)):
            for fact in foresight.look({"WETH": Tick(at + 1, (3000 + number) * 10**8)}, outlook):
                outlook = fold_prediction(outlook, fact)
            if at == NOW:  # it was asked for the first time
                await asyncio.wait_for(stage.clock.waiting.wait(), 30)
        (track,) = outlook.values()
        assert track.newest.prediction.horizon_s == 600
        assert track.skill.scored == 1
        assert "within 10 min" in told_of(track.newest.prediction)
        foresight.close()
        await stage.feeds.close()


def test_a_replay_of_the_past_does_not_ask(stage):
    predictor = made(section(), None)
    assert (predictor.subject, predictor.quantity) == ("WETH", Quantity.DIRECTION)
    with pytest.raises(PredictionError) as caught:
        predictor.predict(past())
    assert caught.value.code == "LVD-PRD-042"


async def test_a_missing_key_silences_it_alone(stage):
    stage.feeds.env = {}
    predictor = made(section(), stage.feeds)
    with pytest.raises(PredictionError) as caught:
        predictor.predict(past())
    assert "LVD-KEY-001" in caught.value.message


async def test_nothing_is_opened_before_something_is_named(stage):
    assert stage.feeds.circuits() == {}
    await stage.feeds.close()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"topic": None}, "needs topic"),
        ({"quantity": "volatility"}, "direction"),
        ({"file": "x"}, "no file"),
        ({"kind": "simple"}, "only a topic of Allora's"),
        ({"horizon_h": None}, "either horizon_h or horizon_min"),
        ({"horizon_min": 60}, "either horizon_h or horizon_min"),
        ({**TEN_MINUTES}, "600 s ahead, no whole number of bars of 3600 s"),
    ],
)
def test_a_topic_that_is_not_whole_is_refused_by_name(changed, word):
    with pytest.raises(ValueError, match=word):
        section(**changed)


@pytest.mark.parametrize("access", [{}, {"file": "a", "environment": "b"}])
def test_one_source_of_the_key_is_named(access):
    with pytest.raises(ValueError, match="exactly one"):
        PredictionsSection.model_validate(
            {"predictors": {"a": TOPIC}, "allora": {"access": access}}
        )


def test_a_topic_without_the_service_is_refused():
    with pytest.raises(ValueError, match="allora"):
        PredictionsSection.model_validate({"predictors": {"a": TOPIC}})


@pytest.mark.parametrize("source", ["file", "credential"])
async def test_the_key_comes_from_a_file_or_a_credential_too(tmp_path, stage, source):
    held = tmp_path / "allora"
    held.write_text(KEY)
    held.chmod(0o600)
    stage.feeds.env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    name = str(held) if source == "file" else "allora"
    of = PredictionsSection.model_validate(
        {"predictors": {"eth-day": TOPIC}, "allora": {"access": {source: name}}}
    )
    assert isinstance(made(of, stage.feeds), AlloraPredictor)
