"""What predictors say along the points of a replay: at each, from what was seen by then.

Nothing that a position does changes what they see, so all of it is said before the position
sets out; the words are journaled as it passes the points they were said at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from leverd.backtest.history.exact import Ints
from leverd.backtest.replay.world import World
from leverd.domain.bars import Tick
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.engine.foresight import Foresight, tick_of
from leverd.engine.outlook import Fact, Outlook, fold_prediction
from leverd.interfaces.journal import Entry


class Foretold:
    """Words by the point they were said at. One walk through them for one replay."""

    def __init__(self, words: Sequence[tuple[int, int, tuple[Fact, ...]]]) -> None:
        """Make one of (point, chain time, facts), points rising."""
        self._words = words
        self._next = 0
        self.loud: Ints = np.array(list(_loud(words)), dtype=np.int64)

    def up_to(self, point: int) -> Iterator[tuple[int, tuple[Fact, ...]]]:
        """Yield what was said up to `point` and not yielded yet: chain time and facts."""
        while self._next < len(self._words) and self._words[self._next][0] <= point:
            _, at, facts = self._words[self._next]
            self._next += 1
            yield at, facts

    def again(self) -> Foretold:
        """Return the same words for another replay of the same points."""
        return Foretold(self._words)

    @property
    def heard(self) -> int:
        """How many predictions agents might listen to."""
        return sum(
            isinstance(fact, PredictionMade) and fact.admitted
            for _, _, facts in self._words
            for fact in facts
        )


def foretold(world: World, foresight: Foresight) -> Foretold:
    """Return what `foresight` says along `world`: each look sees that point and those before."""
    points, rules = world.points, world.models.rules
    wanted = {
        name: asset for asset in world.accruals if (name := asset.symbol) in foresight.subjects
    }
    outlook: Outlook = {}
    words = []
    for point, at in enumerate(points.at.tolist()):
        fee = int(points.base_fee[point])
        ticks: dict[str, Tick] = {}
        for name, asset in wanted.items():
            reserve = world.accruals[asset].reserve(at, int(points.oracle[asset][point]))
            ticks[name] = tick_of(reserve, rules, at, fee)
        facts = foresight.look(ticks, outlook)
        for fact in facts:
            outlook = fold_prediction(outlook, fact)
        if facts:
            words.append((point, at, facts))
    foresight.close()
    return Foretold(words)


def recalled(world: World, entries: Iterable[Entry]) -> Foretold:
    """Return what a journal holds of predictions, each as of when it was written there."""
    at, words = world.points.at, []
    for entry in entries:
        if not isinstance(entry.event, PredictionMade | PredictionScored | PredictionIgnored):
            continue
        point = int(np.searchsorted(at, entry.chain_at, side="left"))
        if point < len(at):
            words.append((point, int(at[point]), (entry.event,)))
    return Foretold(words)


def _loud(words: Iterable[tuple[int, int, tuple[Fact, ...]]]) -> Iterator[int]:
    """Yield the points at which what agents may listen to changes."""
    heard: set[str] = set()
    for point, _, facts in words:
        changes = False
        for fact in facts:
            match fact:
                case PredictionMade(prediction=made, admitted=True):
                    heard.add(made.track)
                    changes = True
                case PredictionMade(prediction=made) if made.track in heard:
                    heard.discard(made.track)
                    changes = True
                case PredictionIgnored(track=track) if track in heard:
                    heard.discard(track)
                    changes = True
                case _:
                    pass
        if changes:
            yield point


NOTHING_FORETOLD: Final = Foretold(())
"""Where nobody predicts anything."""
