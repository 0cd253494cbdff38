"""Open journals, lent to one request at a time."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

_KEPT: Final = 32


class Closable(Protocol):
    """Something that holds a file."""

    def close(self) -> None:
        """Release it."""
        ...


T = TypeVar("T", bound=Closable)


class Pool(Generic[T]):
    """Things over one file, each used by one thread at a time.

    A file that was put in the place of the old one (another devnet, a salvaged journal) is
    opened anew; what failed while it was lent is not lent again.
    """

    def __init__(self, path: Path, make: Callable[[], T]) -> None:
        self._path, self._make = path, make
        self._idle: queue.LifoQueue[tuple[tuple[int, int], T]] = queue.LifoQueue(_KEPT)

    @contextmanager
    def lend(self) -> Iterator[T]:
        """Yield one; make one where none is idle."""
        mark, lent = self._take()
        try:
            yield lent
        except BaseException:
            lent.close()
            raise
        try:
            self._idle.put_nowait((mark, lent))
        except queue.Full:
            lent.close()

    def close(self) -> None:
        """Release those that are idle."""
        while True:
            try:
                self._idle.get_nowait()[1].close()
            except queue.Empty:
                return

    def _take(self) -> tuple[tuple[int, int], T]:
        mark = self._identity()
        while True:
            try:
                known, idle = self._idle.get_nowait()
            except queue.Empty:
                return mark, self._make()
            if known == mark:
                return known, idle
            idle.close()

    def _identity(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino
