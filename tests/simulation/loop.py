"""An event loop whose time jumps to the next timer: one thread, no sockets, no wall clock."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import Executor, Future


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs a world of hours in milliseconds, the same way each time."""

    def __init__(self):
        super().__init__()
        self._moment = 0.0
        self._selector = self  # what BaseEventLoop waits on

    def time(self):
        return self._moment

    def select(self, timeout):
        """Wait by moving the clock; with nothing to wait for, say so."""
        if timeout is None:
            raise AssertionError("everybody waits for somebody else")
        self._moment += max(timeout, 0.0)
        # Beyond 2**24 s two floats lie further apart than asyncio's patience: nothing is ever due.
        self._clock_resolution = max(self._clock_resolution, math.ulp(self._moment))
        return ()

    def _process_events(self, event_list):
        """Do nothing: there are no sockets."""

    def _write_to_self(self):
        """Do nothing: there is no other thread."""


class Inline(Executor):
    """Runs what is submitted at once, in the thread that submits it."""

    def submit(self, fn, /, *args, **kwargs):
        done = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 -- as executors do
            done.set_exception(error)
        return done
