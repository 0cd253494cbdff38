"""Who speaks in a replay: the settings' own predictors made anew, or a journal read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from leverd.backtest.replay.foretold import Foretold, foretold, recalled
from leverd.backtest.replay.world import World
from leverd.bootstrap.predictors import foresight_of
from leverd.interfaces.journal import Entry
from leverd.settings import Settings
from leverd.settings.backtest import MADE

if TYPE_CHECKING:
    from leverd.predict.retraining import Bench

_KINDS: Final = ("PredictionMade", "PredictionScored", "PredictionIgnored")
_BATCH: Final = 1_000


def said_along(world: World, settings: Settings) -> Foretold | None:
    """Return what predictors say along `world`, None where the settings name none.

    Models that fit themselves anew do so within the replay, from what they had seen by then.

    Raises:
        OwnerError: the journal that is named is not there.
    """
    source = settings.backtest.predictions
    if source != MADE:
        return _from_journal(world, Path(source))
    if settings.predictions is None:
        return None
    foresight = foresight_of(settings, _at_once)
    assert foresight is not None, "the settings name predictors"
    return foretold(world, foresight)


def _at_once() -> Bench:
    from leverd.predict.retraining import AtOnce  # noqa: PLC0415 -- only where a model is fitted

    return AtOnce()


def _from_journal(world: World, path: Path) -> Foretold:
    from leverd.adapters.sql_journal import SqlLedger  # noqa: PLC0415 -- loads SQLAlchemy

    ledger, after = SqlLedger(path), 0
    entries: list[Entry] = []
    try:
        while batch := ledger.entries(kinds=_KINDS, after=after, limit=_BATCH):
            entries.extend(batch)
            after = batch[-1].seq
    finally:
        ledger.close()
    return recalled(world, entries)
