"""One position of an owner's settings through the past: the one door for commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from leverd.backtest.foretelling.added import Added, added
from leverd.backtest.foretelling.saying import said_along
from leverd.backtest.history.history import History
from leverd.backtest.replay.curves import curve_of, record_of
from leverd.backtest.replay.replay import Replay, Replayed
from leverd.backtest.replay.setting import mandate_of, models_of, rules_of
from leverd.backtest.replay.sources import check_rates
from leverd.backtest.replay.world import World
from leverd.backtest.run_record import RunRecord
from leverd.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """A replay and what a report is made of."""

    replayed: Replayed
    record: RunRecord
    added: Added | None = None  # what predictions added; None where nobody predicts


def run(settings: Settings, position: str, history: History, *, every_point: bool = False) -> Ran:
    """Return what `history` makes of the position; with `every_point` nothing is gone over.

    Raises:
        SettingsError: `backtest` does not describe what the position needs.
        DataError: the history lacks what `backtest` names.
    """
    mandate = mandate_of(settings, position)
    rules = rules_of(settings, position)
    models = models_of(settings, mandate)
    check_rates(history, models, mandate)
    world = World(history, models, mandate)
    said, skips = said_along(world, settings), not every_point
    replayed = Replay(world, rules, skips=skips, foretold=said).run()
    record = record_of(replayed, rules, settings.fingerprint(), history.digest())
    if said is None:
        return Ran(replayed, record)
    plain = replayed
    if said.heard:  # else the two are the same to the wei
        plain = Replay(world, rules, skips=skips).run()
    found = added(said.heard, replayed, record.curve, plain, curve_of(plain))
    told = replace(record, models={**record.models, "predictions": found.verdict})
    return Ran(replayed, told, found)
