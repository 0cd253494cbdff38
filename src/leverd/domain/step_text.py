"""A step as text and back, exactly: what the journal keeps so that any receipt can be verified."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, get_args

from leverd.domain.money import Amount, Asset
from leverd.domain.plan import Action, Step, StepKind
from leverd.errors import JournalDamagedError

_KINDS: Final[Mapping[str, Any]] = {kind.__name__: kind for kind in get_args(Action)}
_NAMES: Final = {kind: tuple(each.name for each in fields(kind)) for kind in get_args(Action)}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def to_text(step: Step) -> str:
    """Return `step` as JSON that `of_text` reads back to an equal step."""
    body = {
        "kind": step.kind.value,
        "health_min": str(step.health_min),
        "health_below": str(step.health_below),
        "actions": [_action_out(action) for action in step.actions],
    }
    return _ENCODER.encode(body)


def of_text(text: str) -> Step:
    """Return the step that `to_text` wrote.

    Raises:
        JournalDamagedError: it holds something else.
    """
    try:
        body = json.loads(text)
        return Step(
            StepKind(body["kind"]),
            tuple(_action_in(action) for action in body["actions"]),
            int(body["health_min"]),
            int(body["health_below"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalDamagedError(f"a step does not parse: {error!r}", number=1) from error


def _action_out(action: Action) -> dict[str, Any]:
    kind = type(action)
    return {"do": kind.__name__, **{name: _out(getattr(action, name)) for name in _NAMES[kind]}}


def _out(value: object) -> object:
    if isinstance(value, Amount):
        return [value.asset.symbol, value.asset.decimals, str(value.raw)]
    return value


def _action_in(body: dict[str, Any]) -> Action:
    make: Callable[..., Action] = _KINDS[body.pop("do")]
    return make(**{name: _in(value) for name, value in body.items()})


def _in(value: Any) -> Any:
    if isinstance(value, list):
        symbol, decimals, raw = value
        return Amount(Asset(symbol, decimals), int(raw))
    return value
