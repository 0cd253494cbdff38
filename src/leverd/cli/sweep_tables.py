"""A sweep as tables for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leverd.backtest.history.words import moment, span
from leverd.backtest.sweep.checking import Checked
from leverd.backtest.sweep.choices import By
from leverd.backtest.sweep.configuration import NAMES, SCALES, Configurations, typed
from leverd.backtest.sweep.objective import put_in
from leverd.backtest.sweep.outcome import COLUMNS
from leverd.backtest.sweep.search import Found
from leverd.backtest.sweep.walk_forward import Walked
from leverd.cli.output import pairs, say, table
from leverd.cli.sweep_run import Told

_BY = {By.AGENTS: "the real agents", By.INTEGERS: "whole numbers"}
_SHOWN = ("equity", "drawdown", "health_low", "boosts", "repays", "fees")


def tell(told: Told) -> None:
    """Write what came of a sweep."""
    past = told.past
    pairs(
        {
            "past": f"{len(past):,} points",
            "from": moment(int(past.ts[0])),
            "to": moment(int(past.ts[-1])),
            "put in": f"{put_in(past):,.2f} USD",
            **_asked(told),
            **(_facts(told, told.found) if told.found else _walked_facts(told, told.walked)),
            **({"results": told.results} if told.results else {}),
        },
        title=f"sweep of {told.asked.history}",
    )
    if told.found is not None:
        _tell_best(told.found, _varied(told), told.asked.objective)
    if told.walked is not None:
        _tell_steps(told.walked, _varied(told), told.asked.objective)
    say(told.sentence)


def as_data(told: Told) -> dict[str, Any]:
    """Return the same as plain values; money is USD, shares are fractions."""
    past = told.past
    base: dict[str, Any] = {
        "points": len(past),
        "since": moment(int(past.ts[0])),
        "until": moment(int(past.ts[-1])),
        "put_in": put_in(past),
        "past": past.digest(),
        "results": told.results,
        "verdict": told.sentence,
    }
    if told.found is not None:
        base |= _found_data(told, told.found)
    if told.walked is not None:
        base |= _walked_data(told, told.walked)
    return base


def _facts(told: Told, found: Found) -> dict[str, str]:
    shallow = f"{found.shallow:,} met a pool too shallow for an act: no agent would do that"
    return {
        "tried": f"{found.tried:,}, of which {found.liquidated:,} were liquidated",
        "exact": f"{_held(found.checked, told)}; {found.again:,} on an edge, run by them",
        **({"shallow": shallow} if found.shallow else {}),
    }


def _held(checked: Checked, told: Told) -> str:
    by = _BY[told.asked.exact]
    if not checked.count:
        return f"WARNING: none could be held against {by}"
    return f"{checked.count} held against {by}, at most {checked.apart:.0e} apart"


def _walked_facts(told: Told, walked: Walked | None) -> dict[str, str]:
    assert walked is not None, "a sweep is plain or walks forward"
    gone = sum(each.liquidated for each in walked.steps)
    return {
        "windows": f"{len(walked.steps)}, {walked.tried:,} configurations tried in them",
        "exact": _held(walked.checked, told),
        "growth": f"{walked.growth:.2%} out of sample, in {len(walked.returns)} returns"
        + (f"; liquidated in {gone}" if gone else ""),
    }


def _tell_best(found: Found, told: Sequence[str], objective: str) -> None:
    rows = [
        (
            f"{score:.4g}" if np.isfinite(score) else "liquidated",
            *(_parameter(each, name) for name in told),
            *(_number(name, float(result[COLUMNS.index(name)])) for name in _SHOWN),
        )
        for score, each, result in zip(found.scores, found.table, found.results, strict=True)
    ]
    table((objective, *told, *_SHOWN), rows, title="best")


def _asked(told: Told) -> dict[str, str]:
    asked = told.asked
    fixed = [each for each in asked.parameters.dimensions if len(each.values) == 1]
    said = " ".join(f"{each.name}={each.text()}" for each in fixed if each.values != (0,))
    compared = "holding the collateral" if asked.hold else "cash"
    return {
        **({"fixed": said} if said else {}),
        "score": f"{asked.objective}; returns are of {asked.period}, over {compared}",
    }


def _varied(told: Told) -> list[str]:
    """Return which parameters may be more than one thing; the target, if none may."""
    dimensions = told.asked.parameters.dimensions
    return [each.name for each in dimensions if len(each.values) != 1] or ["target"]


def _tell_steps(walked: Walked, told: Sequence[str], objective: str) -> None:
    rows = [
        (
            moment(step.since),
            span(step.until - step.since),
            f"{step.tuned:.4g}" if np.isfinite(step.tuned) else "liquidated",
            *(_parameter(step.chosen[0], name) for name in told),
            f"{step.growth:.2%}{', liquidated' * step.liquidated}",
        )
        for step in walked.steps
    ]
    table(("chosen at", "judged for", f"{objective} in sample", *told, "growth out of it"), rows)


def _parameter(row: Configurations, name: str) -> str:
    return typed(name, int(row[NAMES.index(name)]))


def _number(name: str, value: float) -> str:
    match name:
        case "equity" | "fees":
            return f"{value:,.2f}"
        case "boosts" | "repays":
            return f"{value:.0f}"
        case "drawdown":
            return f"{value:.2%}"
        case _:
            return f"{value:.4f}"


def _found_data(told: Told, found: Found) -> dict[str, Any]:
    return {
        "tried": found.tried,
        "liquidated": found.liquidated,
        "checked": found.checked.count,
        "apart": found.checked.apart,
        "checked_by": told.asked.exact.value,
        "run_again": found.again,
        "shallow": found.shallow,
        "luckiest_sharpe": told.luckiest,
        "deflated_sharpe": told.deflated,
        "best": [
            {
                "score": float(score) if np.isfinite(score) else None,
                "parameters": _parameters(each),
                "outcome": {
                    name: float(value) if np.isfinite(value) else None
                    for name, value in zip(COLUMNS, result, strict=True)
                },
            }
            for score, each, result in zip(found.scores, found.table, found.results, strict=True)
        ],
    }


def _walked_data(told: Told, walked: Walked) -> dict[str, Any]:
    interval = walked.interval
    return {
        "tried": walked.tried,
        "checked": walked.checked.count,
        "checked_by": told.asked.exact.value,
        "apart": walked.checked.apart,
        "growth": walked.growth,
        "returns": len(walked.returns),
        "growth_a_year": None
        if interval is None
        else {"low": interval.low, "middle": interval.middle, "high": interval.high},
        "probability": walked.probability,
        "windows": [
            {
                "chosen_at": moment(step.since),
                "until": moment(step.until),
                "parameters": _parameters(step.chosen[0]),
                "in_sample": step.tuned if np.isfinite(step.tuned) else None,
                "out_of_sample": step.growth,
                "liquidated": step.liquidated,
            }
            for step in walked.steps
        ],
    }


def _parameters(row: Configurations) -> dict[str, float]:
    return {name: float(row[at]) / SCALES[name] for at, name in enumerate(NAMES)}
