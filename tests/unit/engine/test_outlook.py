"""What stands of what was predicted: only what was admitted, weighed by recorded skill."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import values_of
from tests.predictions import DAY, HOUR, START, made, predicted

from leverd.domain.prediction import MICRO, Quantity
from leverd.domain.prediction_events import PredictionIgnored, PredictionMade, PredictionScored
from leverd.engine.book import Book, record_of
from leverd.engine.outlook import Skill, combined, fold_prediction, standing
from leverd.engine.state import fold

ONE = predicted()
FACTS = (PredictionMade, PredictionScored, PredictionIgnored)
OTHER = predicted(2.0, source="other")


def folded(*facts):
    outlook = {}
    for fact in facts:
        outlook = fold_prediction(outlook, fact)
    return outlook


def score(track, **sums):
    base = PredictionScored(track, START, True, MICRO, 10, 20, 1, 10, 20, 100, 1)
    return replace(base, **sums)


def test_what_was_admitted_stands_while_it_is_valid():
    outlook = folded(made(ONE))
    assert standing(outlook, START) == (ONE,)
    assert standing(outlook, ONE.valid_until - 1) == (ONE,)
    assert standing(outlook, ONE.valid_until) == ()
    assert standing(outlook, START - 1) == ()


def test_what_was_not_admitted_does_not_stand():
    assert standing(folded(made(ONE, admitted=False)), START) == ()


def test_what_is_ignored_stands_no_more_until_it_is_admitted_again():
    ignored = PredictionIgnored(ONE.track, "LVD-PRD-015", "drifted")
    assert standing(folded(made(ONE), ignored), START) == ()
    assert standing(folded(made(ONE), ignored, made(ONE)), START) == (ONE,)


def test_several_are_weighed_by_skill():
    outlook = folded(made(ONE, skill=1), made(OTHER, skill=3))
    (found,) = standing(outlook, START)
    assert found.value == (1 * MICRO + 3 * 2 * MICRO) // 4
    assert found.source == "other+somebody"
    assert found.interval.low < found.value < found.interval.high


def test_nobody_without_skill_outweighs_one_with_it():
    weak, strong = made(ONE, skill=-5), made(OTHER, skill=10**5)
    assert abs(combined([weak, strong]).value - OTHER.value) < 100


def test_what_is_about_something_else_stands_beside_it():
    fall = predicted(-0.1, Quantity.DIRECTION)
    later = replace(ONE, horizon_s=2 * DAY)
    assert set(standing(folded(made(ONE), made(fall), made(later)), START)) == {ONE, fall, later}


def test_one_forecast_at_a_time_waits_for_its_truth():
    newer = replace(ONE, made_at=START + HOUR, valid_until=START + 9 * HOUR)
    outlook = folded(made(ONE), made(newer))
    assert outlook[ONE.track].due.prediction == ONE
    assert outlook[ONE.track].newest.prediction == newer
    outlook = fold_prediction(outlook, score(ONE.track))
    assert outlook[ONE.track].due is None
    assert outlook[ONE.track].skill == Skill(1, 10, 20, 100, 1)


def test_skill_is_what_the_loss_saves_of_the_baselines():
    assert Skill(4, 80, 100, 100, 3).value == MICRO // 5
    assert Skill(4, 80, 100, 100, 3).coverage == MICRO * 3 // 4
    assert Skill().value == Skill().coverage == 0
    assert not Skill().surely


def test_a_gain_is_sure_when_luck_hardly_explains_it():
    steady = Skill(30, 0, 300, 30 * 100, 30)  # ten better, every time
    assert steady.surely
    assert not Skill(1, 0, 10, 100, 1).value < 0
    wild = Skill(30, 0, 300, 30 * 100 * 400, 30)
    assert not wild.surely
    assert not Skill(30, 300, 0, 3_000, 0).surely


def test_only_so_many_names_are_remembered():
    outlook = folded(*(made(replace(ONE, source=str(each))) for each in range(100)))
    assert len(outlook) == 64
    assert replace(ONE, source="99").track in outlook


@given(st.lists(st.one_of([values_of(kind) for kind in FACTS])))
def test_whatever_a_journal_holds_folds_into_a_record(facts):
    book = Book()
    for fact in facts:
        book = fold(book, fact, START)
    record = record_of(book, "loop", START)
    assert len(record.predictions) <= len(facts)


def test_a_record_holds_what_stands_for_every_position():
    book = fold(Book(), made(ONE), START)
    assert record_of(book, "one", START).predictions == (ONE,)
    assert record_of(book, "two", START).predictions == (ONE,)
    assert record_of(book, "one", START + DAY).predictions == ()
