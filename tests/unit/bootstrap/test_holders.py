"""Each secret read anew: taken where it is good, else the old one stays in use."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace

import pytest
from eth_account import Account
from tests.allora.service import KEY as API_KEY
from tests.allora.service import Service as Allora
from tests.allora.service import said, served
from tests.allora.test_predictor import Paced
from tests.unit.alerts.services import Service
from tests.unit.alerts.test_notifier import until
from tests.unit.bootstrap.test_feeds import made, section
from tests.unit.bootstrap.test_secret_places import WORD, guarded

from leverd.adapters.sql_journal import Server
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import holders
from leverd.bootstrap.alerting import notifier_of
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.holders import (
    AlertsHolder,
    CopyHolder,
    FeedHolder,
    KeyHolder,
    holders_of,
)
from leverd.bootstrap.renewal import Fresh, Renewal
from leverd.domain.events import AlertRaised
from leverd.errors import SecretError, UnreachableError
from leverd.interfaces.secrets import Secret
from leverd.settings import Key, Password
from leverd.settings.alerts import AlertsSection
from leverd.settings.models import JournalSection
from leverd.settings.predictions import AccessSection

__all__ = ["guarded"]

KEY = "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"
OTHER = "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"
ADDRESS = str(Account.from_key(KEY).address)


@pytest.fixture
def held(tmp_path):
    """Return a way to write a file that only its owner may read."""

    def write(name: str, text: str):
        file = tmp_path / name
        file.write_text(text)
        file.chmod(0o600)
        return str(file)

    return write


def sealed(key: str, word: str) -> str:
    return json.dumps(Account.encrypt(bytes.fromhex(key), word, kdf="pbkdf2", iterations=1024))


def test_a_place_that_is_silent_while_it_is_read_anew_holds_back_no_end_of_the_process(monkeypatch):
    """A loop waits at its end for its own threads; whoever starts us again would wait as well."""
    asked, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def silent(*_):
        asked.set()
        goes_on.wait(10)
        ended.set()

    monkeypatch.setattr(holders, "key_of", silent)

    async def reads():
        reading = asyncio.create_task(KeyHolder(ADDRESS).tried(SimpleNamespace(key=None), []))
        while not asked.is_set():  # noqa: ASYNC110 -- of a thread
            await asyncio.sleep(0.001)
        reading.cancel()

    asyncio.run(reads())
    assert not ended.is_set()
    goes_on.set()
    assert ended.wait(60)


# --- the key ---------------------------------------------------------------------------------


@pytest.fixture
def signing(held):
    files = (held("operator.json", sealed(KEY, "first-word")), held("word", "first-word"))
    return SimpleNamespace(key=Key(keystore=files[0], password=Password(file=files[1])))


async def test_a_keystore_with_a_new_password_opens_the_same_key(signing, held):
    holder = KeyHolder(ADDRESS)
    held("operator.json", sealed(KEY, "second-word"))
    with pytest.raises(SecretError, match="LVD-KEY-013"):
        await holder.tried(signing, ["eth-loop"])
    held("word", "second-word")
    fresh = await holder.tried(signing, ["eth-loop"])
    assert fresh is not None
    assert fresh.told == ""


@pytest.mark.parametrize(
    ("open_", "code", "remedy"),
    [(["eth-loop"], "LVD-KEY-050", "leverd unwind"), ([], "LVD-KEY-051", "account appoint")],
)
async def test_another_address_is_refused_with_what_to_do(signing, held, open_, code, remedy):
    held("operator.json", sealed(OTHER, "first-word"))
    with pytest.raises(SecretError) as caught:
        await KeyHolder(ADDRESS).tried(signing, open_)
    assert caught.value.code == code
    assert remedy in caught.value.remedy
    assert str(Account.from_key(OTHER).address) in caught.value.message


# --- alerts ----------------------------------------------------------------------------------


@pytest.mark.sockets
async def test_alerts_go_to_new_services_and_a_wrong_line_leaves_the_old_ones(held):
    old, new = Service(), Service()
    section = AlertsSection(to={"file": held("urls", old.url)}, group_s=0)
    settings = SimpleNamespace(alerts=section)
    notifier = notifier_of(section, SystemClock())
    assert notifier is not None
    try:
        notifier.start()
        holder = AlertsHolder(notifier)
        same = await holder.tried(settings, [])
        assert same is not None
        assert same.told == ""
        held("urls", "no-service-at-all")
        with pytest.raises(SecretError, match="LVD-KEY-091"):
            await holder.tried(settings, [])
        held("urls", new.url)
        fresh = await holder.tried(settings, [])
        assert fresh is not None
        assert fresh.told == "alerts.to: read anew"
        assert not notifier.tells(())
        fresh.take()
        notifier.notify(AlertRaised("eth-loop", "LVD-REC-001", "a test"))
    finally:
        notifier.close(wait_s=60)
        old.close()
        new.close()
    assert (len(old.heard), len(new.heard)) == (0, 1)


@pytest.mark.sockets
async def test_what_waits_for_another_try_goes_to_the_service_in_its_place(held):
    new = Service()
    section = AlertsSection(to={"file": held("urls", "json://127.0.0.1:1/")}, group_s=0)
    notifier = notifier_of(section, SystemClock())
    assert notifier is not None
    try:
        notifier.start()
        notifier.notify(AlertRaised("eth-loop", "LVD-REC-001", "a test"))
        await asyncio.to_thread(until, lambda: notifier._trying)
        held("urls", new.url)
        fresh = await AlertsHolder(notifier).tried(SimpleNamespace(alerts=section), [])
        assert fresh is not None
        fresh.take()
        await asyncio.to_thread(until, lambda: new.heard)
    finally:
        notifier.close(wait_s=60)
        new.close()
    assert new.heard[0]["title"] == "leverd: LVD-REC-001"


# --- the copy --------------------------------------------------------------------------------


@pytest.mark.sockets
async def test_a_copys_new_password_is_tried_before_it_is_taken(guarded, held):
    server = Server(guarded, Secret("the old one"))
    copied = JournalSection(path="x", copy_to=guarded, copy_password=Password(file=held("w", "no")))
    holder, settings = CopyHolder(server), SimpleNamespace(journal=copied)
    with pytest.raises(UnreachableError):
        await holder.tried(settings, [])
    assert server.password is not None
    assert server.password.reveal() == "the old one"
    held("w", WORD)
    fresh = await holder.tried(settings, [])
    assert fresh is not None
    assert fresh.told == "journal.copy_password: read anew"
    fresh.take()
    server.check()
    again = await holder.tried(settings, [])
    assert again is not None
    assert again.told == ""


# --- predictors ------------------------------------------------------------------------------


@pytest.mark.sockets
async def test_an_api_key_is_taken_once_the_service_answers_it(monkeypatch):
    async with served(Allora({1: said()})) as service:
        of = section(service.url)
        monkeypatch.setenv("ALLORA", API_KEY)
        feeds = OutsideFeeds(Paced(), {"ALLORA": "an-old-key-of-these-tests"})
        try:
            holder, settings = FeedHolder(feeds), SimpleNamespace(predictions=of)
            assert await holder.tried(settings, []) is None, "nobody asks yet"
            made(of, feeds)
            monkeypatch.setenv("ALLORA", "a-wrong-key-of-these-tests")
            with pytest.raises(SecretError, match="LVD-KEY-080"):
                await holder.tried(settings, [])
            assert not feeds.knows(Secret("a-wrong-key-of-these-tests"))
            monkeypatch.setenv("ALLORA", API_KEY)
            fresh = await holder.tried(settings, [])
            assert fresh is not None
            assert fresh.told == "predictions.allora.access: read anew"
            fresh.take()
            assert feeds.knows(Secret(API_KEY))
            assert (await feeds._asked[0].api.inference(1)).topic_id == 1
            again = await holder.tried(settings, [])
            assert again is not None
            assert again.told == ""
        finally:
            await feeds.close()


@pytest.mark.sockets
async def test_a_key_whose_place_is_silent_at_the_start_is_had_by_a_reload(tmp_path):
    word = tmp_path / "word"
    command = {"command": ["/bin/sh", "-c", f"cat {word} || sleep 60"], "command_s_max": 5}
    async with served(Allora({1: said()})) as service:
        of = section(service.url)
        allora = of.allora.model_copy(update={"access": AccessSection.model_validate(command)})
        of = of.model_copy(update={"allora": allora})
        feeds = OutsideFeeds(Paced(), {})
        try:
            made(of, feeds)
            with pytest.raises(UnreachableError, match="LVD-NET-080"):
                await feeds._asked[0].api.inference(1)
            assert service.asked == 0
            word.write_text(API_KEY)
            fresh = await FeedHolder(feeds).tried(SimpleNamespace(predictions=of), [])
            fresh.take()
            assert (await feeds._asked[0].api.inference(1)).topic_id == 1
        finally:
            await feeds.close()


# --- all of them -----------------------------------------------------------------------------


class Holder:
    path = ("alerts", "to")

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def tried(self, settings, open_):
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Fresh("read", lambda: None)


async def _outcome(*holders):
    renewal, done = Renewal(holders), asyncio.Event()
    renewal.begin(object(), "digest", [], done.set)
    assert renewal.is_reading()
    assert renewal.result("digest") is None
    async with asyncio.timeout(60):
        await done.wait()
    return renewal


async def test_one_that_is_not_good_keeps_no_other_from_being_taken():
    renewal = await _outcome(Holder(), Holder(UnreachableError("no")), Holder(ValueError("geheim")))
    assert renewal.result("another") is None
    renewed = renewal.result("digest")
    assert renewed is not None
    assert renewed.told == ("read",)
    alert = renewed.alert()
    assert alert is not None
    assert alert.code == "LVD-NET-000"
    assert "LVD-KEY-052: it cannot be tried: ValueError" in alert.message
    assert "geheim" not in alert.message
    assert renewal.result("digest") is None, "it counts once"


async def test_what_is_forgotten_while_it_is_read_rouses_nobody_and_counts_for_nothing():
    renewal, roused = Renewal([Holder()]), []
    renewal.begin(object(), "digest", [], lambda: roused.append(1))
    await asyncio.sleep(0)
    renewal.forget()
    for _ in range(5):
        await asyncio.sleep(0)
    assert renewal.result("digest") is None
    assert roused == []


def test_on_paper_no_key_is_read():
    beside = SimpleNamespace(services=None, server=None)
    feeds = OutsideFeeds(SystemClock(), {})
    assert [type(each) for each in holders_of(None, beside, feeds)] == [FeedHolder]
    assert len(holders_of(ADDRESS, beside, feeds)) == 2
