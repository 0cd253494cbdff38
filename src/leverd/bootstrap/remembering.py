"""Predictors that go on after a restart from the bars their daemon saw before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from leverd.adapters.sql_journal import SqlLedger
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.predictors import foresight_of
from leverd.domain.bars import BARS_MAX
from leverd.domain.prediction_events import BarSeen
from leverd.engine.foreseeing import recall
from leverd.engine.foresight import Foresight
from leverd.settings import Settings

_KINDS: Final = (BarSeen.__name__,)


def foresight_remembering(
    settings: Settings,
    journal: Path,
    feeds: OutsideFeeds,
    *,
    about: Callable[[str], bool] = lambda _subject: True,
) -> Foresight | None:
    """Return the predictors that `settings` name with what `journal` holds of their past.

    Of others than those `about` is true of, nobody is asked.
    """
    foresight = foresight_of(settings, feeds=feeds.predictor, about=about)
    if foresight is None:
        return None
    ledger = SqlLedger(journal)
    try:
        most = BARS_MAX * len(tuple(foresight.subjects))
        newest = ledger.entries(kinds=_KINDS, limit=most, newest_first=True)
    finally:
        ledger.close()
    seen = [entry.event for entry in reversed(newest) if isinstance(entry.event, BarSeen)]
    recall(foresight, seen, foresight.bar_s)
    return foresight
