"""Whether an inference can be meant."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.adapters.allora import codes
from leverd.adapters.allora.inference import Inference
from leverd.errors import NonsenseError, StaleError

AHEAD_S: Final = 30
"""Seconds by which their clock may be ahead of ours."""

REMEMBERED: Final = 10
"""Intervals for which the last believed value is what a new one is compared with."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms one topic is believed."""

    interval_s: int  # from one inference to the next
    grace_s: int  # by how much one may be late
    spread_max: Decimal  # inner disagreement, fraction of the value
    jump_max: Decimal | None  # largest factor between prices, either way; None: no price


def judge(
    new: Inference,
    terms: Terms,
    *,
    now: int,
    before: Inference | None,
    reference: Decimal | None,
) -> None:
    """Return if `new` can be believed at `now`.

    `before` is the last believed one, `reference` the price as somebody else knows it.

    Raises:
        StaleError: the next one is overdue.
        NonsenseError: from the future, without or with too much disagreement, or a jump.
    """
    if new.at > now + AHEAD_S:
        raise _refused(codes.FROM_THE_FUTURE, f"made at {new.at}, and now it is {now}")
    if is_stale(new, terms, now):
        raise StaleError(
            f"topic {new.topic_id} last answered {now - new.at} s ago",
            number=codes.STALE,
            place="allora",
        )
    _judge_disagreement(new, terms)
    if terms.jump_max is None:
        return
    if new.value <= 0:
        raise _refused(codes.NOT_POSITIVE, f"a price of {new.value}")
    if before is not None and now - before.at <= REMEMBERED * terms.interval_s:
        _judge_jump(new.value, before.value, terms.jump_max, "before it")
    if reference is not None:
        _judge_jump(new.value, reference, terms.jump_max, "on the market")


def is_stale(one: Inference, terms: Terms, now: int) -> bool:
    """Return whether a newer inference than `one` is overdue."""
    return now - one.at > terms.interval_s + terms.grace_s


def _judge_disagreement(new: Inference, terms: Terms) -> None:
    if new.spread is None:
        raise _refused(codes.NO_DISAGREEMENT, "nothing is said of how far forecasters agree")
    if new.spread > terms.spread_max:
        raise _refused(
            codes.DISAGREE,
            f"forecasters are {new.spread:.4f} of the value apart, at most {terms.spread_max}",
        )


def _judge_jump(value: Decimal, other: Decimal, jump_max: Decimal, which: str) -> None:
    low, high = sorted((value, other))
    if low <= 0 or high > low * jump_max:
        raise _refused(codes.JUMPED, f"{value}, and {other} {which}")


def _refused(number: int, why: str) -> NonsenseError:
    return NonsenseError(why, number=number, place="allora")
