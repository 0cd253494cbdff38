"""What is different between two settings, and what each difference takes to come into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from leverd.interfaces.safer import Safer, is_tighter, way_of
from leverd.settings.models import Settings
from leverd.settings.problems import Path, dotted
from leverd.settings.showing import program, redacted

_ABSENT: Final = object()
_NOT_OURS: Final = {"api"}
"""Sections of another process: the daemon neither follows nor reports them."""

_SECRETS: Final = (
    ("key",),
    ("alerts", "to"),
    ("journal", "copy_password"),
    ("predictions", "allora", "access"),
    ("spot", "access"),
)
"""Where places of secrets are named: another one is tried before it counts."""

_AGENT_DEPTH: Final = 5
"""Parts of a path down to an agent's own key: positions, name, agents, agent, key."""


class Needs(StrEnum):
    """What a difference takes."""

    NOTHING = "tightens"  # a changed file alone will do
    SIGNAL = "loosens"  # a person says so: SIGHUP or a restart
    TRIAL = "is tried"  # as for SIGNAL, and the secret that is there is good
    RESTART = "needs a restart"


@dataclass(frozen=True, slots=True)
class Change:
    """One key that says something else."""

    path: Path
    old: str
    new: str
    needs: Needs

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.old} -> {self.new} ({self.needs})"


def changes(old: Settings, new: Settings) -> tuple[Change, ...]:
    """Return every key that differs, in the order of its name."""
    before = _leaves(old.model_dump(by_alias=True, exclude=_NOT_OURS), ())
    after = _leaves(new.model_dump(by_alias=True, exclude=_NOT_OURS), ())
    keys = sorted(before.keys() | after.keys(), key=dotted)
    pairs = ((key, before.get(key, _ABSENT), after.get(key, _ABSENT)) for key in keys)
    return tuple(
        Change(key, _told(key, one), _told(key, other), _needs(old, key, one, other))
        for key, one, other in pairs
        if one != other
    )


def _leaves(node: Any, path: Path) -> dict[Path, Any]:
    if not isinstance(node, Mapping) or not node:
        return {path: node}
    return {
        key: leaf
        for name, below in node.items()
        for key, leaf in _leaves(below, (*path, str(name))).items()
    }


def _needs(settings: Settings, path: Path, old: Any, new: Any) -> Needs:
    if any(path[: len(each)] == each for each in _SECRETS):
        return Needs.TRIAL
    model = _tunable(settings, path)
    if model is None or old is _ABSENT or new is _ABSENT:
        return Needs.RESTART
    return Needs.NOTHING if is_tighter(_way(model, path), old, new) else Needs.SIGNAL


def _tunable(settings: Settings, path: Path) -> type[BaseModel] | None:
    """Return the model that says which way `path` is safer, None where it cannot be tuned."""
    match path:
        case ("limits", _):
            return type(settings.limits)
        case ("engine", "kill_file" | "heartbeat_url"):
            return None  # what looks at it, or asks it, was begun with the process
        case ("engine", _):
            return type(settings.engine)
        case ("positions", name, "agents", agent, _, *_) if name in settings.positions:
            params = settings.positions[str(name)].agents.get(str(agent))
            return type(params) if isinstance(params, BaseModel) else None
        case _:
            return None


def _way(model: type[BaseModel], path: Path) -> Safer | None:
    if path[0] == "positions" and len(path) > _AGENT_DEPTH:
        return None  # deeper than a key of the agent: nobody said which way is safer
    field = model.model_fields.get(str(path[-1]))
    return None if field is None else way_of(field)


def _told(path: Path, value: Any) -> str:
    if path[-1] == "command" and isinstance(value, tuple) and value:
        return _shown(program(value))
    return _shown(value)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return str(value).lower()
        case str():
            return redacted(value) if "://" in value else value
        case tuple() | list():
            return f"[{', '.join(_shown(each) for each in value)}]"
        case _:
            return "absent" if value is _ABSENT else str(value)
