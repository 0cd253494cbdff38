"""Work that may block for long, beside a loop that may not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

_AnswerT = TypeVar("_AnswerT")


async def in_own_thread(work: Callable[[], _AnswerT]) -> _AnswerT:
    """Return what `work` returns, or raise what it raises.

    Who waits no more leaves the thread alone: unlike one of the loop's own, it holds back neither
    the loop's end nor the process's.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_AnswerT] = loop.create_future()

    def run() -> None:
        try:
            tell = partial(_answered, answer, work())
        except Exception as error:  # noqa: BLE001 -- raised again where it is waited for
            tell = partial(_failed, answer, error)
        with contextlib.suppress(RuntimeError):  # nobody is there any more
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=run, name="beside", daemon=True).start()
    return await answer


def _answered(answer: asyncio.Future[_AnswerT], found: _AnswerT) -> None:
    if not answer.done():
        answer.set_result(found)


def _failed(answer: asyncio.Future[_AnswerT], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
