"""Readers from outside and the miner take turns.

While anvil commits a block, a call may see the new state under the old block's time, and then
Aave's "seconds since" underflows. A real node shows no such moment, so this one does not either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PATIENCE_S: Final = 5.0  # a reader that takes longer is overtaken


class Traffic:
    """Any number of readers at once, or the miner; a waiting miner goes before new readers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._mining = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the miner off."""
        with self._changed:
            self._changed.wait_for(lambda: not self._mining, _PATIENCE_S)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def mining(self) -> Iterator[None]:
        """Hold readers off, once those under way are done. One miner at a time."""
        with self._changed:
            self._mining = True
            self._changed.wait_for(lambda: self._readers == 0, _PATIENCE_S)
        try:
            yield
        finally:
            with self._changed:
                self._mining = False
                self._changed.notify_all()
