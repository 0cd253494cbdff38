"""Optuna's search: batches that learn from the batches before."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final

import numpy as np

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.blocks import Ground
from leverd.backtest.sweep.configuration import NAMES, Configurations, sound
from leverd.backtest.sweep.engine import Engine, Runner
from leverd.backtest.sweep.objective import scores
from leverd.backtest.sweep.outcome import Exact
from leverd.backtest.sweep.search import Chunks, Keeper, Wanted
from leverd.backtest.sweep.space import Dimension
from leverd.errors import SweepError

BATCH: Final = 64
"""Configurations asked for at once, whoever runs them: so the numbers are the same for all."""

_PART: Final = 16  # of a batch, for one process
_WORST: Final = -1e12  # TPE ranks, so any number below all others will do


def batches_of(wanted: Wanted) -> int:
    """Return how many batches its trials make."""
    return -(-wanted.trials // BATCH)


def run(wanted: Wanted, ground: Ground, engine: Engine, exact: Exact, keeper: Keeper) -> Chunks:
    """Yield every batch with its results, kept.

    Batches that are kept are told to the sampler again, which then asks for the same as before.

    Raises:
        SweepError: Optuna is not installed, or what is kept is not what it asks for.
    """
    optuna = _optuna()
    sampler = optuna.samplers.TPESampler(seed=wanted.seed, n_startup_trials=BATCH)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    with ExitStack() as open_:
        runner: Runner | None = None
        for index in range(batches_of(wanted)):
            count = min(BATCH, wanted.trials - index * BATCH)
            trials = [study.ask() for _ in range(count)]
            asked = np.array([_asked(each, wanted) for each in trials], dtype=np.int64)
            good = sound(asked)
            if keeper.done(index):
                table, results = keeper.chunk(index)
                _same(table, asked[good], index)
            else:
                runner = runner or open_.enter_context(engine(ground, exact))
                table, results = _together(runner, asked[good])
                keeper.keep(index, table, results)
            values = np.full(count, _WORST)
            values[good] = _finite(scores(wanted.objective, results, ground.past))
            for trial, value in zip(trials, values.tolist(), strict=True):
                study.tell(trial, value)
            yield table, results


def _together(runner: Runner, table: Configurations) -> tuple[Configurations, Floats]:
    """Return one batch with its results, run in parts so that several processes share it."""
    parts = [table[at : at + _PART] for at in range(0, max(len(table), 1), _PART)]
    return table, np.concatenate([results for _, results in runner(parts)])


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 -- half a second, only for those who search with it
    except ImportError as error:
        raise SweepError(
            "Optuna is not installed", number=codes.NO_LIBRARY, remedy="install leverd[optuna]"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _asked(trial: Any, wanted: Wanted) -> list[int]:
    return [_suggested(trial, each) for each in wanted.space.dimensions]


def _suggested(trial: Any, dimension: Dimension) -> int:
    values, name = dimension.values, dimension.name
    if len(values) == 1:
        return values[0]
    if not values:
        return int(trial.suggest_int(name, dimension.low, dimension.high, log=dimension.log))
    steps = set(np.diff(values).tolist())
    if len(steps) == 1:
        return int(trial.suggest_int(name, values[0], values[-1], step=steps.pop()))
    return int(values[trial.suggest_int(name, 0, len(values) - 1)])


def _finite(found: Floats) -> Floats:
    return np.where(np.isfinite(found), found, _WORST)


def _same(kept: Configurations, asked: Configurations, index: int) -> None:
    if not np.array_equal(kept.reshape(-1, len(NAMES)), asked):
        raise SweepError(
            f"batch {index} is not what Optuna asks for now",
            number=codes.FOREIGN,
            remedy="another version of Optuna began this; name another --out",
        )
