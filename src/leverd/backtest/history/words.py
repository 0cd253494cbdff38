"""Times and spans as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_FIRST: Final = -62_135_596_800  # of the year 1: the calendar begins there
_LAST: Final = 253_402_300_799  # of the year 9999, where it ends


def moment(ts: int) -> str:
    """Return unix seconds as ISO 8601, UTC."""
    if not _FIRST <= ts <= _LAST:
        return f"second {ts}"
    return datetime.fromtimestamp(ts, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: int) -> str:
    """Return a span in its largest units, e.g. `1 d 10 h`."""
    parts, left = [], seconds
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"
