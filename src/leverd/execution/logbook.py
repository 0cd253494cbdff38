"""The journal as execution uses it: what is written is known, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

from leverd.domain.events import Event
from leverd.domain.plan_events import PlanAborted
from leverd.execution import recovery
from leverd.execution.chain_time import ChainTime
from leverd.execution.recovery import Known
from leverd.interfaces.journal import Journal


class Logbook:
    """Appends to `journal` and, once durable, folds into `known`."""

    def __init__(self, journal: Journal, signer: str) -> None:
        self._journal, self._signer = journal, signer
        self._unsaid: list[Event] = []
        self._said: list[Event] = []
        self.known = Known()
        self.time = ChainTime()

    def restore(self) -> None:
        """Learn what the journal knows."""
        self.known = recovery.restored(self._journal.replay(), self._signer)

    async def record(self, *events: Event) -> None:
        """Record `events`, and with them what was true but not urgent, in one commit."""
        if not events:
            return
        written = (*self._unsaid, *events)
        await self._journal.append(*written, chain_at=self.time.now)
        self._unsaid.clear()
        self._said.extend(written)
        self._fold(*events)

    def say_later(self, *events: Event) -> None:
        """Hold `events` as known; they are written with the next commit.

        Only for what the chain or the journal tells anew after a crash.
        """
        self._unsaid.extend(events)
        self._fold(*events)

    def held(self) -> tuple[Event, ...]:
        """Return what is true and not yet written, for somebody else's commit."""
        return tuple(self._unsaid)

    def written(self, held: Sequence[Event]) -> None:
        """Forget that `held`, the first of what was, waits for a commit."""
        del self._unsaid[: len(held)]

    def said(self) -> tuple[Event, ...]:
        """Return what was written since this was last asked."""
        said, self._said = tuple(self._said), []
        return said

    def aborted(self, plan_ids: tuple[str, ...], reason: str) -> tuple[PlanAborted, ...]:
        """Return the ends of those of `plan_ids` that have not ended, each once."""
        flights = (self.known.flights.get(plan_id) for plan_id in dict.fromkeys(plan_ids))
        return tuple(
            PlanAborted(flight.plan_id, flight.position_id, flight.done, reason)
            for flight in flights
            if flight is not None
        )

    def _fold(self, *events: Event) -> None:
        for event in events:
            self.known = recovery.fold(self.known, event, self.time.now, self._signer)
