"""What `leverd predict` does, between options and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from leverd.backtest.foretelling.bars_of import Sources, bars_of
from leverd.backtest.history import load_history
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey
from leverd.backtest.replay.synthetic import NAME, synthetic
from leverd.domain.prediction import Quantity, Why
from leverd.errors import OwnerError, PredictionError
from leverd.predict.card_file import ModelCard
from leverd.predict.codes import NO_LIBRARY
from leverd.predict.samples import Samples, samples_of
from leverd.predict.scoring import SURE, Forecasts, Scores, baselines_of
from leverd.predict.scoring import score as score_of
from leverd.predict.walk_forward import Walk

Advance = Callable[[int, int], None]

_MODELS: Final = ("sklearn", "skops")
_NOT_A_PAIR: Final = 120
_NO_QUANTITY: Final = 121


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is to be made of."""

    history: str
    sources: Sources
    subject: str
    quantity: Quantity
    horizon_s: int
    learn_s: int
    step_s: int


def need_models() -> None:
    """Check that what models are made with is installed.

    Raises:
        PredictionError: it is not.
    """
    missing = [name for name in _MODELS if find_spec(name) is None]
    if missing:
        raise PredictionError(
            f"models need {', '.join(missing)}, which is not installed",
            number=NO_LIBRARY,
            remedy="install leverd[predict]",
        )


def sources_of(bars: str, rates: str, gas: str, funding: str) -> Sources:
    """Return what the options name.

    Raises:
        OwnerError: one of them is no venue and asset.
    """
    prices = _pair("--bars", bars)
    return Sources(
        prices,
        _pair("--rates", rates) if rates else None,
        gas,
        _pair("--funding", funding) if funding else None,
    )


def quantity_of(text: str) -> Quantity:
    """Return the quantity a model can be made for.

    Raises:
        OwnerError: there is none of that name.
    """
    known = [each for each in Quantity if each is not Quantity.PRICE]
    if text not in {each.value for each in known}:
        raise OwnerError(
            f"{text} is nothing a model predicts",
            number=_NO_QUANTITY,
            remedy=f"one of {', '.join(each.value for each in known)}",
        )
    return Quantity(text)


def samples(asked: Asked, advance: Advance) -> Samples:
    """Return what is to be learnt from.

    Raises:
        DataError: the history cannot be read, or lacks what is named.
    """
    past = _past(asked.history)
    bars = bars_of(past, asked.sources)
    return samples_of(bars, asked.quantity, asked.horizon_s, past.bar_s, advance)


def trained(asked: Asked, known: Samples, out: Path, advance: Advance) -> ModelCard:
    """Train a model, write it into `out` and return its card.

    Raises:
        PredictionError: the samples are too few, or it cannot be written.
    """
    from leverd.predict.store import save  # noqa: PLC0415 -- loads scikit-learn
    from leverd.predict.training import train  # noqa: PLC0415 -- as above

    walk = Walk(asked.learn_s, asked.step_s)
    stored, _ = train(known, asked.subject, walk, advance)
    save(stored, out)
    return stored.card


def shown(folder: Path) -> ModelCard:
    """Return the card of a stored model that could be used as it is.

    Raises:
        PredictionError: it could not.
    """
    from leverd.predict.store import load, opened  # noqa: PLC0415 -- as above

    stored = load(folder)
    opened(stored, str(folder))
    return stored.card


def scored(
    folder: Path, history: str, named: tuple[str, str, str, str], advance: Advance
) -> dict[str, object]:
    """Return how a stored model did on what came after all it was made from.

    Raises:
        PredictionError: it cannot be used, or nothing came after.
        DataError: the history cannot be read, or lacks what is named.
    """
    from leverd.predict.store import load, opened  # noqa: PLC0415 -- as above

    stored = load(folder)
    model, purpose = opened(stored, str(folder)), stored.card.purpose
    past = _past(history)
    bars = bars_of(past, sources_of(*named))
    found = samples_of(bars, purpose.quantity, purpose.horizon_s, past.bar_s, advance)
    known = found.known_by(past.until)
    later = known.part(known.at >= stored.card.learnt_until)
    before = known.part(known.at < stored.card.learnt_until)
    if not len(later) or not len(before):
        raise PredictionError(
            f"the history holds nothing after {_moment(stored.card.learnt_until)}, until when "
            "the model knows everything",
            number=Why.KNOWS_THE_FUTURE,
            remedy="score it on a later history; its own scores are out of sample already",
        )
    level = stored.card.confidence
    value, low, high = model.forecast(later.rows, level)
    simple = baselines_of(later, before)
    forecasts = Forecasts(
        purpose.quantity, purpose.horizon_s, later.at, value, low, high, later.truth, simple
    )
    return {
        "model": str(purpose),
        "version": stored.version,
        "scores": _scores(score_of(forecasts, {})),
    }


def as_data(card: ModelCard) -> dict[str, object]:
    """Return what there is to tell of a model."""
    return {
        "model": str(card.purpose),
        "version": card.version,
        "made from": f"{_moment(card.learnt_since)} to {_moment(card.learnt_until)}",
        "data": card.data,
        "libraries": ", ".join(f"{name} {v}" for name, v in (card.libraries or {}).items()),
        "scores": _scores(card.scores),
    }


def _scores(scores: Scores) -> dict[str, Any]:
    return {**asdict(scores), "earned": scores.skill > 0 and scores.t >= SURE}


def _past(history: str) -> History:
    if history == NAME:
        return synthetic(1)
    return load_history(Path(history)).history


def _pair(option: str, text: str) -> BarsKey:
    venue, _, asset = text.partition(" ")
    if not venue or not asset or " " in asset:
        raise OwnerError(
            f"{option} needs a venue and an asset, not {text!r}",
            number=_NOT_A_PAIR,
            remedy=f'as in {option} "binance ETH"',
        )
    return BarsKey(venue, asset)


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
