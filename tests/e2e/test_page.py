"""The page in a real browser, over a daemon on real contracts: it shows what the chain says."""

from __future__ import annotations

import asyncio
import re
import threading
import time

import pytest
from loguru import logger
from tests.e2e.browser import PHONE, Watched, chromium, served, until

from leverd.cli.given import settings_of

pytestmark = pytest.mark.chain

PACE_S = 0.05
"""Wall seconds a block, so that one can look at a turn before the next."""


class Living:
    """The daemon on `world`, in a thread of its own, until told to stop."""

    def __init__(self, world):
        self._world, self._stop = world, threading.Event()
        self._thread = threading.Thread(target=self._play)

    def _play(self):
        self._world.clock.after_block = lambda _: time.sleep(PACE_S)  # noqa: TID251 -- the wall's
        asyncio.run(self._world.play(until=lambda _: self._stop.is_set()))

    def __enter__(self):
        self._log = logger.add(self._world.folder / "leverd.log", level="INFO")
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self._thread.join()

    def __exit__(self, *_):
        self.stop()
        logger.remove(self._log)


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def opened(browser, server, **how):
    watched = Watched(browser, server.url, **how)
    watched.page.goto(server.link)
    return watched


def number(text):
    return float(re.sub(r"[^0-9.-]", "", text.split()[0]))


def test_the_page_shows_what_the_chain_says_and_its_buttons_work(world, browser):
    settings = settings_of(world.files())
    with Living(world) as life, served(settings) as server:
        until(lambda: world.journal.exists() and world.truth().debt > 0)
        seen = opened(browser, server)
        _shows_the_chain(world, seen)
        _fits_a_phone(browser, server)
        _obeys(world, seen)
        life.stop()
        seen.shows("banner", "No daemon runs")
        seen.shot("stale")
        assert seen.errors == []
        assert seen.strangers == []
    seen.page.wait_for_selector("#pulse[data-state=lost]")
    seen.shows("banner", "does not answer")
    seen.shot("lost")
    seen.close()


def _shows_the_chain(world, seen):
    seen.page.wait_for_selector("#pulse[data-state=live]")
    seen.shows("leverage", "2.50")
    truth = world.truth()
    assert number(seen.text("equity")) == pytest.approx(truth.equity / 1e8, abs=2)
    assert number(seen.text("leverage")) == pytest.approx(float(truth.leverage), abs=0.01)
    health = float(seen.page.locator("#gauge").get_attribute("aria-valuenow"))
    assert health == pytest.approx(truth.health / 1e18, abs=0.002)
    assert number(seen.text("price")) == 3000
    assert seen.text("state") == "active"
    assert "token=" not in seen.page.url
    for element, part in (
        ("legs", "supplied"), ("legs", "USDC"), ("timeline", "leverage 1.0000 is below 2.2"),
        ("trades", "completed"), ("log", "turn="), ("breakers", "none open"),
    ):  # fmt: skip
        seen.shows(element, part)
    later = "(block) => Number(document.getElementById('block').innerText.replace(',', '')) > block"
    seen.page.wait_for_function(later, arg=number(seen.text("block")))  # it lives
    seen.shot("desk-dark")


def _fits_a_phone(browser, server):
    seen = opened(browser, server, colours="light", size=PHONE)
    seen.shows("leverage", "2.50")
    seen.shows("trades", "completed")
    beside = seen.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not beside, "something is beside the screen of a phone"
    seen.shot("phone-light")
    seen.close()


def _obeys(world, seen):
    _press(seen, "Pause", confirm=False)
    assert seen.text("asked") == ""
    _press(seen, "Pause")
    seen.shows("asked", "pause of eth-loop is request 1")
    seen.shows("state", "paused")
    _press(seen, "Unwind")
    seen.shows("state", "unwinding")
    until(lambda: world.truth().debt == 0)
    seen.shows("health-note", "nothing is owed")
    seen.shot("unwound")


def _press(seen, verb, *, confirm=True):
    """Press a button by the keyboard alone, and answer its question."""
    seen.page.get_by_role("button", name=verb, exact=True).first.focus()
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector("#sure[open]")
    assert seen.page.evaluate("document.activeElement.value") == "no"  # the harmless answer first
    if confirm:
        seen.page.locator("#sure-yes").press("Enter")
    else:
        seen.page.keyboard.press("Escape")
    seen.page.wait_for_selector("#sure:not([open])", state="attached")
