"""What a sweep may be asked for, in words; loads nothing, so that commands can name them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How configurations are chosen."""

    GRID = "grid"
    RANDOM = "random"
    OPTUNA = "optuna"


class Objective(StrEnum):
    """What is best. All are higher where better; liquidated is worse than anything that was not."""

    SHARPE = "sharpe"  # mean return a period over its deviation, times the root of periods a year
    GROWTH = "growth"  # equity at the end over what was put in, less one
    CALMAR = "calmar"  # growth a year over the largest drawdown


class Against(StrEnum):
    """What returns are compared to."""

    CASH = "cash"
    HOLD = "hold"  # the collateral, held and supplied


class Place(StrEnum):
    """Where it runs."""

    LOCAL = "local"
    RAY = "ray"


class By(StrEnum):
    """What a sample is held against, and what lies on an edge is run by."""

    AGENTS = "agents"  # the real ones, with planner and gate
    INTEGERS = "integers"  # the bare loop, many times faster
