"""The newest inference of each topic that can be believed, asked for no more than needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from loguru import logger

from leverd.adapters.allora.api import AlloraApi
from leverd.adapters.allora.inference import Inference
from leverd.adapters.allora.judging import Terms, is_stale, judge
from leverd.errors import (
    LeverdError,
    NonsenseError,
    SecretError,
    StaleError,
    UnreachableError,
)
from leverd.interfaces.clock import Clock

_LOOKS: Final = 10  # how often in an interval an answer that is due is asked for
_PAUSE_S_MIN: Final = 5.0


@dataclass(slots=True)
class _Memory:
    believed: Inference | None = None
    refusal: LeverdError | None = None  # of the newest answer
    ask_at: float = float("-inf")  # monotonic; not before
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class AlloraFeed:
    """Serves several readers from one question an interval; it remembers one answer a topic."""

    def __init__(self, api: AlloraApi, clock: Clock, terms: Mapping[int, Terms]) -> None:
        self._api, self._clock, self._terms = api, clock, dict(terms)
        self._memory = {topic_id: _Memory() for topic_id in terms}

    async def newest(self, topic_id: int, *, reference: Decimal | None = None) -> Inference:
        """Return the newest inference of a topic that can be believed now.

        The network is asked only once there can be a newer one. If it cannot be reached, the
        one before stands until it is stale. `reference` is the price as the market knows it.

        Raises:
            UnreachableError: no answer, and none before that is not stale.
            StaleError: the newest is overdue.
            NonsenseError: the newest cannot be meant, or there is no such topic.
            SecretError: the key is refused.
        """
        memory, terms = self._memory[topic_id], self._terms[topic_id]
        async with memory.asking:  # who comes second takes what the first one is told
            if self._clock.monotonic() >= memory.ask_at:
                await self._ask(topic_id, memory, terms, reference)
        if memory.refusal is not None:
            raise memory.refusal.with_traceback(None)  # or each raise would lengthen it
        assert memory.believed is not None, "an answer is believed or refused"
        judge(memory.believed, terms, now=self._now(), before=memory.believed, reference=reference)
        return memory.believed

    async def _ask(
        self, topic_id: int, memory: _Memory, terms: Terms, reference: Decimal | None
    ) -> None:
        """Ask once, and remember what came: an answer or why there is none."""
        pause = max(terms.interval_s / _LOOKS, _PAUSE_S_MIN)
        try:
            found = await self._api.inference(topic_id)
            if memory.believed is not None and found.at <= memory.believed.at:
                found = memory.believed  # a replica of theirs that lags
            judge(found, terms, now=self._now(), before=memory.believed, reference=reference)
        except UnreachableError as error:
            memory.refusal = self._unless_fresh(memory, terms, error)
        except (NonsenseError, StaleError, SecretError) as error:
            memory.refusal = error
        else:
            memory.believed, memory.refusal = found, None
            pause = max(found.at + terms.interval_s - self._now(), pause)
        memory.ask_at = self._clock.monotonic() + pause

    def _unless_fresh(
        self, memory: _Memory, terms: Terms, error: UnreachableError
    ) -> LeverdError | None:
        """Return `error`, or None while the last believed answer is not stale."""
        if memory.believed is None or is_stale(memory.believed, terms, self._now()):
            return error
        logger.info("{}; the last inference stands", error)
        return memory.refusal

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
