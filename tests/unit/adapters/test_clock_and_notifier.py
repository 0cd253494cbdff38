"""The real clock, and alerts in the log."""

from __future__ import annotations

from datetime import UTC

from loguru import logger

from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.system_clock import SystemClock
from leverd.domain.events import AlertRaised


async def test_the_clock_is_aware_and_sleeps_at_least_as_long_as_asked():
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.02)
    assert clock.monotonic() - before >= 0.02
    assert clock.now().tzinfo is UTC


def test_an_alert_is_one_line_with_code_position_and_details():
    lines = []
    sink = logger.add(lambda message: lines.append(str(message)), format="{level} {message}")
    LogNotifier().notify(AlertRaised("eth-loop", "LVD-X-001", "it {broke}", {"b": "2", "a": "1"}))
    LogNotifier().notify(AlertRaised("", "LVD-X-002", "all of it"))
    logger.remove(sink)
    assert lines[0] == "WARNING LVD-X-001 [eth-loop] it {broke} a=1 b=2\n"
    assert lines[1].startswith("WARNING LVD-X-002 all of it")
