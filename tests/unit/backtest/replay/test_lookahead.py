"""Another future changes nothing for who does not know it, and is noticed by who does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pytest
from tests import replays

from leverd.backtest.replay.lookahead import another, foresights
from leverd.backtest.replay.models import Walk
from leverd.domain.decision import Decision, Hold, SetLeverage
from leverd.domain.valuation import leverage
from leverd.domain.view import View
from leverd.engine.turn import Seat

CLOSES = replays.prices(400, seed=5, volatility=1.5)
PAST = replays.history(CLOSES, bars=replays.walked(CLOSES))


@dataclass(frozen=True)
class Reader:
    """It goes by the close `ahead` bars after the newest, where there is one."""

    prices: tuple[int, ...]
    ahead: int
    name: str = "reader"

    def decide(self, view: View) -> Decision:
        newest = (view.now - replays.SINCE) // replays.HOUR - 1
        before, after = (
            self.prices[max(min(row, len(self.prices) - 1), 0)]
            for row in (newest - 3, newest + self.ahead)
        )
        target = Decimal(3 if after > before else 2)
        if abs(leverage(view.state) - target) < Decimal("0.3"):
            return Hold(self.name, "near enough")
        return SetLeverage(self.name, target, "prices say so")


def checked(rules, walk=Walk.CLOSE):
    models = replace(replays.MODELS, walk=walk)
    return foresights(PAST, models, replays.MANDATE, rules, moments=4, seed=1)


@pytest.mark.parametrize("walk", Walk)
def test_agents_of_the_house_know_nothing_of_the_future(walk):
    told = []
    found = foresights(
        PAST,
        replace(replays.MODELS, walk=walk),
        replays.MANDATE,
        lambda _: replays.rules(),
        moments=4,
        seed=1,
        advance=lambda *each: told.append(each),
    )
    assert [each.place for each in found] == [0] * 4
    assert [each.at for each in found] == sorted({each.at for each in found})
    assert found[-1].compared > found[0].compared > 5
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("ahead", "found"), [(3, True), (0, False)])
def test_who_reads_later_bars_of_the_history_is_found_and_who_reads_the_newest_is_not(ahead, found):
    def rules_of(history):
        closes = tuple(history.bars_of(replays.ETHER).close.tolist())
        seat = Seat(Reader(closes, ahead), guards=False)
        return replays.rules(loop=None, guardian=None, others=[seat])

    outcomes = checked(rules_of)
    assert all(each.compared for each in outcomes)
    assert any(each.place for each in outcomes) == found
    assert all(each.place <= each.compared + 1 for each in outcomes)


def test_the_past_stays_and_the_future_is_another():
    other = another(PAST, 100, np.random.default_rng(1))
    one, two = (each.bars_of(replays.ETHER) for each in (PAST, other))
    for before, after in zip(one.arrays(), two.arrays(), strict=True):
        assert np.array_equal(before[:101], after[:101])
        assert not np.array_equal(before[101:165], after[101:165])
    assert np.all(two.low <= np.minimum(two.open, two.close))
    assert np.all(two.high >= np.maximum(two.open, two.close))
    assert len(other) == 165
