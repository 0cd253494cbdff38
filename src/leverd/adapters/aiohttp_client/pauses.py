"""How long to wait before asking again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try, and how long to wait between tries; all in seconds."""

    deadline_s: float = 10.0
    wait_s_first: float = 0.5
    wait_s_max: float = 300.0
    jitter: float = 0.5  # fraction of each wait that chance may add

    def wait_s(self, failures: int, asked_s: float | None, chance: Random) -> float:
        """Return the wait after `failures` in a row, longer than what was asked for."""
        doubled = math.ldexp(self.wait_s_first, min(failures - 1, 32))
        spread = 1 + self.jitter * chance.random()
        wait = min(doubled, self.wait_s_max) * spread
        return wait if asked_s is None else max(wait, asked_s + self.wait_s_first * spread)


def asked_pause_s(retry_after: str | None, now: datetime, longest_s: float) -> float | None:
    """Return the seconds that a Retry-After asks for, at most `longest_s`, None if it says none.

    RFC 9110, 10.2.3: whole seconds, or a date.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), longest_s)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), longest_s)
