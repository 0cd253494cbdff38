"""What a prediction costs the loop: a bar's features, a model's answer, all of a look.

Run: python -m benchmarks.predictions
The goals are 1 ms for features and 2 ms for inference. The reference is the standard deviation of
the same 240 returns by NumPy, in the same minute: what anybody pays at least. CPU time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

import numpy as np
from tests.unit.predict import pasts

from leverd.domain.bars import Past
from leverd.engine.admission import Leave
from leverd.engine.foresight import Appointed, Foresight
from leverd.engine.outlook import Outlook, fold_prediction
from leverd.predict.features import Features
from leverd.predict.model_predictor import ModelPredictor
from leverd.predict.store import opened

HOUR = 3_600
RUNS = 500
GOALS = {"features of a bar": 1.0, "inference": 2.0}  # ms


def milliseconds(work: Callable[[int], object]) -> float:
    """Return the median CPU time of one call, the first few left out."""
    taken = []
    for number in range(RUNS):
        started = process_time()
        work(number)
        taken.append(process_time() - started)
    return float(np.median(taken[20:])) * 1e3


def main() -> int:
    """Return 1 if a goal is missed."""
    bars = pasts.bars(2_400 + RUNS)
    features = Features(HOUR)
    for bar in bars[:2_400]:
        features.update(bar)
    stored = pasts.trained()[0]
    model, row = opened(stored), pasts.samples().rows[-1:]
    returns = np.diff(np.log([bar.close for bar in bars[-241:]]))
    predictor = ModelPredictor("eth-vol", pasts.PURPOSE, stored=stored)
    foresight = Foresight([Appointed(predictor, Leave(advises=True))], HOUR)
    foresight.recall("WETH", bars[:2_400])
    predictor.predict(Past("WETH", HOUR, bars[400:2_400]))
    outlook: Outlook = {}

    def look(number: int) -> None:
        nonlocal outlook
        for fact in foresight.look({"WETH": bars[2_400 + number].last}, outlook):
            outlook = fold_prediction(outlook, fact)

    found = {
        "reference: one deviation": milliseconds(lambda _: returns.std()),
        "features of a bar": milliseconds(lambda n: features.update(bars[2_400 + n])),
        "inference": milliseconds(lambda _: model.forecast(row, 0.8)),
        "a look that closes a bar": milliseconds(look),
    }
    missed = False
    for name, taken in found.items():
        goal = GOALS.get(name)
        missed |= goal is not None and taken > goal
        aim = "" if goal is None else f"  goal {goal:.0f} ms"
        sys.stdout.write(f"{name:28} {taken:7.3f} ms{aim}\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
