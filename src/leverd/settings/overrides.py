"""`LEVERD__SECTION__KEY=value` over the files; never limits or real money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from leverd.settings.problems import OVERRIDE, Path, Place, Problem
from leverd.settings.source import Tree, plain

PREFIX: Final = "LEVERD__"
_FIXED: Final = {
    "limits": "limits cannot be set from the environment",
    "real_money": "real money is not meant by the environment",
    "spot": "what trades, and within which limits, is not said by the environment",
}
"""What only the file says."""


def override(tree: Tree, env: Mapping[str, str]) -> None:
    """Lay the overrides in `env` over `tree`."""
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX):
            continue
        place = Place(f"environment {name}")
        path = _path(tree.values, name.removeprefix(PREFIX).split("__"))
        if path[0] in _FIXED:
            remedy = "It lives in the file, where it is seen, diffed and reviewed."
            tree.problems.append(Problem(OVERRIDE, path, _FIXED[path[0]], place, remedy))
            continue
        try:
            tree.set(path, plain(text), place)
        except (yaml.YAMLError, RecursionError):
            tree.problems.append(Problem(OVERRIDE, path, "is not a YAML value", place))


def _path(values: Mapping[str, Any], parts: list[str]) -> Path:
    """Return the keys that `parts` mean: case and '-' do not survive in a variable's name."""
    path: list[str] = []
    node: Any = values
    for part in parts:
        known = node if isinstance(node, dict) else {}
        key = next((each for each in known if _folded(each) == _folded(part)), part.lower())
        path.append(key)
        node = known.get(key)
    return tuple(path)


def _folded(key: str) -> str:
    return key.lower().replace("-", "_")
