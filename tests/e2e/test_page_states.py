"""What the page shows where there is nothing, nobody, or no way in; in a real browser."""

from __future__ import annotations

import pytest
from tests.e2e.browser import Watched, chromium, served
from tests.predictions import made, predicted
from tests.unit.api.house import House, at_

from leverd.domain.events import DaemonStarted, DecisionTaken

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


@pytest.fixture
def seen(house, browser):
    with served(house.settings, "read") as server:
        watched = Watched(browser, server.url)
        watched.server = server
        yield watched
        assert watched.errors == []
        assert watched.strangers == []
        watched.close()


def test_without_a_token_there_is_a_door_and_with_a_wrong_one_it_stays_shut(house, seen):
    house.live()
    seen.page.goto(seen.server.url)
    seen.page.wait_for_selector("#door:not([hidden])")
    assert seen.page.evaluate("document.activeElement.id") == "token"
    seen.shot("door")
    seen.page.keyboard.type("lvd_wrong")
    seen.page.keyboard.press("Enter")
    seen.shows("door-said", "this token is not known")
    assert seen.page.locator("#main").is_hidden()
    seen.page.keyboard.type(house.read)
    seen.page.keyboard.press("Enter")
    seen.shows("leverage", "2.50")
    assert house.read not in seen.page.url
    seen.page.get_by_role("button", name="Forget token").click()
    seen.page.wait_for_selector("#door:not([hidden])")
    assert seen.page.evaluate("sessionStorage.length") == 0


def test_before_the_first_start_it_says_what_is_missing(house, seen):
    seen.page.goto(seen.server.link)
    seen.shows("banner", "LVD-OWN-011")
    house.write(DaemonStarted("0.1.0", "devnet", "cafe"))
    seen.page.reload()
    seen.shows("empty", "Nothing is held yet")
    seen.shot("empty")


def test_a_token_to_read_presses_buttons_in_vain_and_is_told_so(house, seen):
    house.live()
    seen.page.goto(seen.server.link)
    seen.shows("leverage", "2.50")
    seen.shows("banner", "No daemon runs")
    seen.page.get_by_role("button", name="Reduce", exact=True).first.click()
    seen.page.locator("#sure-yes").click()
    seen.shows("asked", "not good for control")
    assert house.pending() == []


def test_what_a_journal_holds_is_shown_as_text_and_never_run(house, seen):
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>"
    house.live().write(DecisionTaken("eth-loop", hostile, hostile, "", hostile, at_(5)))
    seen.page.goto(seen.server.link)
    seen.shows("timeline", "onerror")
    assert seen.page.locator("#timeline img, #timeline script").count() == 0
    assert "owned" not in seen.page.title()


def test_everything_can_be_reached_and_named_without_a_mouse(house, seen):
    house.live()
    seen.page.goto(seen.server.link)
    seen.shows("leverage", "2.50")
    reached = set()
    for _ in range(30):
        seen.page.keyboard.press("Tab")
        reached.add(
            seen.page.evaluate(
                "((one) => one.getAttribute('aria-label') || one.innerText)(document.activeElement)"
            )
        )
    assert {"Skip to the positions", "Pause", "Reduce", "Unwind", "Forget token"} <= reached
    meter = seen.page.get_by_role("meter", name="Health factor")
    assert meter.get_attribute("aria-valuetext") == "1.383"
    unnamed = seen.page.evaluate(
        "[...document.querySelectorAll('button,input,a,[role=img],table')].filter((each) => "
        "each.checkVisibility() && !(each.innerText || each.getAttribute('aria-label') || "
        "each.getAttribute('aria-labelledby') || each.labels?.length || each.caption)).length"
    )
    assert unnamed == 0


def test_dark_and_light_are_chosen_and_kept(house, seen):
    house.live()
    seen.page.goto(seen.server.link)
    seen.shows("leverage", "2.50")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = seen.page.evaluate(paper)
    seen.page.locator("#theme").click()
    light = seen.page.evaluate(paper)
    assert dark != light
    seen.page.reload()
    assert seen.page.evaluate(paper) == light


def test_predictions_are_shown_where_there_are_any(house, seen):
    house.live()
    seen.page.goto(seen.server.link)
    seen.shows("leverage", "2.50")
    assert seen.page.locator("#predictions-card").is_hidden()
    house.write(made(predicted(0.8)))
    seen.shows("predictions", "skill 0.100 over 400")
    seen.shows("predictions", "somebody")


def test_what_happens_before_the_line_is_open_is_shown_all_the_same(house, seen):
    house.live()

    def late(route):
        house.write(made(predicted(0.8)))
        seen.page.wait_for_timeout(1_000)  # the API has seen it by then, and will not tell it
        route.continue_()

    seen.page.route("**/api/v1/limits", late)
    seen.page.goto(seen.server.link)
    seen.shows("predictions", "skill 0.100 over 400")
