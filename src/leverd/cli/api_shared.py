"""One way to a server for all requests, made anew when it broke."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from leverd.cli.api_pool import Closable
from leverd.errors import LeverdError
from leverd.interfaces.clock import Clock

_AGAIN_S: Final = 2.0
"""Wall seconds between two tries: who asks meanwhile hears at once why the last one failed."""

T = TypeVar("T", bound=Closable)


class Shared(Generic[T]):
    """What `make` makes, which many threads may use at once. Made when first asked for."""

    def __init__(self, make: Callable[[], T], clock: Clock) -> None:
        self._make, self._clock = make, clock
        self._lock = threading.Lock()
        self._made: T | None = None
        self._failed: tuple[LeverdError, float] | None = None  # and when it may be tried again

    @contextmanager
    def lend(self) -> Iterator[T]:
        """Yield it; after a failure it is let go of, and made anew for who comes next.

        Raises:
            LeverdError: it cannot be made.
        """
        lent = self._ready()
        try:
            yield lent
        except LeverdError:
            self._let_go(lent)
            raise

    def close(self) -> None:
        """Let go of it; it is made anew where somebody asks again."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def _ready(self) -> T:
        with self._lock:
            if self._made is None:
                self._made = self._new()
            return self._made

    def _new(self) -> T:
        now = self._clock.monotonic()
        if self._failed is not None and now < self._failed[1]:
            raise self._failed[0].with_traceback(None)
        try:
            made = self._make()
        except LeverdError as error:
            self._failed = error, self._clock.monotonic() + _AGAIN_S
            raise
        self._failed = None
        return made

    def _let_go(self, broken: T) -> None:
        with self._lock:
            if self._made is not broken:
                return  # another thread met it first
            self._made = None
        broken.close()
