"""Taking what people ask for: each wish is journaled before it counts as taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from loguru import logger

from leverd.domain.events import Event
from leverd.engine import orders
from leverd.errors import JournalError
from leverd.execution.executor import Executor
from leverd.interfaces.requests import Request, RequestKind, Requests

UNREADABLE: Final = "LVD-JRN-021"


class LetterBox:
    """The daemon's side of `Requests`. A box that cannot be read holds back no guardian."""

    def __init__(
        self,
        requests: Requests,
        record: Callable[..., Awaitable[None]],
        executor: Executor,
        warn: Callable[[str, str, str], None],
    ) -> None:
        self._requests, self._record = requests, record
        self._executor, self._warn = executor, warn

    async def empty(self) -> None:
        """Take every wish, oldest first.

        Raises:
            JournalError: what was asked could not be made durable.
        """
        for request in self._waiting():
            events: tuple[Event, ...] = orders.events_of(request)
            await self._record(*events)
            if request.kind is not RequestKind.RESUME:
                self._executor.abandon(request.position_id, f"the owner said {request.kind}")
            self._taken(request)
            where = request.position_id or "all"
            logger.info("request {} for {} by {}", request.kind, where, request.by)

    def _waiting(self) -> Sequence[Request]:
        try:
            waiting = self._requests.pending()
        except JournalError as error:
            text = f"requests cannot be read; guarding goes on: {error}"
            self._warn("", UNREADABLE, text)
            return ()
        self._warn("", UNREADABLE, "")
        return waiting

    def _taken(self, request: Request) -> None:
        """Mark it as taken; if that fails it is taken again, which changes nothing."""
        try:
            self._requests.taken(request.request_id)
        except JournalError as error:
            logger.error("request {} stays in the box: {}", request.request_id, error)
