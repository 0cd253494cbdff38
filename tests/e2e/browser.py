"""A real browser for the page: Debian's Chromium, headless, that may ask only this machine."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from leverd.cli.api_server import Server
from leverd.settings import Settings

ROOT = Path(__file__).parents[2]
SHOTS = Path(os.environ.get("LEVERD_SCREENSHOTS", ROOT / "var" / "screenshots"))
WAIT_MS = 60_000
DESK: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser of our own, and end it."""
    found = shutil.which("chromium")
    assert found, "chromium is missing: apt-get install chromium, as .ci/run does"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(settings: Settings, scope: str = "control") -> Iterator[Server]:
    """Yield the API as `leverd api` serves it, at a free port, with a token of its own."""
    held = socket.create_server(("127.0.0.1", 0))
    port = held.getsockname()[1]
    api = settings.api.model_copy(update={"port": port})
    server = Server(settings.model_copy(update={"api": api}), scope)
    running = uvicorn.Server(server.config())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [held]})
    thread.start()
    try:
        until(lambda: running.started)
        yield server
    finally:
        running.should_exit = True
        thread.join()
        held.close()


class Watched:
    """A page, and whatever went wrong on it."""

    def __init__(
        self,
        browser: Browser,
        origin: str,
        *,
        colours: Literal["dark", "light"] = "dark",
        size: ViewportSize = DESK,
    ) -> None:
        self._context = browser.new_context(viewport=size, color_scheme=colours)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda sent: self._note(sent.url, origin))

    def _note(self, url: str, origin: str) -> None:
        if not url.startswith((origin, "data:", "blob:")):
            self.strangers.append(url)

    def text(self, element: str) -> str:
        return self.page.locator(f"#{element}").inner_text()

    def shows(self, element: str, part: str) -> None:
        """Wait until `element` shows `part`."""
        self.page.wait_for_function(
            "([id, part]) => document.getElementById(id).innerText.includes(part)",
            arg=[element, part],
        )

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def close(self) -> None:
        self._context.close()


def until(true, seconds: float = 60.0) -> None:
    """Wait until `true()`."""
    end = time.monotonic() + seconds  # noqa: TID251 -- a test's patience with another thread
    while not true():
        assert time.monotonic() < end, "waited in vain"  # noqa: TID251 -- as above
        time.sleep(0.05)  # noqa: TID251 -- as above
