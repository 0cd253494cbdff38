"""Luck is called luck: published numbers, numbers by hand, and simulated worthlessness."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from leverd.backtest.sweep.significance import (
    Moments,
    deflated_sharpe,
    growth_interval,
    luckiest_sharpe,
    moments,
    of_the_best,
    of_the_unseen,
    probabilistic_sharpe,
)


def test_the_papers_own_example():
    """Bailey and Lopez de Prado 2014: 2.5 a year, 5 years of days, skew -3, kurtosis 10."""
    variance = 0.5 / 250
    of = Moments(1_250, 2.5 / math.sqrt(250), -3, 10)
    assert luckiest_sharpe(variance, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(of, variance, 100) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(of, variance, 46) == pytest.approx(0.9505, abs=5e-5)
    normal = Moments(1_250, 2.5 / math.sqrt(250), 0, 3)
    assert deflated_sharpe(normal, variance, 88) == pytest.approx(0.9505, abs=5e-4)


def test_moments_by_hand():
    found = moments(np.array([0.0, 0.0, 0.0, 0.04]))
    assert found.sharpe == pytest.approx(0.5)  # 0.01 over 0.02
    assert found.skew == pytest.approx(2 / math.sqrt(3))
    assert found.kurtosis == pytest.approx(7 / 3)
    assert moments(np.array([0.1, 0.1])) == Moments(2, 0.0, 0.0, 3.0)
    assert moments(np.array([])).count == 0


def test_a_probability_by_hand():
    # (0.1 - 0) sqrt(100) / sqrt(1 + 0.5 * 0.01) = 0.99751
    assert probabilistic_sharpe(Moments(101, 0.1, 0, 3), 0.0) == pytest.approx(0.84074, abs=1e-5)
    assert probabilistic_sharpe(Moments(101, 0.1, 0, 3), 0.1) == 0.5
    assert probabilistic_sharpe(Moments(1, 0.1, 0, 3), 0.0) == 0.0


def test_of_one_trial_nothing_was_chosen():
    assert luckiest_sharpe(1.0, 1) == 0.0
    assert "nothing was chosen" in of_the_best(0.5, 0.0, 1.0, 1)


def test_the_luckiest_is_as_lucky_as_simulated():
    draw = np.random.default_rng(5)
    best = draw.normal(0, 0.1, (4_000, 200)).max(axis=1).mean()
    assert luckiest_sharpe(0.01, 200) == pytest.approx(best, rel=0.02)


def test_pure_luck_is_flagged_and_skill_is_not():
    draw = np.random.default_rng(11)
    flagged = skilled = 0
    for _ in range(40):
        worthless = draw.normal(0, 0.01, (100, 750))
        sharpes = worthless.mean(axis=1) / worthless.std(axis=1, ddof=1)
        best = moments(worthless[sharpes.argmax()])
        assert probabilistic_sharpe(best, 0.0) > 0.9  # alone it would have convinced
        flagged += deflated_sharpe(best, float(sharpes.var(ddof=1)), 100) < 0.95
        good = moments(worthless[sharpes.argmax()] + 0.002)
        skilled += deflated_sharpe(good, float(sharpes.var(ddof=1)), 100) >= 0.95
    assert flagged >= 36
    assert skilled >= 36


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(3)
    truth, held = math.expm1(250 * 0.0005), 0
    for seed in range(60):
        returns = np.expm1(draw.normal(0.0005, 0.01, 500))
        found = growth_interval(returns, 250, seed=seed)
        assert found is not None
        assert found.low < found.middle < found.high
        held += found.low <= truth <= found.high
    assert 51 <= held <= 60


def test_an_interval_is_the_same_for_the_same_seed_and_wider_where_days_hang_together():
    draw = np.random.default_rng(4)
    noise = draw.normal(0, 0.01, 600)
    hanging = np.convolve(noise, np.ones(10) / 10, mode="same")
    first = growth_interval(hanging, 250, seed=1, block=30)
    assert first == growth_interval(hanging, 250, seed=1, block=30)
    single = growth_interval(hanging, 250, seed=1, block=1)
    assert first is not None
    assert single is not None
    assert first.high - first.low > 1.5 * (single.high - single.low)


def test_an_interval_of_years_of_hours_is_made_in_bounded_memory():
    returns = np.random.default_rng(1).normal(1e-5, 0.004, 80_000)
    tracemalloc.start()
    found = growth_interval(returns, 8_760, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 2**20
    assert found is not None
    assert found.low < found.middle < found.high


def test_of_nothing_there_is_no_interval_and_a_total_loss_has_one():
    assert growth_interval(np.array([0.1]), 250, seed=1) is None
    lost = growth_interval(np.array([0.1, -1.0, 0.0]), 250, seed=1)
    assert lost is not None
    assert lost.low == -1.0


def test_sentences_warn_where_it_may_be_luck():
    assert of_the_best(0.94, 0.5, 1.0, 50).startswith("WARNING: the best may be luck.")
    assert not of_the_best(0.96, 0.5, 1.0, 50).startswith("WARNING")
    good = growth_interval(np.tile([0.01, 0.012], 100), 250, seed=1)
    assert not of_the_unseen(good, 0.99, 200).startswith("WARNING")
    assert of_the_unseen(good, 0.9, 200).startswith("WARNING")
    bad = growth_interval(np.random.default_rng(1).normal(0.001, 0.03, 300), 250, seed=1)
    assert of_the_unseen(bad, 0.99, 300).startswith("WARNING")
    assert "say nothing" in of_the_unseen(None, 0.0, 1)
