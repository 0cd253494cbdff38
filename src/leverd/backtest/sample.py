"""Some weeks of a position for who wants to see leverd without a chain: a made-up past, replayed.

Nothing in it is written by hand: agents, gate, arithmetic and bookkeeping are those of a backtest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from leverd.backtest.history.history import History
from leverd.backtest.replay.running import run
from leverd.backtest.replay.synthetic import synthetic
from leverd.domain.events import DaemonStarted
from leverd.interfaces.journal import Binding, Entry
from leverd.settings import Settings, starter

WEEKS: Final = 6
POSITION: Final = "eth-loop"
MODE: Final = "sample"
"""What its journal is bound to, which no daemon runs in."""

_DRAW: Final = 5
"""A year of storms; its great crash falls two thirds into the weeks."""

_DAY_S: Final = 86_400
_CHANGES: Final = {
    "  path: var/{mode}/journal.db": "  path: '<journal>'",
    "  file: logs/leverd.log": "  file: '<log>'",
    # a narrow band has more to say
    "        boost_below: 2.2 ": "        boost_below: 2.42 ",
    "        repay_above: 2.8 ": "        repay_above: 2.58 ",
    "        change_min: 0.1 ": "        change_min: 0.05 ",
}
_PREDICTIONS: Final = """
predictions:
  scored_min: 10
  predictors:
    eth-vol: {kind: simple, subject: WETH, quantity: volatility, horizon_h: 24}
    eth-day: {kind: simple, subject: WETH, quantity: direction, horizon_h: 24}
"""


def settings_text(folder: Path) -> str:
    """Return the settings of the sample in `folder`: those to begin with, but for a few."""
    text = starter("devnet") + _PREDICTIONS
    for before, after in _CHANGES.items():
        assert text.count(before) == 1, f"the template lacks {before!r}"
        text = text.replace(before, after)
    for word, name in (("<journal>", "journal.db"), ("<log>", "leverd.log")):
        text = text.replace(word, str(folder.absolute() / name).replace("'", "''"))
    return text


def sample(settings: Settings, version: str, until: datetime) -> tuple[Binding, Sequence[Entry]]:
    """Return what a journal of the weeks before the day of `until` is bound to, and its entries."""
    ended = int(until.timestamp()) // _DAY_S * _DAY_S
    past = _ending(synthetic(_DRAW, WEEKS * 7 * 24), ended)
    ran = run(settings, POSITION, past)
    at = past.since
    started = DaemonStarted(version, MODE, settings.fingerprint())
    entries = [Entry(1, datetime.fromtimestamp(at, UTC), at, started)]
    entries += [replace(each, seq=each.seq + 1) for each in ran.replayed.entries]
    return Binding(MODE, 0, past.digest()), entries


def _ending(history: History, at: int) -> History:
    """Return `history` moved in time, so that it ends at `at`."""
    moved = at - history.until
    series = {key: replace(each, ts=each.ts + moved) for key, each in history.series.items()}
    return History(history.bar_s, history.ts + moved, history.bars, series)
