"""Predictors by settings; one that cannot be had says why, and the others go on."""

from __future__ import annotations

import builtins
import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.predictions import HOUR, ticks
from tests.unit.predict import pasts

from leverd.bootstrap.agents import find_agents
from leverd.bootstrap.predictors import foresight_of, leave_of, predictor_of
from leverd.domain.bars import Past
from leverd.domain.prediction import MICRO, Quantity
from leverd.domain.prediction_events import PredictionIgnored
from leverd.engine.outlook import fold_prediction
from leverd.errors import PredictionError
from leverd.predict.model_predictor import ModelPredictor
from leverd.predict.simple import Simple
from leverd.predict.store import CARD, save
from leverd.settings import MalformedError, load_settings
from leverd.settings.predictions import PredictionsSection

SHIPPED = Path(__file__).parents[3] / "config" / "settings.yaml"


def section(**predictor):
    base = {"kind": "model", "subject": "WETH", "quantity": "volatility", "horizon_h": 6}
    return PredictionsSection.model_validate({"predictors": {"eth-vol": {**base, **predictor}}})


def made(of):
    return predictor_of("eth-vol", of.predictors["eth-vol"], of)


@pytest.fixture
def folder(tmp_path):
    save(pasts.trained()[0], tmp_path / "model")
    return tmp_path / "model"


def test_a_stored_model_speaks(folder):
    predictor = made(section(file=str(folder)))
    assert isinstance(predictor, ModelPredictor)
    assert predictor.card.surely
    predictor.close()


def test_a_simple_one_needs_nothing():
    assert isinstance(made(section(kind="simple")), Simple)


def test_one_that_retrains_begins_without_a_file():
    predictor = made(section(retrains=True))
    assert predictor.card is None
    predictor.close()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / CARD).unlink(), "LVD-PRD-030"),
        (lambda folder: _edit(folder, libraries={"numpy": "1"}), "LVD-PRD-034"),
        (lambda folder: _edit(folder, format=9), "LVD-PRD-032"),
    ],
)
def test_a_model_that_is_refused_is_silent_with_its_code(folder, spoil, code):
    spoil(folder)
    silent = made(section(file=str(folder)))
    assert (silent.subject, silent.quantity, silent.horizon_s, silent.card) == (
        "WETH",
        Quantity.VOLATILITY,
        6 * HOUR,
        None,
    )
    with pytest.raises(PredictionError) as caught:
        silent.predict(Past("WETH", HOUR, ()))
    assert caught.value.code == code
    silent.close()


def _edit(folder, **changes):
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))


def test_without_its_library_a_model_is_silent(folder, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **how):
        if name == "leverd.predict.store":
            raise ModuleNotFoundError("no", name="skops")
        return real(name, *rest, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    silent = made(section(file=str(folder)))
    with pytest.raises(PredictionError, match="skops is not installed") as caught:
        silent.predict(Past("WETH", HOUR, ()))
    assert caught.value.code == "LVD-PRD-040"


def test_shares_become_millionths():
    found = section(kind="simple", may="advise")
    leave = leave_of(found.predictors["eth-vol"], found)
    assert leave.advises
    assert (leave.scored_min, leave.confidence_min) == (30, MICRO // 2)
    assert leave.calibration_gap_max == MICRO // 10


def test_the_shipped_settings_name_nobody_and_their_comment_can_be_used(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    assert foresight_of(load_settings([SHIPPED], {}, find_agents())) is None
    before, _, rest = text.partition("# predictions:")
    comment, _, after = rest.partition("\n\n")
    lines = ["predictions:" + comment.split("\n")[0], *comment.split("\n")[1:]]
    plain = "\n".join(line.removeprefix("# ").removeprefix("#") for line in lines)
    (tmp_path / "settings.yaml").write_text(f"{before}{plain}\n\n{after}")
    settings = load_settings([tmp_path / "settings.yaml"], {}, find_agents())
    foresight = foresight_of(settings)
    assert list(foresight.subjects) == ["WETH"]
    (first, *_) = [
        fact
        for tick in ticks([3_000 * 10**8 + n for n in range(40)])
        for fact in foresight.look({"WETH": tick}, {})
    ]
    assert isinstance(first, PredictionIgnored)
    foresight.close()


def test_the_demonstration_is_said_over_the_shipped_settings():
    files = [SHIPPED, SHIPPED.parent / "with" / "predictions.yaml"]
    settings = load_settings(files, {}, find_agents())
    assert settings.positions["eth-loop"].agents["leverage_loop"].storm is not None
    assert settings.positions["eth-loop"].agents["leverage_loop"].target == Decimal("2.5")
    foresight = foresight_of(settings)
    looks = ticks([3_000 * 10**8 + n % 7 * 10**7 for n in range(200)], step=60)
    outlook = {}
    for tick in looks:
        for fact in foresight.look({"WETH": tick}, outlook):
            outlook = fold_prediction(outlook, fact)
    foresight.close()
    assert {track.ignored.code for track in outlook.values()} == {
        "LVD-PRD-012",
        "LVD-PRD-014",
        "LVD-PRD-016",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "simple", "file": "x"},
        {"kind": "simple", "retrains": True},
        {"kind": "model"},
        {"quantity": "mood"},
        {"may": "decide"},
    ],
)
def test_what_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        section(**wrong)


def test_a_misspelt_key_is_refused_by_its_line(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    bad = "predictions:\n  predictors:\n    x: {kind: simple, subject: WETH, quantty: volatility}\n"
    (tmp_path / "settings.yaml").write_text(text + bad)
    with pytest.raises(MalformedError) as caught:
        load_settings([tmp_path / "settings.yaml"], {}, find_agents())
    assert "quantity" in str(caught.value)
