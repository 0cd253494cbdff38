"""What the network says is taken exactly, judged before it is believed, and asked for sparingly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from aiohttp import web
from tests.allora.service import KEY, NOW, Service, said, served, topic, whole

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.adapters.allora.api import AlloraApi, Where
from leverd.adapters.allora.feed import AlloraFeed
from leverd.adapters.allora.judging import Terms
from leverd.errors import (
    LeverdError,
    NonsenseError,
    SecretError,
    StaleError,
    UnreachableError,
)
from leverd.interfaces.secrets import Secret

pytestmark = pytest.mark.sockets

TERMS = Terms(interval_s=600, grace_s=60, spread_max=Decimal("0.02"), jump_max=Decimal(3))


class Hand:
    """A clock that somebody moves."""

    def __init__(self) -> None:
        self.at = float(NOW)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with served(Service()) as found:
        yield found


@pytest.fixture
async def api(service, clock) -> AsyncIterator[AlloraApi]:
    http = AiohttpClient(clock, Random(0))
    yield AlloraApi(http, Where(service.url, "allora-testnet-1"), Secret(KEY))
    await http.close()


@pytest.fixture
def feed(api, clock) -> AlloraFeed:
    return AlloraFeed(api, clock, dict.fromkeys((1, 2), TERMS))


async def refused(feed: AlloraFeed, **given: Any) -> str:
    with pytest.raises(LeverdError) as caught:
        await feed.newest(1, **given)
    return caught.value.code


async def test_an_inference_is_taken_to_its_last_digit(api, service):
    exact = "64609.501828101036794984"
    service.inferences[1] = said(value=exact)
    found = await api.inference(1)
    assert found.value == Decimal(exact)
    assert (found.topic_id, found.at) == (1, NOW)


async def test_values_longer_than_a_decimal_context_are_not_rounded(api, service):
    exact = "123456789012345678901234567890.123456789012345678"
    service.inferences[1] = said(value="1", around=None) | {
        "network_inference": exact.replace(".", ""),
        "network_inference_normalized": exact,
    }
    assert str((await api.inference(1)).value) == exact


async def test_what_is_called_confidence_is_told_as_disagreement(api):
    found = await api.inference(1)
    assert found.disagreement.inner == (Decimal("2990.25"), Decimal("3010.75"))
    assert found.spread == Decimal("20.5") / Decimal("3000.5")


async def test_every_page_of_topics_is_read(api, service):
    assert [one.topic_id for one in await api.topics()] == [1, 2, 3]
    assert service.asked == 2


async def test_a_topic_is_known_by_its_chain_and_must_be_active(api):
    assert (await api.topic(2)).name == "ETH 24h Prediction"
    for number, code in ((99, "LVD-CHN-080"), (3, "LVD-CHN-087")):
        with pytest.raises(NonsenseError) as caught:
            await api.topic(number)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "page",
    [
        {"topics": [topic(1, "a")], "continuation_token": "0"},
        {"topics": None},
        {"topics": ["a"]},
        {"topics": [], "continuation_token": 7},
        {"topics": [topic("1", "a")]},
        {"topics": [topic(True, "a")]},
        {"topics": [topic(1, "a", topic_name=None)]},
        {"topics": [topic(1, "a", epoch_length=-1)]},
    ],
)
async def test_a_list_of_topics_without_end_or_form_is_refused(api, service, page):
    service.instead = lambda _request: whole(page)
    with pytest.raises(NonsenseError) as caught:
        await api.topics()
    assert caught.value.code == "LVD-CHN-081"


async def test_one_question_serves_a_whole_interval_and_every_reader(feed, service, clock):
    first = await asyncio.gather(*(feed.newest(1) for _ in range(10)))
    clock.at += 599
    assert await feed.newest(1) == first[0]
    assert service.asked == 1
    service.inferences[1] = said(at=NOW + 600, value="3001")
    clock.at += 1
    assert (await feed.newest(1)).value == Decimal(3001)
    assert service.asked == 2


async def test_an_overdue_answer_is_asked_for_now_and_then_and_stale_in_the_end(
    feed, service, clock
):
    await feed.newest(1)
    for _ in range(60):
        clock.at += 11
        await feed.newest(1)
    assert service.asked <= 3
    clock.at += 1
    assert await refused(feed) == "LVD-OLD-080"
    service.inferences[1] = said(at=int(clock.at))
    clock.at += 60
    assert (await feed.newest(1)).at == NOW + 661


async def test_a_topic_that_does_not_exist_is_refused_and_the_others_go_on(feed, service):
    with pytest.raises(NonsenseError) as caught:
        await feed.newest(2)
    assert caught.value.code == "LVD-CHN-080"
    with pytest.raises(NonsenseError):
        await feed.newest(2)
    assert service.asked == 1
    assert (await feed.newest(1)).value == Decimal("3000.5")


async def test_an_answer_about_another_topic_is_refused(feed, service):
    service.inferences[1] = said(topic_id=2)
    assert await refused(feed) == "LVD-CHN-086"


async def test_an_interval_that_is_null_is_refused(feed, service):
    service.inferences[1] = said(around=None)
    assert await refused(feed) == "LVD-CHN-082"


async def test_an_interval_without_its_inner_percentiles_is_refused(feed, service):
    service.inferences[1] = said() | {
        "confidence_interval_percentiles_normalized": ["1", "2", "3", "4", "5"]
    }
    assert await refused(feed) == "LVD-CHN-082"


async def test_forecasters_who_disagree_are_refused(feed, service):
    service.inferences[1] = said(around=("1", "2900", "3000.5", "3100", "9999"))
    assert await refused(feed) == "LVD-CHN-083"


async def test_a_time_in_the_future_is_refused_but_a_clock_a_little_ahead_is_not(feed, service):
    service.inferences[1] = said(at=NOW + 31)
    assert await refused(feed) == "LVD-CHN-084"
    service.inferences[2] = said(topic_id=2, at=NOW + 30)
    assert (await feed.newest(2)).at == NOW + 30


@pytest.mark.parametrize("value", ["300050", "30.005"])
async def test_a_price_that_jumps_is_refused_and_the_next_good_one_believed(
    feed, service, clock, value
):
    await feed.newest(1)
    clock.at += 600
    around = tuple(str(Decimal(value) * part) for part in map(Decimal, ("1", "1", "1", "1", "1")))
    service.inferences[1] = said(value=value, at=NOW + 600, around=around)
    assert await refused(feed) == "LVD-CHN-085"
    service.inferences[1] = said(at=NOW + 600, value="3100")
    clock.at += 60
    assert (await feed.newest(1)).value == Decimal(3100)


async def test_a_first_price_far_from_the_market_is_refused(feed):
    assert await refused(feed, reference=Decimal(30)) == "LVD-CHN-085"


async def test_a_believed_price_is_refused_once_the_market_is_far_from_it(feed):
    await feed.newest(1, reference=Decimal(2900))
    assert await refused(feed, reference=Decimal(900)) == "LVD-CHN-085"


@pytest.mark.parametrize("value", ["0", "-3000"])
async def test_a_price_below_nothing_is_refused(feed, service, value):
    service.inferences[1] = said(value=value, around=("-1", "-1", "0", "0", "1"))
    assert await refused(feed) in {"LVD-CHN-088", "LVD-CHN-082"}


async def test_a_log_return_may_be_negative_and_turn_round(api, service, clock):
    feed = AlloraFeed(api, clock, {1: Terms(600, 60, Decimal(9), None)})
    around = ("-0.02", "-0.015", "-0.01", "-0.005", "0.01")
    service.inferences[1] = said(value="-0.01", around=around)
    assert (await feed.newest(1)).value == Decimal("-0.01")


async def test_a_replica_that_lags_changes_nothing(feed, service, clock):
    first = await feed.newest(1)
    clock.at += 601
    service.inferences[1] = said(at=NOW - 300, value="2000")
    assert await feed.newest(1) == first


async def test_a_refused_key_is_named_and_never_shown(service, clock):
    http = AiohttpClient(clock, Random(0))
    api = AlloraApi(http, Where(service.url, "allora-testnet-1"), Secret("UP-another-key-x"))
    feed = AlloraFeed(api, clock, {1: TERMS})
    for _ in range(2):
        with pytest.raises(SecretError) as caught:
            await feed.newest(1)
    await http.close()
    assert caught.value.code == "LVD-KEY-080"
    assert "another-key" not in str(caught.value)
    assert service.asked == 1


async def test_a_limited_service_is_left_alone_and_the_last_answer_stands(feed, service, clock):
    first = await feed.newest(1)
    clock.at += 600
    service.instead = lambda _request: web.Response(status=429, headers={"Retry-After": "120"})
    assert await feed.newest(1) == first
    assert service.asked == 2
    clock.at += 59
    assert await feed.newest(1) == first
    assert service.asked == 2
    clock.at += 2
    with pytest.raises(UnreachableError):
        await feed.newest(1)


async def test_a_dead_service_gives_no_inference_and_a_living_one_does_again(feed, service, clock):
    service.instead = lambda _request: web.Response(status=500)
    with pytest.raises(UnreachableError):
        await feed.newest(1)
    service.instead = lambda _request: None
    clock.at += 60
    assert (await feed.newest(1)).value == Decimal("3000.5")


async def test_stale_from_the_start_is_said(feed, service):
    service.inferences[1] = said(at=NOW - 661)
    with pytest.raises(StaleError):
        await feed.newest(1)


@pytest.mark.parametrize("status", [204, 418])
async def test_another_status_is_no_answer(feed, service, status):
    service.instead = lambda _request: web.Response(status=status)
    assert await refused(feed) == "LVD-CHN-081"


async def test_a_message_of_theirs_is_repeated_shortly(feed, service):
    service.instead = lambda _request: web.json_response(
        {"status": False, "apiResponseMessage": "no " * 1000}
    )
    with pytest.raises(NonsenseError) as caught:
        await feed.newest(1)
    assert "says no" in caught.value.message
    assert len(caught.value.message) < 200
