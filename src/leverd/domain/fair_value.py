"""What an asset is worth by what several venues say, and how unsure that is. docs/spot.md.

Every venue's middle is weighted by the inverse square of its error. Where venues are further
apart than their errors explain, the error grows; where they are much further, nothing is known.
Shares and prices are whole 1e-18s; errors are rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from leverd.domain.changed import changed
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.reference import Heard, ReferenceQuote

FEW: Final = "few_references"
APART: Final = "references_disagree"

AHEAD_S: Final = 30
"""Seconds by which two chains' clocks may differ: further ahead is the future."""

_FAR: Final = 2
"""A middle that many times the book's, or a part of it, is a fault and no news."""

_ERROR_MIN: Final = WAD // 10_000
"""Nobody is believed closer than a basis point."""

_ERROR_MAX: Final = WAD * 10**6
"""Nobody is believed less: a weight is never nothing."""

_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class FairTerms:
    """How far venues are believed; whole 1e-18s, unless said otherwise."""

    margin: int  # errors that are taken off the fair value before it buys
    disagreement_max: int  # their errors that venues may be apart
    drift_h: int  # share the price moves in an hour, one sigma: what age adds
    book_error: int  # share by which the traded book may be off, one sigma
    age_s_max: int  # seconds of chain time
    references_min: int  # count


@dataclass(frozen=True, slots=True)
class Belief:
    """One venue's middle, and one sigma of it as a share."""

    middle: int
    error: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What several venues say together."""

    value: int
    error: int  # share, widened where they disagree
    apart: int  # mean square of how many of their errors they are off it


@dataclass(frozen=True, slots=True)
class Fair:
    """The fair value, with what it rests on. What is refused has no value."""

    heard: tuple[Heard, ...]
    value: int = 0
    error: int = 0  # share
    least: int = 0  # less its margin, with any one reference left out
    most: int = 0  # the highest, with any one reference left out
    against: str = ""  # why there is none, one word
    reason: str = ""  # the same in words


def width(bid: int, middle: int, ask: int) -> int:
    """Return the wider of both sides as a share of the middle, rounded up."""
    return mul_div_up(max(ask - middle, middle - bid), WAD, middle)


def estimate(venues: Sequence[Belief]) -> Estimate:
    """Return the inverse-variance mean of at least one venue, its error and their spread."""
    errors = (min(max(each.error, _ERROR_MIN), _ERROR_MAX) for each in venues)
    weights = [WAD**3 // each**2 for each in errors]
    total = sum(weights)
    value = sum(w * v.middle for w, v in zip(weights, venues, strict=True)) // total
    off = (mul_div_up(abs(each.middle - value), WAD, max(value, 1)) for each in venues)
    squares = sum(w * d**2 for w, d in zip(weights, off, strict=True))
    apart = mul_div_up(squares, 1, WAD**2 * max(len(venues) - 1, 1))
    error = _root_up(mul_div_up(WAD**3, 1, total))
    return Estimate(value, mul_div_up(error, _root_up(max(apart, WAD) * WAD), WAD), apart)


def heard(quote: ReferenceQuote, book: Belief, now: int, terms: FairTerms) -> Heard:
    """Return `quote` with its whole error, or with why it is ignored."""
    against = _objection(quote, book.middle, now, terms)
    if against:
        return Heard(quote, 0, against)
    drift = mul_div_up(terms.drift_h, _root_up(mul_div_up(_age(quote, now), WAD**2, _HOUR_S)), WAD)
    return Heard(quote, width(quote.bid, quote.middle, quote.ask) + quote.error + drift, "")


def fair_value(book: Belief, quotes: Sequence[ReferenceQuote], now: int, terms: FairTerms) -> Fair:
    """Return what `book` and the references let us believe at chain time `now`."""
    told = tuple(heard(each, book, now, terms) for each in quotes)
    counted = [Belief(each.quote.middle, each.error) for each in told if not each.against]
    if len(counted) < max(terms.references_min, 1):
        reason = f"{len(counted)} references count, {terms.references_min} are needed"
        return Fair(told, against=FEW, reason=_with_ignored(reason, told))
    whole = estimate([book, *counted])
    if whole.apart * WAD > terms.disagreement_max**2:
        reason = "book and references are further apart than their errors explain"
        return Fair(told, against=APART, reason=reason)
    every = [whole, *(estimate([book, *some]) for some in _without_one(counted))]
    least = min(_less(each, terms.margin) for each in every)
    return Fair(told, whole.value, whole.error, least, max(each.value for each in every))


def in_both(now: Fair, before: Fair) -> Fair:
    """Return `now` as far as a block before says the same: the less of what to hope for.

    A pool's price at the end of one block is what somebody pushed it to; to hold it there for
    another costs what everybody else takes.
    """
    if now.against:
        return now
    if before.against:
        reason = f"a block before, {before.reason}"
        return Fair(now.heard, against=before.against, reason=reason)
    return changed(now, least=min(now.least, before.least), most=max(now.most, before.most))


def _without_one(counted: Sequence[Belief]) -> list[list[Belief]]:
    """Return what is left of several, each left out in turn; nothing of one alone."""
    if len(counted) == 1:
        return []
    return [[*counted[:at], *counted[at + 1 :]] for at in range(len(counted))]


def _less(found: Estimate, margin: int) -> int:
    off = mul_div_up(found.error, margin, WAD)
    return mul_div_down(found.value, max(WAD - off, 0), WAD)


def _objection(quote: ReferenceQuote, book: int, now: int, terms: FairTerms) -> str:
    rules = {
        "silent": min(quote.bid, quote.middle, quote.ask) <= 0,
        "crossed": not quote.bid <= quote.middle <= quote.ask or quote.error < 0,
        "future": quote.at > now + AHEAD_S,
        "stale": _age(quote, now) > terms.age_s_max,
        "far": not book <= quote.middle * _FAR or quote.middle > book * _FAR,
    }
    return next((word for word, holds in rules.items() if holds), "")


def _age(quote: ReferenceQuote, now: int) -> int:
    return max(now - quote.at, 0)


def _with_ignored(reason: str, told: Sequence[Heard]) -> str:
    ignored = ", ".join(f"{each.quote.source} is {each.against}" for each in told if each.against)
    return f"{reason}: {ignored}" if ignored else reason


def _root_up(value: int) -> int:
    root = isqrt(value)
    return root if root * root == value else root + 1
