"""Find agents by name: those of installed packages, and those in the owner's own files."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from leverd.errors import SettingsError
from leverd.interfaces.agent import AgentKind

GROUP: Final = "leverd.agents"
"""The entry-point group that packages publish agents under."""


def find_agents(own: Iterable[Path] = ()) -> Mapping[str, AgentKind[Any]]:
    """Return every agent kind by name; the owner's own files may not shadow published ones.

    `own` are Python files, or folders whose `*.py` files are taken in name order. Each file
    exports `AGENT`, an `AgentKind`.

    Raises:
        SettingsError: a file cannot be imported or exports no agent, or a name is taken.
    """
    kinds = {point.name: _kind(point.load(), point.name) for point in _published()}
    for file in _files(own):
        kind = _kind(_import(file).__dict__.get("AGENT"), str(file))
        if kind.name in kinds:
            raise SettingsError(
                f"an agent called {kind.name} exists already",
                number=62,
                place=str(file),
                remedy="give yours another name",
            )
        kinds[kind.name] = kind
    return kinds


def _published() -> Iterable[Any]:
    return sorted(entry_points(group=GROUP), key=lambda point: str(point.name))


def _kind(found: object, place: str) -> AgentKind[Any]:
    if not isinstance(found, AgentKind):
        raise SettingsError(
            "no AGENT of type AgentKind is exported here",
            number=61,
            place=place,
            remedy="see docs/agents.md for a complete example",
        )
    return found


def _files(own: Iterable[Path]) -> Iterable[Path]:
    for path in own:
        if not path.exists():
            raise SettingsError("agents_path names nothing that exists", number=60, place=str(path))
        yield from sorted(path.glob("*.py")) if path.is_dir() else [path]


def _import(file: Path) -> ModuleType:
    name = f"leverd_own_agents.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SettingsError(
            f"the agent file does not import: {error!r}", number=63, place=str(file)
        ) from error
    return module
