"""Sample data in a real browser: everything to see, and said to be a sample."""

from __future__ import annotations

import pytest
from tests.e2e.browser import Watched, chromium, served

from leverd.cli.db_sample import write_sample
from leverd.cli.given import settings_of

pytestmark = pytest.mark.sockets


def test_the_page_shows_a_sample_as_a_sample(tmp_path):
    write_sample(tmp_path / "seen")
    settings = settings_of([tmp_path / "seen" / "settings.yaml"])
    with chromium() as browser, served(settings, "read") as server:
        seen = Watched(browser, server.url)
        seen.page.goto(server.link)
        seen.shows("banner", "Sample data")
        seen.shows("mode", "sample data")
        seen.shows("pulse-text", "sample data")
        seen.shows("timeline", "leverage_loop")
        seen.shows("trades", "completed")
        seen.shows("predictions", "eth-vol")
        seen.page.wait_for_function("/[0-9]/.test(document.getElementById('equity').innerText)")
        for chart in ("price", "equity", "leverage", "pnl"):
            seen.page.locator(f"#chart-{chart} svg.main-svg").first.wait_for()
        assert "No daemon runs" not in seen.text("banner")
        seen.shot("sample")
        assert seen.errors == []
        assert seen.strangers == []
        seen.close()
