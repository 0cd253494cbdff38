"""Wait for what may never answer, and no longer than a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_AnswerT = TypeVar("_AnswerT")


def answered_within(seconds: float, work: Callable[[], _AnswerT]) -> _AnswerT:
    """Return what `work` returns, or raise what it raises.

    Past the deadline its thread is left alone: it holds back neither the caller nor the end of
    the process.

    Raises:
        TimeoutError: it did neither within `seconds` of wall time.
    """
    answers: list[_AnswerT] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:  # noqa: BLE001 -- raised again where it was asked for
            errors.append(error)

    thread = threading.Thread(target=run, name="secret", daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    if errors:
        raise errors[0]
    raise TimeoutError
