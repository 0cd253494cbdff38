"""The collector of cycles, asked rarely: a replay makes records, and none of them holds a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_RARELY: Final = 50_000
"""Containers more than were let go of, after which it looks at the youngest; usually 700."""


@contextmanager
def rarely() -> Iterator[None]:
    """Have the collector look rarely, until the end; what it was told before holds again then."""
    before = gc.get_threshold()
    if 0 < before[0] < _RARELY:  # 0 is never
        gc.set_threshold(_RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
