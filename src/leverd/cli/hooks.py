"""What commands ask of the composition root, where an installation has it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module, util
from typing import Any


def hook(module: str, name: str) -> Callable[..., Any] | None:
    """Return `leverd.bootstrap.<module>.<name>`, None if there is no such module."""
    full = f"leverd.bootstrap.{module}"
    if util.find_spec(full) is None:
        return None
    found: Callable[..., Any] = getattr(import_module(full), name)
    return found
