"""Spot on the page, in a real browser: shown where there is any, and made safer by keys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.e2e.browser import PHONE, Watched, chromium, served
from tests.unit.api.house import House
from tests.unit.api.trader import Trader, planned
from tests.unit.cli.test_spot_rows import VALUED

from leverd.adapters.system_clock import SystemClock
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotMarked

pytestmark = pytest.mark.sockets

HOUR_S = 3_600


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def trader(tmp_path, monkeypatch):
    """A trader with two days behind them, whose last look is just now."""
    monkeypatch.chdir(tmp_path)
    made = Trader(tmp_path)
    made.clock.at = SystemClock().now()
    made.at = int(made.clock.at.timestamp()) - 50 * HOUR_S
    made.trades()
    for hour, profit in enumerate(("0.4", "1.3", "0.9", "2.2", "1.7", "3.1", "2.6", "4.8")):
        raw = int(Decimal(profit) * WAD)
        made.write(SpotMarked("spot", 20 * WAD, 4 * WAD, 80 * WAD, 0, raw, raw,
                              made.at + 6 * hour * HOUR_S), chain_at=made.at)  # fmt: skip
    made.looks(bid=22)
    return made


def opened(browser, server, **how):
    seen = Watched(browser, server.url, **how)
    seen.page.goto(server.link)
    seen.shows("leverage", "2.50")
    return seen


def ended(seen):
    assert seen.errors == []
    assert seen.strangers == []
    seen.close()


def test_it_shows_what_is_held_made_and_thought_and_follows_each_look(trader, browser):
    with served(trader.settings, "read") as server:
        seen = opened(browser, server)
        for element, part in (
            ("spot-title", "Spot INJ/USDT"), ("spot-orders", "on paper"), ("spot-state", "active"),
            ("spot-held", "4.0000 INJ"), ("spot-worth", "88.00 USDT"), ("spot-average", "20.0250"),
            ("spot-profit", "+7.81 USDT"), ("spot-fees", "0.1000 USDT"), ("spot-today", "0 of 6"),
            ("spot-order", "no open order"), ("spot-thought", "signal_trader: exit"),
            ("spot-why", "5 % below what it cost"), ("spot-seen", "last look"),
            ("spot-timeline", "it rises"), ("spot-timeline", "cooldown; trades_day"),
            ("spot-trades", "4 of 4"), ("spot-trades", "unsigned: no answer"),
            ("chart-spot-said", "+7.81 USDT"),
        ):  # fmt: skip
            seen.shows(element, part)
        seen.page.locator("#chart-spot svg.main-svg").first.wait_for()
        assert seen.page.locator("#spot-stopped").is_hidden()
        seen.shot("spot-dark")
        assert seen.text("spot-references") == ""
        trader.write(VALUED, chain_at=trader.at)
        seen.shows("spot-references", "fair value 22.0000 USDT, give or take 1.0 %")
        seen.shows("spot-references", "dead: ignored, silent")
        trader.orders(planned(), slot=8)
        seen.shows("spot-order", "buy 4.0000 INJ")
        seen.shows("spot-thought", "signed, at 21.0000 USDT at worst")
        trader.stops()
        seen.shows("spot-stopped", "portfolio stop")
        seen.shot("spot-stopped")
        ended(seen)


def test_it_fits_a_phone_by_day(trader, browser):
    with served(trader.settings, "read") as server:
        seen = opened(browser, server, colours="light", size=PHONE)
        seen.shows("spot-profit", "+7.81 USDT")
        seen.shows("spot-trades", "4 of 4")
        seen.page.locator("#chart-spot svg.main-svg").first.wait_for()
        beside = seen.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not beside, "something is beside the screen of a phone"
        seen.shot("spot-phone-light")
        ended(seen)


@pytest.mark.parametrize("verb", ["Pause", "Reduce", "Unwind"])
def test_its_buttons_ask_for_it_alone_by_the_keyboard(trader, browser, verb):
    with served(trader.settings) as server:
        seen = opened(browser, server)
        seen.shows("spot-held", "4.0000 INJ")
        seen.page.get_by_role("button", name=f"{verb} spot", exact=True).focus()
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("#sure[open]")
        assert seen.text("sure-title") == f"{verb} spot?"
        assert "bought" in seen.text("sure-said")
        assert seen.page.locator("#now-row").is_hidden()
        assert seen.page.evaluate("document.activeElement.value") == "no"
        seen.page.locator("#sure-yes").press("Enter")
        seen.shows("spot-asked", f"{verb.lower()} of spot is request 1")
        assert seen.text("asked") == ""
        assert trader.pending() == [(verb.lower(), "spot", "api")]
        ended(seen)


def test_everything_of_it_has_a_name(trader, browser):
    with served(trader.settings, "read") as server:
        seen = opened(browser, server)
        seen.shows("spot-trades", "4 of 4")
        unnamed = seen.page.evaluate(
            "[...document.querySelectorAll('#spot button,#spot [role=img],#spot table')].filter("
            "(each) => !(each.innerText || each.getAttribute('aria-label') || "
            "each.getAttribute('aria-labelledby') || each.caption)).length"
        )
        assert unnamed == 0
        assert seen.page.get_by_role("region", name="Spot INJ/USDT").count() == 1
        ended(seen)


def test_what_the_venue_says_is_shown_as_text_and_never_run(trader, browser):
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    trader.thinks("stay", hostile, hostile)
    trader.looks(ticker=f"{hostile}/{hostile}")
    with served(trader.settings, "read") as server:
        seen = opened(browser, server)
        seen.shows("spot-why", "onerror")
        seen.shows("spot-timeline", "onerror")
        assert seen.page.locator("#spot img, #spot script").count() == 0
        assert "owned" not in seen.page.title()
        ended(seen)


def test_where_none_is_traded_nothing_of_it_shows_and_nothing_is_asked(
    tmp_path, monkeypatch, browser
):
    monkeypatch.chdir(tmp_path)
    house = House(tmp_path).live()
    with served(house.settings, "read") as server:
        seen = Watched(browser, server.url)
        asked: list[str] = []
        seen.page.on("request", lambda sent: asked.append(sent.url))
        seen.page.goto(server.link)
        seen.shows("leverage", "2.50")
        seen.shows("timeline", "leverage is in its band")
        assert seen.page.locator("#spot").is_hidden()
        assert [url for url in asked if "/api/v1/spot" in url or "position=spot" in url] == []
        ended(seen)
