"""Ask predictors once a bar, score what came true, and say which of them may be listened to.

It gathers ticks into bars and holds nothing between two looks that the journal does not hold too,
but the bar that grows; until there are enough of them predictors say so.
No I/O: the same ticks and the same outlook give the same facts, live and in a backtest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from leverd.domain import reserves
from leverd.domain.bars import BARS_MAX, Bar, Growing, Past, Tick, jumped
from leverd.domain.fixed_point import RAY
from leverd.domain.lending import LendingMarket, LendingRules, Reserve
from leverd.domain.outcomes import baseline, loss, outcome
from leverd.domain.prediction import MICRO, Prediction, Quantity, Why, track_of
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.engine.admission import SCORED_ALL_THE_SAME, Leave, evidence_of, objection
from leverd.engine.outlook import Fact, Outlook, Track, fold_prediction
from leverd.errors import PredictionError
from leverd.interfaces.predictor import Predictor

_AGREEING: Final = 3
"""Looks in a row that agree on a price far from the last: then it was the last that was wrong."""


@dataclass(frozen=True, slots=True)
class Appointed:
    """A predictor, and what the owner lets it do."""

    predictor: Predictor
    leave: Leave


@dataclass(slots=True)
class _Subject:
    """What is known of one asset."""

    growing: Growing
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=BARS_MAX))
    odd: tuple[int, ...] = ()  # prices far from the last bar's, that agree with each other

    @property
    def newest(self) -> Bar | None:
        """The bar that grows, or was recalled last."""
        return self.growing.bar or (self.bars[-1] if self.bars else None)

    def is_odd(self, price: int) -> bool:
        """Return whether `price` cannot follow what was seen; after some that agree it can.

        What was seen before then is forgotten: it is of another scale.
        """
        before = self.newest
        if before is None or not jumped(before.close, price):
            self.odd = ()
            return False
        agrees = bool(self.odd) and not jumped(self.odd[-1], price)
        self.odd = (*self.odd, price) if agrees else (price,)
        if len(self.odd) < _AGREEING:
            return True
        self.growing, self.odd = Growing(self.growing.bar_s), ()
        self.bars.clear()
        return False


class Foresight:
    """The predictors of a daemon or a replay."""

    def __init__(self, appointed: Sequence[Appointed], bar_s: int) -> None:
        self.bar_s = bar_s
        self._appointed = tuple(appointed)
        names = {each.predictor.subject for each in appointed}
        self._subjects = {name: _Subject(Growing(bar_s)) for name in sorted(names)}

    @property
    def subjects(self) -> Iterable[str]:
        """The symbols of the assets somebody speaks of."""
        return self._subjects.keys()

    def recall(self, subject: str, bars: Iterable[Bar]) -> None:
        """Take bars that were seen before, oldest first: the first look then finds a past.

        Those before a price that cannot follow theirs are of another scale, and left out.
        """
        known = self._subjects.get(subject)
        if known is None:
            return
        for bar in bars:
            if known.bars and jumped(known.bars[-1].close, bar.close):
                known.bars.clear()
            known.bars.append(bar)

    def bars(self, subject: str) -> Sequence[Bar]:
        """Return the bars of `subject` that are over and still kept, oldest first."""
        return tuple(self._subjects[subject].bars)

    def look(self, ticks: Mapping[str, Tick], outlook: Outlook) -> tuple[Fact, ...]:
        """Return what a look at `ticks`, by subject, makes known; to be journaled at once."""
        facts: list[Fact] = []
        for name, known in self._subjects.items():
            tick = ticks.get(name)
            if tick is None:
                continue
            for fact in self._looked(name, known, tick, outlook):
                outlook = fold_prediction(outlook, fact)
                facts.append(fact)
        return tuple(facts)

    def close(self) -> None:
        """Let predictors go."""
        for each in self._appointed:
            each.predictor.close()

    def _looked(self, name: str, known: _Subject, tick: Tick, outlook: Outlook) -> Iterator[Fact]:
        growing, before = known.growing.bar, known.newest
        if growing is not None and tick.at < growing.last.at:
            return  # a look at an older block adds nothing
        mine = [each for each in self._appointed if each.predictor.subject == name]
        if before is not None and known.is_odd(tick.price):
            reason = f"the price of {name} went from {before.close} to {tick.price} in one look"
            for each in mine:
                track = _track(each.predictor)
                known_track = outlook.get(track, Track())
                yield from _said_once(known_track, track, Why.PRICE_JUMPED.code, reason)
            return
        known.growing, over = known.growing.grown(tick)
        if over is None:
            return
        if known.bars and over.at <= known.bars[-1].at:
            return  # recalled already
        known.bars.append(over)
        past = Past(name, self.bar_s, tuple(known.bars))
        for each in mine:
            yield from self._asked(each, past, outlook)

    def _asked(self, each: Appointed, past: Past, outlook: Outlook) -> Iterator[Fact]:
        predictor, name = each.predictor, _track(each.predictor)
        track = outlook.get(name, Track())
        due = track.due
        if due is not None and past.now >= (until := _until(due.prediction)):
            scored = _score(name, track, past, until)
            yield scored
            track = fold_prediction({name: track}, scored)[name]
        simple = baseline(predictor.quantity, past.bars, self.bar_s)
        if simple is None:
            few = f"{len(past.bars)} bars are too few for a baseline"
            yield from _said_once(track, name, Why.TOO_LITTLE_HISTORY.code, few)
            return
        try:
            new = predictor.predict(past)
        except PredictionError as error:
            yield from _said_once(track, name, error.code, error.message)
            return
        except Exception as error:  # noqa: BLE001 -- advice may be broken; guards must go on
            yield from _said_once(track, name, Why.FAILED.code, f"it failed: {error!r}")
            return
        before = None if track.newest is None else track.newest.prediction
        evidence = evidence_of(track.skill, predictor.card, each.leave)
        against = objection(new, evidence, each.leave, now=past.now, before=before, track=name)
        if against is None or against.why in SCORED_ALL_THE_SAME:
            admitted = against is None
            yield PredictionMade(new, simple, evidence.skill, evidence.scored, admitted)
        if against is not None:
            yield from _said_once(track, name, against.code, against.reason)


def ticks_of(
    market: LendingMarket, at: int, base_fee: int, subjects: Iterable[str]
) -> Mapping[str, Tick]:
    """Return what a lending market shows at `at` of each of `subjects` that it lists."""
    wanted = set(subjects)
    return {
        asset.symbol: tick_of(reserve, market.rules, at, base_fee)
        for asset, reserve in market.reserves.items()
        if asset.symbol in wanted
    }


def tick_of(reserve: Reserve, rules: LendingRules, at: int, base_fee: int) -> Tick:
    """Return what a reserve shows of its asset at `at`."""
    return Tick(
        at=at,
        price=reserve.price,
        borrow_rate=reserve.borrow_rate * MICRO // RAY,
        supply_rate=reserve.liquidity_rate * MICRO // RAY,
        utilisation=reserves.utilisation(reserve, rules, at) * MICRO // RAY,
        base_fee=base_fee,
    )


def _track(predictor: Predictor) -> str:
    return track_of(
        predictor.name, predictor.subject, predictor.quantity.value, predictor.horizon_s
    )


def _until(said: Prediction) -> int:
    return said.made_at + said.horizon_s


def _score(name: str, track: Track, past: Past, until: int) -> Fact:
    """Return how good the forecast was that is due, or that nobody can tell: bars are missing."""
    assert track.due is not None, "only what is due is scored"
    said, skill = track.due.prediction, track.skill
    quantity = Quantity(said.quantity)
    truth = outcome(quantity, past.bars, made_at=said.made_at, until=until, bar_s=past.bar_s)
    known = truth is not None
    far = simple = inside = 0
    if truth is not None:
        far = loss(quantity, said.value, truth)
        simple = loss(quantity, track.due.baseline, truth)
        inside = int(said.interval.low <= truth <= said.interval.high)
    return PredictionScored(
        track=name,
        made_at=said.made_at,
        known=known,
        truth=truth or 0,
        loss=far,
        baseline_loss=simple,
        scored=skill.scored + known,
        loss_sum=skill.loss + far,
        baseline_sum=skill.baseline + simple,
        square_sum=skill.square + (simple - far) ** 2,
        inside=skill.inside + inside,
    )


def _said_once(track: Track, name: str, code: str, reason: str) -> Iterator[Fact]:
    """Yield why a predictor is not listened to, unless that is what was said last."""
    if track.ignored is None or track.ignored.code != code:
        yield PredictionIgnored(name, code, reason)
