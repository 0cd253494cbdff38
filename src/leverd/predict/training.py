"""From bars to a stored model with its out-of-sample scores: what `train` and a worker do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from leverd.predict.models import fit
from leverd.predict.samples import Samples
from leverd.predict.store import Stored, packed
from leverd.predict.walk_forward import Walk, Walked, walk_forward


def train(
    samples: Samples,
    subject: str,
    walk: Walk,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Stored, Walked]:
    """Return a model of the newest part of `samples`, and the walk that it is judged by.

    Raises:
        PredictionError: the samples are too few.
    """
    walked = walk_forward(samples, walk, advance)
    known = samples.part(np.isfinite(samples.truth))
    learnt = known.part(known.at > int(known.at[-1]) - walk.learn_s)
    return packed(fit(learnt), learnt, walked, subject, walk.confidence), walked


def retrain(samples: Samples, subject: str, walk: Walk) -> Stored:
    """Return the model alone; for a worker, which sends it back."""
    return train(samples, subject, walk)[0]
