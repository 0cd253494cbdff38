"""Other venues, asked beside the trading of spot: nobody ever waits for one of them.

Each is asked at most one question at a time, under a deadline, and after a failure only when a
pause is over. What it said last stays with the time it was said at: who reads it sees its age.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loguru import logger

from leverd.domain.reference import ReferenceQuote, silent
from leverd.errors import LeverdError
from leverd.interfaces.clock import Clock
from leverd.interfaces.price_reference import PriceReference

_BACKOFF_S_FIRST: Final = 5.0
_BACKOFF_S_MAX: Final = 300.0
_DOUBLINGS_MAX: Final = 8


@dataclass(slots=True)
class _Line:
    """One venue, and where we are with it."""

    reference: PriceReference
    quote: ReferenceQuote
    before: ReferenceQuote  # the newest of another block than that
    asking: asyncio.Task[None] | None = None
    failures: int = 0
    due: float = field(default=0.0)  # monotonic seconds before which it is not asked


class SpotReferences:
    """Keeps the newest quote of each reference."""

    def __init__(
        self,
        references: Sequence[PriceReference],
        clock: Clock,
        *,
        look_s: float,
        deadline_s: float,
    ) -> None:
        self._lines = tuple(
            _Line(each, silent(each.source), silent(each.source)) for each in references
        )
        self._clock, self._look_s, self._deadline_s = clock, look_s, deadline_s

    def ask(self) -> None:
        """Ask whoever is due and not being asked; return at once."""
        now = self._clock.monotonic()
        for line in self._lines:
            if (line.asking is None or line.asking.done()) and now >= line.due:
                line.due = now + self._look_s
                line.asking = asyncio.create_task(self._look(line))

    def said(self) -> tuple[ReferenceQuote, ...]:
        """Return the newest quote of each, however old; a silent one for who never answered."""
        return tuple(line.quote for line in self._lines)

    def before(self) -> tuple[ReferenceQuote, ...]:
        """Return what each said a block before that: one block alone may be pushed by somebody."""
        return tuple(line.before for line in self._lines)

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each endpoint lets through now, by its reference."""
        return {
            f"{line.reference.source} {name}": state
            for line in self._lines
            for name, state in line.reference.circuits().items()
        }

    async def close(self) -> None:
        """Stop asking, and release connections."""
        asking = [line.asking for line in self._lines if line.asking is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for line in self._lines:
            await line.reference.close()

    async def _look(self, line: _Line) -> None:
        """Keep what one venue says; a failure is a pause, and never anybody else's."""
        try:
            async with asyncio.timeout(self._deadline_s):
                quote = await line.reference.look()
        except TimeoutError:
            self._failed(line, f"no answer within {self._deadline_s:.3g} s")
        except LeverdError as error:
            self._failed(line, str(error))
        except Exception as error:  # noqa: BLE001 -- a bug in one must not leave what is held unguarded
            logger.opt(exception=error).error("reference {}", line.reference.source)
            self._failed(line, repr(error))
        else:
            if line.failures:
                logger.info("reference {} answers again", line.reference.source)
            if quote.block != line.quote.block:
                line.before = line.quote
            line.quote, line.failures = quote, 0

    def _failed(self, line: _Line, why: str) -> None:
        wait = min(_BACKOFF_S_FIRST * 2.0 ** min(line.failures, _DOUBLINGS_MAX), _BACKOFF_S_MAX)
        line.failures += 1
        line.due = self._clock.monotonic() + wait
        if line.failures == 1:
            logger.warning("reference {} is left out: {}", line.reference.source, why)
