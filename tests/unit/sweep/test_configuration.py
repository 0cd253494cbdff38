"""Which configurations mean something, and where they go."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from tests.unit.sweep.pasts import PLAIN

from leverd.agents import guardian
from leverd.backtest.sweep.configuration import NAMES, RATIO, Configuration, goals, row, rows, sound
from leverd.domain import headroom


def test_rows_read_back_as_they_were():
    assert row(rows([PLAIN, replace(PLAIN, fee=7)]), 1) == replace(PLAIN, fee=7)
    assert rows([]).shape == (0, len(NAMES))


def test_the_shared_work_means_something():
    assert sound(rows([PLAIN])).tolist() == [True]


@pytest.mark.parametrize(
    "said",
    [
        {"target": RATIO},
        {"band_low": RATIO - 1},
        {"band_low": 3 * RATIO + 1},
        {"band_high": 3 * RATIO - 1},
        {"band_low": 3 * RATIO, "band_high": 3 * RATIO},
        {"band_high": 10 * RATIO},
        {"health_floor": RATIO - 1},
        {"health_floor": 1_395_000_000},  # health at 3x on 0.93: it would repay for ever
        {"guardian_below": RATIO},
        {"guardian_below": 1_395_000_000},
        {"guardian_to": 1_500_000_000},  # without a trigger
        {"guardian_below": 1_200_000_000, "guardian_to": 1_200_000_000},
        {"threshold": 6_666},  # health at 3x is below 1
        {"threshold": 10_000},
        {"threshold": 0},
        {"fee": 100_001},
        {"fee": -1},
        {"depth": -1},
        {"gas": -1},
        {"target": 2**62},
    ],
)
def test_what_means_nothing_is_left_out(said):
    assert sound(rows([replace(PLAIN, **said)])).tolist() == [False]


def test_the_floor_sends_below_the_target_only_if_it_must():
    saved, _ = goals(rows([PLAIN, replace(PLAIN, health_floor=1_500_000_000)]))
    assert saved[0] == 3 * RATIO
    exact = headroom.leverage_at(Fraction("1.5"), Fraction("0.93"))
    assert exact is not None
    assert saved[1] == int(exact * RATIO)


@pytest.mark.parametrize("to", ["", "1.3", "1.9"])
@pytest.mark.parametrize("below", ["1.05", "1.2"])
@pytest.mark.parametrize("target", ["1.7", "3"])
def test_the_guardians_goal_is_the_guardians(target, below, to):
    own = guardian.Params(
        deleverage_below=Decimal(below),
        repay_to=Decimal(to) if to else None,
        target=Decimal(target),
    )
    wanted = guardian.triggers(own, Fraction("0.93")).repay_to
    leverage = headroom.leverage_at(wanted, Fraction("0.93"))
    assert leverage is not None
    config = replace(
        PLAIN,
        target=int(Decimal(target) * RATIO),
        guardian_below=int(Decimal(below) * RATIO),
        guardian_to=int(Decimal(to or 0) * RATIO),
    )
    _, guarded = goals(rows([config]))
    assert guarded[0] == pytest.approx(float(leverage * RATIO), abs=2)


def test_thousands_are_judged_at_once():
    table = np.tile(rows([PLAIN]), (5_000, 1))
    table[::2, NAMES.index("target")] = RATIO
    assert sound(table).sum() == 2_500
    assert isinstance(row(table, 3), Configuration)
