"""A model as a predictor: one row a bar, one answer, and a new model when it is time."""

from __future__ import annotations

from typing import Final

from leverd.domain.bars import Past
from leverd.domain.prediction import Prediction, Quantity, Why
from leverd.errors import PredictionError
from leverd.interfaces.predictor import Card
from leverd.predict.card_file import Purpose
from leverd.predict.drift import Drift
from leverd.predict.lessons import Lessons
from leverd.predict.models import ROWS_MIN, Fitted
from leverd.predict.retraining import Bench, Work
from leverd.predict.saying import say
from leverd.predict.store import Stored, opened
from leverd.predict.walk_forward import Walk

_RETRY_S: Final = 86_400


class ModelPredictor:
    """Speaks by the newest model; without one it learns until there is one."""

    def __init__(
        self,
        name: str,
        purpose: Purpose,
        *,
        stored: Stored | None = None,
        bench: Bench | None = None,
        walk: Walk | None = None,
    ) -> None:
        """Make one; with a `bench` it is fitted anew every `walk.step_s`.

        Raises:
            PredictionError: what is stored is no model.
        """
        self._name, self._purpose = name, purpose
        self._bench, self._walk = bench, walk or Walk()
        self._lessons = Lessons(purpose)
        self._drift = Drift(())
        self._stored: Stored | None = None
        self._model: Fitted | None = None
        self._begun: Work | None = None
        self._fit_at = 0
        self._failed = ""
        if stored is not None:
            self._use(stored)

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return self._name

    @property
    def subject(self) -> str:
        """The symbol of the asset it speaks of."""
        return self._purpose.subject

    @property
    def quantity(self) -> Quantity:
        """What it says of it."""
        return self._purpose.quantity

    @property
    def horizon_s(self) -> int:
        """How far ahead it speaks, seconds."""
        return self._purpose.horizon_s

    @property
    def card(self) -> Card | None:
        """Its out-of-sample scores, None without a model."""
        return None if self._stored is None else self._stored.card.scores.card

    def predict(self, past: Past) -> Prediction:
        """Return what the model expects; see `Predictor`."""
        for fresh in self._lessons.follow(past):
            self._drift.note(fresh)
        self._train(past.now)
        stored, model, row = self._stored, self._model, self._lessons.row
        if stored is None or model is None:
            known = f"{len(self._lessons)} of {ROWS_MIN} samples are known"
            raise PredictionError(
                f"there is no model yet: {self._failed or known}", number=Why.TOO_LITTLE_HISTORY
            )
        if past.now < stored.card.learnt_until:
            raise PredictionError(
                "the model was made from what comes later", number=Why.KNOWS_THE_FUTURE
            )
        if row is None:
            raise PredictionError("too few bars without a hole", number=Why.TOO_LITTLE_HISTORY)
        if self._drift.is_far:
            raise PredictionError(
                f"{self._drift.share:.0%} of what it reads is outside what it knows",
                number=Why.DRIFTED,
            )
        level = stored.card.confidence
        value, low, high = model.forecast(row.reshape(1, -1), level)
        return say(
            past,
            self._purpose.quantity,
            value=float(value[0]),
            ends=(float(low[0]), float(high[0])),
            confidence=level,
            horizon_s=self._purpose.horizon_s,
            source=self._name,
            version=stored.version,
        )

    def close(self) -> None:
        """Leave what is being fitted."""
        if self._bench is not None:
            self._bench.close()

    def _train(self, now: int) -> None:
        """Take the model that is ready, begin the next one when it is time. Never waits."""
        if self._bench is None:
            return
        if self._begun is None and now >= self._fit_at and len(self._lessons) >= ROWS_MIN:
            self._begun = self._bench.begin(
                self._lessons.samples(), self._purpose.subject, self._walk
            )
        if self._begun is None or not self._begun.done():
            return
        begun, self._begun = self._begun, None
        try:
            fresh = begun.result()
            if _has_earned_it(fresh) or not _has_earned_it(self._stored):
                self._use(fresh)
            self._fit_at = now + self._walk.step_s
        except Exception as error:  # noqa: BLE001 -- a worker may die of anything; the old stays
            self._failed, self._fit_at = f"{error!r}", now + _RETRY_S

    def _use(self, stored: Stored) -> None:
        self._model, self._stored = opened(stored), stored
        self._drift = Drift(stored.card.usual)
        self._fit_at = max(self._fit_at, stored.card.learnt_until + self._walk.step_s)


def _has_earned_it(stored: Stored | None) -> bool:
    """Whether a model has skill: one that has is not given up for one that has not."""
    if stored is None:
        return False
    card = stored.card.scores.card
    return card.skill > 0 and card.surely
