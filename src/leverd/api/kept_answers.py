"""Answers told again: whoever asks the same within a moment is told the same.

A page that is open in many places asks the same few things; each is worked out once. Who asks is
known, and let in, before anything is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute

from leverd.api.access import let_in
from leverd.interfaces.clock import Clock

Asked: TypeAlias = tuple[str, bytes]
"""A path and its query, as they came."""

FOR_S: Final = 0.25
"""Wall seconds for which an answer is told again."""

_MOST: Final = 256
_OK: Final = 200


@dataclass(slots=True)
class _Kept:
    """One question: its answer until a monotonic time, and the lock of who works it out."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Response | None = None
    until: float = 0.0
    waiting: int = 0


class KeptAnswers:
    """The answers of the last moment, by what was asked. For one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Asked, _Kept] = {}

    async def get(self, asked: Asked, work: Callable[[], Awaitable[Response]]) -> Response:
        """Return the answer to `asked`; only one who asks at a time does the `work`."""
        kept = self._kept.get(asked)
        if kept is None:
            self._sweep()
            kept = self._kept[asked] = _Kept()
        if kept.answer is not None and self._clock.monotonic() < kept.until:
            return kept.answer
        kept.waiting += 1
        try:
            async with kept.lock:
                if kept.answer is not None and self._clock.monotonic() < kept.until:
                    return kept.answer
                answer = await work()
                if answer.status_code == _OK:
                    kept.answer, kept.until = answer, self._clock.monotonic() + FOR_S
                return answer
        finally:
            kept.waiting -= 1

    def forget(self) -> None:
        """Tell nothing again: something was changed by who asks now."""
        for kept in self._kept.values():
            kept.until = 0.0

    def _sweep(self) -> None:
        """Forget what nobody may be told any more; of too many, all that nobody waits for."""
        now = self._clock.monotonic()
        full = len(self._kept) >= _MOST
        for asked, kept in list(self._kept.items()):
            if not kept.waiting and (full or now >= kept.until):
                del self._kept[asked]


class KeptRoute(APIRoute):
    """A route whose answers are told again, and whose changes end that."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        inner = super().get_route_handler()

        async def told(request: Request) -> Response:
            let_in(request)
            answers: KeptAnswers = request.app.state.answers
            asked = (request.scope["path"], request.scope["query_string"])
            return await answers.get(asked, lambda: inner(request))

        async def changes(request: Request) -> Response:
            answers: KeptAnswers = request.app.state.answers
            answers.forget()
            try:
                return await inner(request)
            finally:
                answers.forget()

        return told if self.methods == {"GET"} else changes
