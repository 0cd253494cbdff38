"""Models as files: skops, which holds arrays and names of types, never code to be run."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import skops.io

from leverd.errors import PredictionError
from leverd.predict import card_file, codes
from leverd.predict.card_file import ModelCard, Purpose
from leverd.predict.models import Fitted
from leverd.predict.samples import Samples
from leverd.predict.walk_forward import Walked

MODEL: Final = "model.skops"
CARD: Final = "card.json"
_ROOM: Final = 0.5
"""Beyond what was seen, by this share of its width, begins what is strange: a storm is not."""

TRUSTED: Final = ("numpy.dtype",)
"""Types beyond those skops trusts that a model of ours holds: names of number formats."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A model with what is known of it; what a worker sends and a folder holds."""

    card: ModelCard
    body: bytes

    @property
    def version(self) -> str:
        """A short name that changes with the model."""
        return self.card.version


def packed(model: Fitted, samples: Samples, walked: Walked, subject: str, level: float) -> Stored:
    """Return `model`, fitted to `samples` and judged by `walked`, ready to be kept."""
    tails = {str(each): list(ends) for each, ends in model.ends.items()}
    body = skops.io.dumps({"estimator": model.estimator, "ends": tails})
    low, high = np.quantile(np.nan_to_num(samples.rows, nan=0.0), [0.005, 0.995], axis=0)
    room = _ROOM * (high - low)
    card = ModelCard(
        purpose=Purpose(subject, samples.quantity, samples.horizon_s, samples.bar_s),
        data=samples.digest(),
        model=hashlib.sha256(body).hexdigest(),
        learnt_since=int(samples.at[0]),
        learnt_until=int(samples.at[-1]) + samples.horizon_s,
        confidence=level,
        scores=walked.scores,
        usual=tuple(zip((low - room).tolist(), (high + room).tolist(), strict=True)),
        libraries=card_file.libraries(),
    )
    return Stored(card, body)


def opened(stored: Stored, place: str = "") -> Fitted:
    """Return the model in `stored`.

    Raises:
        PredictionError: its bytes are others than the card says, or name types nobody trusts.
    """
    if hashlib.sha256(stored.body).hexdigest() != stored.card.model:
        raise PredictionError(
            "the model's bytes are not those its card is of",
            number=codes.DAMAGED,
            place=place,
            remedy="train it anew",
        )
    try:
        named = skops.io.get_untrusted_types(data=stored.body)
        strange = sorted(set(named) - set(TRUSTED))
        found = None if strange else skops.io.loads(stored.body, trusted=list(TRUSTED))
        tails = {} if found is None else found["ends"]
        ends = {float(each): (low, high) for each, (low, high) in tails.items()}
    except Exception as error:
        # zip, JSON, NumPy and skops each have their own ways to say that a file is broken
        raise PredictionError(
            f"the model cannot be read: {error!r}", number=codes.DAMAGED, place=place
        ) from error
    if found is None:
        raise PredictionError(
            f"the model holds types that are not trusted: {', '.join(strange)}",
            number=codes.UNSAFE,
            place=place,
        )
    purpose = stored.card.purpose
    return Fitted(purpose.quantity, purpose.horizon_s, found["estimator"], ends)


def save(stored: Stored, folder: Path) -> None:
    """Write a model into `folder`: the card last, so that a half-written one is none.

    Raises:
        PredictionError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD).unlink(missing_ok=True)
        _write(folder / MODEL, stored.body)
        _write(folder / CARD, card_file.written(stored.card).encode())
    except OSError as error:
        raise PredictionError(
            f"the model cannot be written: {error.strerror}",
            number=codes.UNWRITABLE,
            place=str(folder),
        ) from error


def load(folder: Path, purpose: Purpose | None = None, *, data: str = "") -> Stored:
    """Return the model in `folder`, if everything about it fits.

    `purpose` and `data`, where given, are what it must be for and have been made of.

    Raises:
        PredictionError: something does not; the number says what.
    """
    place = str(folder)
    try:
        text = (folder / CARD).read_text(encoding="utf-8")
        body = (folder / MODEL).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionError(
            "there is no model that can be read",
            number=codes.MISSING,
            place=place,
            remedy="make one with leverd predict train",
        ) from error
    card = card_file.read(text, place)
    if purpose is not None and card.purpose != purpose:
        raise PredictionError(
            f"the model is for {card.purpose}, and {purpose} is asked for",
            number=codes.OTHER_PURPOSE,
            place=place,
        )
    if data and card.data != data:
        raise PredictionError(
            f"the model was made of data {card.data}, and {data} is asked for",
            number=codes.OTHER_DATA,
            place=place,
        )
    return Stored(card, body)


def _write(file: Path, body: bytes) -> None:
    part = file.with_suffix(file.suffix + ".part")
    with part.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
