"""An entry as one row, for lists and for websockets alike."""

from __future__ import annotations

from typing import Final

from leverd.api.models.rows import EventRow
from leverd.api.placed import placed
from leverd.api.seams import Desk
from leverd.interfaces.journal import Entry
from leverd.interfaces.veil import VEIL

_HIDDEN: Final = frozenset({"payload", "step_text"})
"""A signed transaction could be sent by whoever reads it, before the relay or instead of it."""


def event_row(entry: Entry, desk: Desk) -> EventRow:
    """Return `entry` as it may be shown."""
    plain = desk.plain(entry)
    return EventRow(
        **placed(entry, getattr(entry.event, "position_id", "") or ""),
        kind=plain["kind"],
        said=VEIL.over(desk.told(entry.event)),
        event={name: value for name, value in plain["event"].items() if name not in _HIDDEN},
    )
