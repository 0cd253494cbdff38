"""Which way a setting is safer: said once, at its field, and read by tuning, schema and docs.

A field of a settings model names its way by `Field(..., json_schema_extra=LOWER)`. A changed
file may by itself only move fields their safer way; where neither way is only safer, or no
way is named, it takes a person's signal.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

KEY: Final = "safer"


class Safer(StrEnum):
    """The way in which a setting holds less risk."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


LOWER: Final[JsonDict] = {KEY: Safer.LOWER.value}
HIGHER: Final[JsonDict] = {KEY: Safer.HIGHER.value}
NEITHER: Final[JsonDict] = {KEY: Safer.NEITHER.value}


def way_of(field: FieldInfo) -> Safer | None:
    """Return the way a field names, None where it names none."""
    extra = field.json_schema_extra
    named = extra.get(KEY) if isinstance(extra, dict) else None
    return None if named is None else Safer(str(named))


def is_tighter(way: Safer | None, old: Any, new: Any) -> bool:
    """Return whether going from `old` to `new` can only hold less risk.

    What is unset, and so derived, is compared with nothing.
    """
    numbers = isinstance(old, int | Decimal) and isinstance(new, int | Decimal)
    if not numbers or isinstance(old, bool) or isinstance(new, bool):
        return False
    match way:
        case Safer.LOWER:
            return bool(new < old)
        case Safer.HIGHER:
            return bool(new > old)
        case _:
            return False
