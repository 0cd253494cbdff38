"""Who predicts, by settings. What loads scikit-learn is imported only if a model is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leverd.domain.bars import Past
from leverd.domain.prediction import MICRO, Prediction, Quantity, Why
from leverd.engine.admission import Leave
from leverd.engine.foresight import Appointed, Foresight
from leverd.errors import PredictionError, SecretError, UnreachableError
from leverd.interfaces.predictor import Card, Predictor
from leverd.settings import Settings
from leverd.settings.predictions import PredictionsSection, PredictorSection

if TYPE_CHECKING:
    from leverd.predict.retraining import Bench

_DAY_S: Final = 86_400
_CONFIDENCE: Final = 0.8
_NO_LIBRARY: Final = 40
_NO_PAST: Final = 42


@dataclass(frozen=True, slots=True)
class Silent:
    """A predictor whose model is refused: it says why, once a bar, and the loop goes on."""

    name: str
    subject: str
    quantity: Quantity
    horizon_s: int
    why: PredictionError

    @property
    def card(self) -> Card | None:
        """None: it has nothing to show."""
        return None

    def predict(self, past: Past) -> Prediction:  # noqa: ARG002 -- the Protocol's signature
        """Raise why there is no prediction."""
        raise self.why.with_traceback(None)  # or each raise would lengthen it

    def close(self) -> None:
        """Nothing is held."""


Feeds = Callable[[str, PredictorSection, PredictionsSection], Predictor]
"""Makes predictors that ask a service outside."""


def foresight_of(
    settings: Settings,
    bench: Callable[[], Bench] | None = None,
    feeds: Feeds | None = None,
    *,
    about: Callable[[str], bool] = lambda _subject: True,
) -> Foresight | None:
    """Return the predictors that `settings` name, None where they name none.

    `bench` makes where models are fitted anew; unset: in a process beside this one. Without
    `feeds`, as in a replay of the past, those that ask a service are silent. Of others than
    those `about` is true of, nobody is asked.
    """
    section = settings.predictions
    if section is None:
        return None
    appointed = [
        Appointed(predictor_of(name, each, section, bench, feeds), leave_of(each, section))
        for name, each in section.predictors.items()
        if about(each.subject)
    ]
    return Foresight(appointed, section.bar_s) if appointed else None


def leave_of(each: PredictorSection, section: PredictionsSection) -> Leave:
    """Return what a predictor may do, and what it has to show for it."""
    return Leave(
        advises=each.may == "advise",
        scored_min=section.scored_min,
        confidence_min=int(section.confidence_min * MICRO),
        calibration_gap_max=int(section.calibration_gap_max * MICRO),
    )


def predictor_of(
    name: str,
    each: PredictorSection,
    section: PredictionsSection,
    bench: Callable[[], Bench] | None = None,
    feeds: Feeds | None = None,
) -> Predictor:
    """Return one predictor; one that cannot be had says why instead of predicting."""
    quantity, horizon_s = Quantity(each.quantity), each.horizon_s
    if each.kind == "simple":
        from leverd.predict.simple import Simple  # noqa: PLC0415 -- only where one is named

        return Simple(name, each.subject, quantity, horizon_s)
    try:
        if each.kind == "allora":
            return _feed(name, each, section, feeds)
        return _model(name, each, section, bench)
    except ModuleNotFoundError as error:
        extra = "http" if each.kind == "allora" else "predict"
        why = PredictionError(
            f"{error.name} is not installed",
            number=_NO_LIBRARY,
            remedy=f"install leverd[{extra}]",
        )
    except PredictionError as error:
        why = error
    return Silent(name, each.subject, quantity, horizon_s, why)


def _feed(
    name: str, each: PredictorSection, section: PredictionsSection, feeds: Feeds | None
) -> Predictor:
    if feeds is None:
        raise PredictionError("a feed without a past is silent about it", number=_NO_PAST)
    try:
        return feeds(name, each, section)
    except (SecretError, UnreachableError) as error:
        raise PredictionError(
            f"{error.code}: {error.message}",
            number=Why.NO_ANSWER,
            place=error.place,
            remedy=error.remedy,
        ) from error


def _model(
    name: str,
    each: PredictorSection,
    section: PredictionsSection,
    bench: Callable[[], Bench] | None,
) -> Predictor:
    from leverd.predict.card_file import Purpose  # noqa: PLC0415 -- loads NumPy
    from leverd.predict.model_predictor import ModelPredictor  # noqa: PLC0415 -- scikit-learn
    from leverd.predict.retraining import Beside  # noqa: PLC0415 -- as above
    from leverd.predict.store import load  # noqa: PLC0415 -- as above
    from leverd.predict.walk_forward import Walk  # noqa: PLC0415 -- as above

    horizon_s = each.horizon_s
    purpose = Purpose(each.subject, Quantity(each.quantity), horizon_s, section.bar_s)
    walk = Walk(section.learn_days * _DAY_S, section.retrain_days * _DAY_S, _CONFIDENCE)
    return ModelPredictor(
        name,
        purpose,
        stored=None if each.file is None else load(Path(each.file), purpose),
        bench=(bench or Beside)() if each.retrains else None,
        walk=walk,
    )
