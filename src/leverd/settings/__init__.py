"""The owner's one YAML file, read exactly, refused wholly, with the line of every mistake."""

from leverd.settings.loading import agents_path, load_settings
from leverd.settings.models import (
    AaveV3,
    Key,
    Password,
    PositionSection,
    Settings,
    UniswapV3,
)
from leverd.settings.problems import MalformedError, Place, Problem
from leverd.settings.showing import as_yaml, in_force, redacted, schema, starter

__all__ = [
    "AaveV3",
    "Key",
    "MalformedError",
    "Password",
    "Place",
    "PositionSection",
    "Problem",
    "Settings",
    "UniswapV3",
    "agents_path",
    "as_yaml",
    "in_force",
    "load_settings",
    "redacted",
    "schema",
    "starter",
]
