"""What is known of a stored model, beside it in JSON: purpose, data, libraries, scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from typing import Any, Final

from leverd.domain.prediction import Quantity, ahead
from leverd.errors import PredictionError
from leverd.predict import codes
from leverd.predict.features import NAMES
from leverd.predict.scoring import Scores

FORMAT: Final = 1
LIBRARIES: Final = ("numpy", "scikit-learn", "skops")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a model is for."""

    subject: str
    quantity: Quantity
    horizon_s: int
    bar_s: int

    def __str__(self) -> str:
        within = ahead(self.horizon_s)
        return f"{self.quantity} of {self.subject} within {within}, by bars of {self.bar_s} s"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything that must fit before a model is used."""

    purpose: Purpose
    data: str  # digest of the samples it was made of
    model: str  # SHA-256 of the model's own bytes
    learnt_since: int
    learnt_until: int  # nothing later went into it
    confidence: float  # of the intervals it gives
    scores: Scores  # out of sample
    usual: tuple[tuple[float, float], ...]  # of each feature: what was seen, with room beside
    features: tuple[str, ...] = NAMES
    libraries: Mapping[str, str] | None = None

    @property
    def version(self) -> str:
        """A short name of what it was made of: the same samples make the same model."""
        return self.data[:12]


def libraries() -> dict[str, str]:
    """Return the versions of what models are made with."""
    return {name: version(name) for name in LIBRARIES}


def written(card: ModelCard) -> str:
    """Return `card` as JSON."""
    body = asdict(card) | {"format": FORMAT, "libraries": libraries()}
    return json.dumps(body, indent=2, sort_keys=True) + "\n"


def read(text: str, place: str) -> ModelCard:
    """Return the card that `written` made.

    Raises:
        PredictionError: it is damaged, or not of this format, these features or libraries.
    """
    try:
        body = json.loads(text)
        form = body.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(place, error) from error
    if form != FORMAT:
        raise PredictionError(
            f"the model is of format {form}, this leverd reads {FORMAT}",
            number=codes.OTHER_FORMAT,
            place=place,
            remedy="train it anew",
        )
    try:
        card = _card(body)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(place, error) from error
    _check(card, place)
    return card


def _card(body: dict[str, Any]) -> ModelCard:
    purpose, scores = body.pop("purpose"), body.pop("scores")
    if not isinstance(scores, dict) or not scores:
        raise PredictionError("the model was never scored", number=codes.UNSCORED)
    usual = tuple((float(low), float(high)) for low, high in body.pop("usual"))
    unknown = body.keys() - {each.name for each in fields(ModelCard)}
    if unknown:
        raise ValueError(f"unknown {min(unknown)}")
    return ModelCard(
        **{
            **body,
            "purpose": Purpose(**{**purpose, "quantity": Quantity(purpose["quantity"])}),
            "scores": Scores(**scores),
            "usual": usual,
            "features": tuple(body["features"]),
        }
    )


def _check(card: ModelCard, place: str) -> None:
    if card.features != NAMES:
        raise PredictionError(
            "the model was made from other features",
            number=codes.OTHER_FEATURES,
            place=place,
            remedy="train it anew",
        )
    if card.libraries != (now := libraries()):
        others = sorted(set((card.libraries or {}).items()) ^ set(now.items()))
        raise PredictionError(
            f"the model was made with other libraries: {', '.join(' '.join(e) for e in others)}",
            number=codes.OTHER_LIBRARIES,
            place=place,
            remedy="train it anew, or install what it was made with",
        )


def _damaged(place: str, error: Exception) -> PredictionError:
    return PredictionError(
        f"what is known of the model does not parse: {error!r}",
        number=codes.DAMAGED,
        place=place,
        remedy="train it anew",
    )
