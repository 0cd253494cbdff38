"""What predictors know after a restart."""

from __future__ import annotations

from pathlib import Path

from tests.journal_events import SteadyClock
from tests.predictions import HOUR, START, bars

from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.remembering import foresight_remembering
from leverd.domain.prediction_events import BarSeen
from leverd.settings import load_settings

CONFIG = Path(__file__).parents[3] / "config"


def settings(*more):
    return load_settings([CONFIG / "settings.yaml", *more], {}, find_agents())


def journal_with(folder, seen, bar_s):
    path = folder / "journal.db"
    journal = SqlJournal(path, SteadyClock())
    for bar in seen:
        known = {"borrow_rate": 21_000, "base_fee": 10**9}
        shape = (bar.at, bar.open, bar.high, bar.low, bar.last.at, bar.close)
        journal.append_now(BarSeen("WETH", bar_s, *shape, known), chain_at=bar.at)
    journal.close()
    return path


def remembered(folder, bar_s):
    seen = bars([3_000 * 10**8 + n for n in range(60)], borrow_rate=21_000, base_fee=10**9)
    feeds = OutsideFeeds(SteadyClock(), {})
    journal = journal_with(folder, seen, bar_s)
    found = foresight_remembering(settings(CONFIG / "with" / "predictions.yaml"), journal, feeds)
    return seen, found


def test_bars_of_the_journal_are_the_past_of_the_next_start(tmp_path):
    known = remembered(tmp_path, 60)[1].bar_s
    (tmp_path / "again").mkdir()
    seen, foresight = remembered(tmp_path / "again", known)
    assert list(foresight.bars("WETH")) == seen
    assert seen[0].at == START + HOUR
    foresight.close()


def test_nobody_predicts_where_nobody_is_named(tmp_path):
    journal = journal_with(tmp_path, [], HOUR)
    assert foresight_remembering(settings(), journal, OutsideFeeds(SteadyClock(), {})) is None
