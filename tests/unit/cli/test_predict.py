"""leverd predict: a model from a past that needs no data, judged, shown, scored, refused."""

from __future__ import annotations

import json

import pytest
from tests.journal_events import snapshot
from tests.predictions import made, predicted

from leverd.backtest.replay import synthetic
from leverd.cli import predict_run
from leverd.domain.prediction_events import PredictionIgnored, PredictionScored

SMALL = ("--horizon", "6", "--learn", "60", "--step", "20")


@pytest.fixture
def short(monkeypatch):
    """The synthetic past, cut to what a test can wait for."""
    monkeypatch.setattr(predict_run, "synthetic", lambda seed: synthetic.synthetic(seed, 2_200))


@pytest.fixture
def model(owner, short):
    assert owner("predict", "train", "--out", "m", *SMALL).code == 0
    return "m"


def test_a_model_is_trained_judged_and_shown(owner, short):
    answer = owner("predict", "train", "--out", "m", "--json", *SMALL)
    assert answer.code == 0, answer.err
    trained = answer.data
    assert trained["model"] == "volatility of WETH within 6 h, by bars of 3600 s"
    assert trained["scores"]["scored"] > 50
    assert set(trained["scores"]["baselines"]) == {"last", "ewma", "ewma scaled"}
    assert owner("predict", "show", "m", "--json").data == trained
    words = owner("predict", "show", "m").out
    for part in ("ewma scaled", "standard errors", "of 80% intervals", "skill"):
        assert part in words


def test_training_says_what_it_came_to_and_where_it_is(owner, short):
    answer = owner(
        "predict",
        "train",
        "--out",
        "m",
        "--quantity",
        "borrow_rate",
        "--rates",
        "synthetic USDC",
        "--subject",
        "USDC",
        "--gas",
        "synthetic",
        *SMALL,
    )
    assert answer.code == 0, answer.err
    assert "borrow_rate of USDC" in answer.out
    assert "m is written" in answer.out


def test_a_model_is_scored_on_what_came_after_it_only(owner, model, monkeypatch):
    answer = owner("predict", "score", model)
    assert answer.code == 2
    assert answer.err.strip().startswith("LVD-PRD-018")
    monkeypatch.setattr(predict_run, "synthetic", lambda seed: synthetic.synthetic(seed, 3_000))
    later = owner("predict", "score", model, "--json")
    assert later.code == 0, later.err
    assert 50 < later.data["scores"]["scored"] <= 800 // 6
    assert "skill" in owner("predict", "score", model).out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--quantity", "mood"), "LVD-OWN-121"),
        (("--bars", "ETH"), "LVD-OWN-120"),
        (("--bars", "nowhere ETH"), "LVD-DAT"),
        (("--quantity", "funding", "--funding", "binance ETH"), "LVD-DAT"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(owner, short, given, code):
    answer = owner("predict", "train", "--out", "m", *given, *SMALL)
    assert answer.code != 0
    assert answer.err.strip().startswith(code)


def test_without_its_libraries_it_says_what_to_install(owner, monkeypatch):
    monkeypatch.setattr(predict_run, "find_spec", lambda _name: None)
    answer = owner("predict", "show", "m")
    assert answer.code == 2
    assert answer.err.strip().startswith("LVD-PRD-040")
    assert "leverd[predict]" in answer.err


def test_a_folder_without_a_model_is_named(owner):
    answer = owner("predict", "show", "nowhere")
    assert answer.code == 2
    assert answer.err.strip().startswith("LVD-PRD-030")


def test_the_status_says_what_was_predicted_how_good_that_is_and_what_it_changed(owner):
    owner.with_history()
    owner.edit("        # storm: {cut: 0.4", "        storm: {cut: 0.4")
    at = snapshot(9).at + 10_000
    word = predicted(1.7, made_at=at, valid_until=at + 7_200)
    fall = predicted(-0.05, source="other", made_at=at, valid_until=at + 7_200)
    journal = owner.open_journal()
    journal.append_now(
        made(word),
        PredictionScored(word.track, at, True, 5, 2, 3, 4, 8, 12, 4, 3),
        made(fall, admitted=False, scored=0),
        PredictionIgnored(fall.track, "LVD-PRD-012", "0 of 30 forecasts are scored"),
        PredictionIgnored("silent WETH volatility 3600s", "LVD-PRD-034", "other libraries"),
        chain_at=at,
    )
    journal.close()
    told = owner("status", "--json").data
    one, other, silent = told["predictions"]
    assert one["predictor"] == "somebody"
    assert (one["skill"], one["scored"], one["coverage"], one["ignored"]) == (
        "0.1",
        400,
        "0.75",
        "",
    )
    assert (other["skill"], other["ignored"][:15]) == (None, "no: LVD-PRD-012")
    assert silent["says"] == ""
    changed = told["positions"][0]["predictions_changed"]
    assert changed["target"] == "1.900000000"
    assert "storm 4/4" in changed["reason"]
    words = owner("status").out
    for part in ("predictions", "volatility 1.7", "LVD-PRD-034", "target 1.9000", "nothing yet"):
        assert part in words


def test_without_predictions_the_status_says_nothing_of_them(owner):
    owner.with_history()
    told = owner("status", "--json").data
    assert told["predictions"] == []
    assert told["positions"][0]["predictions_changed"] is None
    assert "predict" not in owner("status").out
    assert json.dumps(told)
