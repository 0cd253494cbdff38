import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverd.domain.money import Amount, Asset
from leverd.domain.plan import (
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.step_text import of_text, to_text
from leverd.errors import JournalDamagedError

amounts = st.builds(
    Amount, st.builds(Asset, st.text(max_size=8), st.integers(0, 36)), st.integers(0, 2**256)
)
names, flags = st.text(max_size=12), st.booleans()
actions = st.one_of(
    st.builds(Supply, names, amounts, flags),
    st.builds(Withdraw, names, amounts, flags),
    st.builds(Borrow, names, amounts),
    st.builds(Repay, names, amounts, flags, flags),
    st.builds(Swap, names, amounts, amounts),
    st.builds(BuyExact, names, amounts, amounts, flags),
    st.builds(SetEMode, names, st.integers(0, 255)),
)
steps = st.builds(
    Step,
    st.sampled_from(StepKind),
    st.lists(actions, max_size=4).map(tuple),
    st.integers(0, 2**256),
    st.integers(0, 2**256),
)


@given(steps)
def test_a_step_comes_back_as_it_was(step):
    assert of_text(to_text(step)) == step


@pytest.mark.parametrize(
    "change", [{"kind": "leap"}, {"actions": [{"do": "Steal"}]}, {"health_min": None}]
)
def test_what_is_no_step_is_damage(change):
    body = json.loads(to_text(Step(StepKind.SINGLE, (SetEMode("aave", 1),), 0)))
    with pytest.raises(JournalDamagedError):
        of_text(json.dumps(body | change))


def test_what_is_no_text_of_ours_is_damage():
    with pytest.raises(JournalDamagedError) as caught:
        of_text("not json")
    assert caught.value.number == 1


def test_a_step_is_written_without_a_blank_as_the_journal_keeps_it():
    step = Step(StepKind.SINGLE, (SetEMode("aave", 1),), 5)

    assert to_text(step) == (
        '{"kind":"single","health_min":"5","health_below":"0",'
        '"actions":[{"do":"SetEMode","venue":"aave","category":1}]}'
    )
