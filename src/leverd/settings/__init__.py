"""The owner's one YAML file, read exactly, refused wholly, with the line of every mistake."""

from leverd.settings.changes import Change, Needs, changes
from leverd.settings.loading import agents_path, journal_path, load_settings
from leverd.settings.models import (
    AaveV3,
    Key,
    Password,
    PositionSection,
    Settings,
    UniswapV3,
)
from leverd.settings.problems import MalformedError, Place, Problem
from leverd.settings.showing import as_yaml, exact_yaml, in_force, redacted, schema, starter

__all__ = [
    "AaveV3",
    "Change",
    "Key",
    "MalformedError",
    "Needs",
    "Password",
    "Place",
    "PositionSection",
    "Problem",
    "Settings",
    "UniswapV3",
    "agents_path",
    "as_yaml",
    "changes",
    "exact_yaml",
    "in_force",
    "journal_path",
    "load_settings",
    "redacted",
    "schema",
    "starter",
]
