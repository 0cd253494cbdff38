"""A dead man's switch elsewhere: an address that is asked after turns with a fresh view.

Whoever is behind it raises an alarm when it is asked no more. No turn waits for it.
"""

from __future__ import annotations

import threading
import urllib.request
from http.client import HTTPException
from typing import Final

from loguru import logger

from leverd.interfaces.watcher import Turned

_EVERY_S: Final = 30.0
"""Wall seconds between two beats, at least: services count by the minute."""

_DEADLINE_S: Final = 10.0


class HeartbeatUrl:
    """A `Watcher` that asks `url`, one beat at a time, each in a thread of its own."""

    def __init__(self, url: str, *, every_s: float = _EVERY_S) -> None:
        self._url, self._every_s = url, every_s
        self._last: float | None = None  # unix seconds of the last turn that was told
        self._busy = threading.Lock()
        self._failed = False

    def turned(self, turned: Turned) -> None:
        """Beat, unless the view is not fresh, the last beat is young, or still under way."""
        now = turned.at.timestamp()
        if not turned.fresh or self._is_young(now):
            return
        if not self._busy.acquire(blocking=False):
            return
        self._last = now
        try:
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        except RuntimeError as error:  # no thread can be had; the next turn tries again
            self._busy.release()
            logger.warning("no heartbeat: {}", error)

    def _is_young(self, now: float) -> bool:
        """Return whether the last beat is; a clock that was set back does not silence the next."""
        return self._last is not None and 0 <= now - self._last < self._every_s

    def _beat(self) -> None:
        """Ask once; what is wrong is said once, and never with the address, which is a secret."""
        try:
            failed = self._ask()
            if failed and not self._failed:
                logger.warning("the heartbeat's address does not answer: {}", failed)
            self._failed = bool(failed)
        finally:
            self._busy.release()

    def _ask(self) -> str:
        """Return what went wrong, "" if nothing."""
        try:
            with _OPENER.open(self._url, timeout=_DEADLINE_S):
                return ""
        except (OSError, ValueError, HTTPException) as error:
            return type(error).__name__


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere."""

    def redirect_request(self, *_args: object, **_given: object) -> None:
        """Return nothing, so that a redirect is an answer like any other refusal."""


_OPENER: Final = urllib.request.build_opener(_Stay)
