"""A commented description to begin with."""

from __future__ import annotations

from importlib import resources


def starter() -> str:
    """Return the text of a description that explains itself."""
    templates = resources.files("leverd.backtest.history") / "templates"
    return (templates / "history.yaml").read_text("utf-8")
