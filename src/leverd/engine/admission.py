"""Whether a prediction may be listened to: only what has earned it, and none without. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leverd.domain.prediction import MICRO, Measures, Prediction, Refusal, Why, as_decimal, refusal
from leverd.engine.outlook import Skill
from leverd.interfaces.predictor import Card

SCORED_ALL_THE_SAME: Final = frozenset(
    {
        Why.NO_CONFIDENCE,
        Why.UNCALIBRATED,
        Why.UNPROVEN,
        Why.UNSKILLED,
        Why.IN_SHADOW,
    }
)
"""Objections to the one who speaks, not to what is said: it is journaled and scored."""


@dataclass(frozen=True, slots=True)
class Leave:
    """What the owner lets a predictor do, and what it has to show for it. Shares: millionths."""

    advises: bool = False  # else it speaks in shadow: it is scored, and nobody listens
    scored_min: int = 30  # forecasts that do not overlap, before its own record counts
    confidence_min: int = MICRO // 2
    calibration_gap_max: int = MICRO // 10  # between said confidence and outcomes inside
    width_max: int = 0  # width of its interval to its value; 0 is any


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a predictor's word is weighed by: its record here once it has one, else its card."""

    skill: int
    scored: int
    surely: bool
    coverage: int


def evidence_of(skill: Skill, card: Card | None, leave: Leave) -> Evidence:
    """Return the evidence for a predictor: the longer of its record here and its card.

    A record that shows no skill counts as soon as it is one: thirty forecasts are enough to doubt
    a card of thousands, and too few to replace it.
    """
    doubted = skill.scored >= leave.scored_min and skill.value <= 0
    if card is None or skill.scored >= card.scored or doubted:
        return Evidence(skill.value, skill.scored, skill.surely, skill.coverage)
    return Evidence(card.skill, card.scored, card.surely, card.coverage)


def objection(
    new: Prediction,
    evidence: Evidence,
    leave: Leave,
    *,
    now: int,
    track: str,
    before: Prediction | None = None,
) -> Refusal | None:
    """Return why nobody may listen to `new`, None if agents may; `track` is whose it must be."""
    if new.track != track:
        return Refusal(Why.OUT_OF_RANGE, f"{track} says it is {new.track}")
    return (
        refusal(new, now=now, before=before) or _unsure(new, leave) or _idle(evidence, leave, new)
    )


def _unsure(new: Prediction, leave: Leave) -> Refusal | None:
    if new.confidence < leave.confidence_min:
        said, asked = as_decimal(new.confidence), as_decimal(leave.confidence_min)
        return Refusal(Why.NO_CONFIDENCE, f"confidence {said} is below {asked}")
    width = new.interval.high - new.interval.low
    if leave.width_max and width * MICRO > leave.width_max * abs(new.value):
        share = as_decimal(leave.width_max)
        return Refusal(Why.NO_CONFIDENCE, f"its interval is wider than {share} of its value")
    return None


def _idle(evidence: Evidence, leave: Leave, new: Prediction) -> Refusal | None:
    if not leave.advises:
        return Refusal(Why.IN_SHADOW, "the owner lets it speak in shadow only")
    if evidence.scored < leave.scored_min:
        known = f"{evidence.scored} of {leave.scored_min} forecasts are scored"
        return Refusal(Why.UNPROVEN, known)
    if evidence.skill <= 0 or not evidence.surely:
        return Refusal(
            Why.UNSKILLED,
            f"its skill of {as_decimal(evidence.skill)} over the baseline "
            f"{'is none' if evidence.skill <= 0 else 'may be luck'}",
        )
    gap = abs(evidence.coverage - new.confidence)
    if new.interval.measures == Measures.OUTCOMES and gap > leave.calibration_gap_max:
        inside, said = as_decimal(evidence.coverage), as_decimal(new.confidence)
        return Refusal(Why.UNCALIBRATED, f"{inside} of outcomes fell inside, {said} were said to")
    return None
