"""A stored model is used only if everything about it fits; what does not is named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import skops.io
from tests.unit.predict import pasts

from leverd.domain.prediction import Quantity
from leverd.errors import PredictionError
from leverd.predict import store
from leverd.predict.store import CARD, MODEL, Stored, load, opened, save


@pytest.fixture
def folder(tmp_path):
    save(pasts.trained()[0], tmp_path / "model")
    return tmp_path / "model"


def edit(folder, **changes):
    card = json.loads((folder / CARD).read_text())
    card |= changes
    (folder / CARD).write_text(json.dumps(card))


def refused(folder, *args, **how):
    with pytest.raises(PredictionError) as caught:
        opened(load(folder, *args, **how), str(folder))
    return caught.value.code


def test_what_was_saved_is_what_is_loaded(folder):
    stored = load(folder, pasts.PURPOSE, data=pasts.trained()[0].card.data)
    assert stored == pasts.trained()[0] or stored.body == pasts.trained()[0].body
    assert stored.card == pasts.trained()[0].card
    rows = pasts.samples().rows[-5:]
    for one, other in zip(
        opened(stored).forecast(rows, 0.8),
        opened(pasts.trained()[0]).forecast(rows, 0.8),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_the_same_samples_make_the_same_model():
    from leverd.predict.training import retrain  # noqa: PLC0415 -- beside what it is for

    again = retrain(pasts.samples(), "WETH", pasts.WALK)
    assert again.card.data == pasts.trained()[0].card.data
    rows = pasts.samples().rows[-5:]
    one, other = (opened(each).forecast(rows, 0.8)[0] for each in (again, pasts.trained()[0]))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": 2}, "LVD-PRD-032"),
        ({"features": ["mood"]}, "LVD-PRD-033"),
        ({"libraries": {"numpy": "1.0"}}, "LVD-PRD-034"),
        ({"libraries": None}, "LVD-PRD-034"),
        ({"scores": None}, "LVD-PRD-038"),
        ({"scores": {"skill": 1}}, "LVD-PRD-031"),
        ({"usual": 5}, "LVD-PRD-031"),
        ({"purpose": {}}, "LVD-PRD-031"),
        ({"wish": 1}, "LVD-PRD-031"),
        ({"model": "0" * 64}, "LVD-PRD-031"),
    ],
)
def test_a_card_that_does_not_fit_is_refused_by_name(folder, changes, code):
    edit(folder, **changes)
    assert refused(folder) == code


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON", '{"format": 1}'])
def test_a_card_that_does_not_parse_is_damaged(folder, text):
    (folder / CARD).write_text(text)
    assert refused(folder) == "LVD-PRD-031"


@pytest.mark.parametrize("at", [0, 100, -1])
def test_every_changed_byte_of_a_model_is_noticed(folder, at):
    body = bytearray((folder / MODEL).read_bytes())
    body[at] ^= 1
    (folder / MODEL).write_bytes(bytes(body))
    assert refused(folder) == "LVD-PRD-031"


def test_a_model_for_something_else_is_refused(folder):
    other = replace(pasts.PURPOSE, quantity=Quantity.DIRECTION)
    assert refused(folder, other) == "LVD-PRD-036"


def test_a_model_of_other_data_is_refused(folder):
    assert refused(folder, data="0123456789abcdef") == "LVD-PRD-035"


@pytest.mark.parametrize("gone", [CARD, MODEL])
def test_half_a_model_is_none(folder, gone):
    (folder / gone).unlink()
    assert refused(folder) == "LVD-PRD-030"


def forged(body):
    """Return a stored model of other bytes whose hash is right."""
    card = replace(pasts.trained()[0].card, model=hashlib.sha256(body).hexdigest())
    return Stored(card, body)


class Strange:
    def __init__(self):
        self.ran = True


def test_types_that_nobody_trusts_are_named_and_never_made():
    body = skops.io.dumps({"estimator": Strange(), "ends": {}})
    with pytest.raises(PredictionError) as caught:
        opened(forged(body))
    assert caught.value.code == "LVD-PRD-037"
    assert "Strange" in caught.value.message


@pytest.mark.parametrize("body", [b"", b"PK no zip", skops.io.dumps({"no": "estimator"})])
def test_bytes_that_are_no_model_are_damaged(body):
    with pytest.raises(PredictionError) as caught:
        opened(forged(body))
    assert caught.value.code == "LVD-PRD-031"


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PredictionError) as caught:
        save(pasts.trained()[0], tmp_path / "file" / "model")
    assert caught.value.code == "LVD-PRD-041"


def test_a_crash_while_saving_leaves_no_model_that_could_be_loaded(folder, monkeypatch):
    def dies(file, body):
        if file.name == CARD:
            raise OSError(28, "no space")
        return real(file, body)

    real = store._write
    monkeypatch.setattr(store, "_write", dies)
    with pytest.raises(PredictionError):
        save(pasts.trained()[0], folder)
    assert refused(folder) == "LVD-PRD-030"
