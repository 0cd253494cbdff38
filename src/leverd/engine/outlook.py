"""What was predicted, how good that has been, and what of it stands. A fold; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from leverd.domain.changed import changed
from leverd.domain.prediction import MICRO, Interval, Prediction
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored

Fact: TypeAlias = PredictionMade | PredictionScored | PredictionIgnored

_TRACKS_MAX: Final = 64
"""Predictors of so many names at most are remembered: the newest."""


@dataclass(frozen=True, slots=True)
class Skill:
    """How good a track has been since it began, on forecasts that do not overlap."""

    scored: int = 0
    loss: int = 0  # sums, millionths
    baseline: int = 0
    square: int = 0  # of (baseline loss - loss) squared
    inside: int = 0

    @property
    def value(self) -> int:
        """1 less its loss over the baseline's, millionths; 0 is no better, or nothing known."""
        return MICRO - self.loss * MICRO // self.baseline if self.baseline > 0 else 0

    @property
    def coverage(self) -> int:
        """Share of outcomes inside the intervals, millionths."""
        return self.inside * MICRO // self.scored if self.scored > 0 else 0

    @property
    def surely(self) -> bool:
        """Whether the mean gain over the baseline is two standard errors above nothing."""
        gain = self.baseline - self.loss
        spread = self.scored * self.square - gain * gain  # n^2 times the variance
        return gain > 0 and gain * gain * max(self.scored - 1, 0) >= 4 * spread


@dataclass(frozen=True, slots=True)
class Track:
    """All that is remembered of one predictor."""

    newest: PredictionMade | None = None
    due: PredictionMade | None = None  # the one whose truth is waited for
    ignored: PredictionIgnored | None = None  # why the newest is not listened to
    skill: Skill = field(default_factory=Skill)


Outlook: TypeAlias = Mapping[str, Track]


def fold_prediction(outlook: Outlook, fact: Fact) -> Outlook:
    """Return `outlook` after `fact`."""
    match fact:
        case PredictionMade(prediction=made, admitted=admitted):
            track = outlook.get(made.track, Track())
            ignored = None if admitted else track.ignored
            track = changed(track, newest=fact, due=track.due or fact, ignored=ignored)
            return _with(outlook, made.track, track)
        case PredictionScored(track=name):
            skill = Skill(
                fact.scored, fact.loss_sum, fact.baseline_sum, fact.square_sum, fact.inside
            )
            track = changed(outlook.get(name, Track()), due=None, skill=skill)
            return _with(outlook, name, track)
        case PredictionIgnored(track=name):
            return _with(outlook, name, changed(outlook.get(name, Track()), ignored=fact))


def standing(outlook: Outlook, now: int) -> tuple[Prediction, ...]:
    """Return what may be listened to at `now`: one prediction each subject, quantity, horizon.

    Where several predictors say something, their words are weighed by recorded skill.
    """
    said: dict[tuple[str, str, int], list[PredictionMade]] = {}
    for track in outlook.values():
        made = track.newest
        if made is None or not made.admitted or track.ignored is not None:
            continue
        word = made.prediction
        if word.made_at <= now < word.valid_until:
            said.setdefault((word.subject, word.quantity, word.horizon_s), []).append(made)
    return tuple(combined(each) for _, each in sorted(said.items()))


def combined(made: Iterable[PredictionMade]) -> Prediction:
    """Return several predictions of one thing as one, weighed by skill; needs at least one."""
    every = sorted(made, key=lambda each: each.prediction.source)
    words = [each.prediction for each in every]
    if len(words) == 1:
        return words[0]
    weights = [max(each.skill, 1) for each in every]
    total = sum(weights)

    def mean(numbers: Iterable[int]) -> int:
        return sum(w * n for w, n in zip(weights, numbers, strict=True)) // total

    ends = Interval(
        mean(each.interval.low for each in words),
        mean(each.interval.high for each in words),
        words[0].interval.measures,
    )
    return changed(
        words[0],
        value=mean(each.value for each in words),
        interval=ends,
        confidence=min(each.confidence for each in words),
        made_at=min(each.made_at for each in words),
        valid_until=min(each.valid_until for each in words),
        source="+".join(each.source for each in words),
        model_version="+".join(each.model_version for each in words),
    )


def _with(outlook: Outlook, name: str, track: Track) -> Outlook:
    others = {each: known for each, known in outlook.items() if each != name}
    while len(others) >= _TRACKS_MAX:
        del others[next(iter(others))]
    return {**others, name: track}
