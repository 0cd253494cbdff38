"""Run turns at our own pace until told to stop.

A turn takes requests, tends open slots, looks, reconciles, decides, and starts at most one
plan; the next plan waits for the next look, which follows at once if that plan lowers risk.
Outages are waited out with the guardian's own patience; a broken journal ends the process,
because without it no intent can be written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from loguru import logger

from leverd.domain import loans, valuation
from leverd.domain.events import (
    AlertRaised,
    DaemonStarted,
    DaemonStopped,
    Event,
    OrderFired,
)
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.view import View
from leverd.engine import diary, tuning, whereabouts
from leverd.engine.book import ALL, pending_of
from leverd.engine.bookkeeper import UNVALUED, Bookkeeper
from leverd.engine.canon import status_line, turn_line, unguarded
from leverd.engine.charter import Charter, World
from leverd.engine.collect import check_not_behind, views
from leverd.engine.foreseeing import foreseen
from leverd.engine.laps import Laps
from leverd.engine.letter_box import LetterBox
from leverd.engine.memory_guard import Pressure
from leverd.engine.noting import facts_of, remembering
from leverd.engine.turn import Outcome, turn
from leverd.engine.watchman import Watchman
from leverd.engine.whereabouts import MOVED
from leverd.errors import JournalError, LeverdError, NonsenseError, UnreachableError
from leverd.execution.patience import answered
from leverd.interfaces.venue import Observation
from leverd.interfaces.watcher import Turned
from leverd.risk.gate import Approved
from leverd.risk.staleness import age_s

__all__ = ["Charter", "Daemon", "World"]

ORDER: Final = "LVD-ORD-001"

_BACKOFF_S_FIRST = 5.0
_BACKOFF_S_MAX = 300.0
_LOOK_BACK_S = 5.0
"""Wall seconds that the last look of a stop may take."""

_TEND_S = 1.0
"""Wall seconds between looks at a slot that is still open when we are asked to stop."""


class Daemon:
    """The loop and what it remembers between turns."""

    def __init__(self, charter: Charter, world: World) -> None:
        self._charter, self._world = charter, world
        self._diaries: dict[str, diary.Diary] = {}
        self._views: dict[str, View] = {}
        self._apart: set[str] = set()  # positions of which the last look tells nothing
        self._elsewhere: dict[str, str] = {}  # of them, those not looked for in place, and why
        self._watchman = Watchman(world.notifier)
        self._bookkeeper = Bookkeeper(world, self._record)
        self._letter_box = LetterBox(
            world.requests, self._record, world.executor, self._watchman.warn
        )
        self._failures = 0
        self._turns = 0
        self._chain_at = 0
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Have the next turn begin now: something from outside waits for it."""
        self._woken.set()

    async def run(
        self, stop: asyncio.Event, *, done: Callable[[Mapping[str, View]], bool] | None = None
    ) -> str:
        """Take turns until `stop` is set or memory runs out; return why it ended.

        With `done`, also until it is true of a turn's views with nothing in flight.

        Raises:
            JournalError: nothing can be made durable any more.
        """
        await self._begin()
        reason = "asked to stop"
        while not stop.is_set():
            wait = await self._patient_turn()
            if self._world.memory.check() is Pressure.FULL:
                reason = "memory is at its ceiling; restart to go on"
                logger.error("LVD-MEM-001 {}", reason)
                break
            if done is not None and done(self._views) and not self._world.executor.open_slots:
                reason = "done"
                break
            await self._sleep(wait, stop)
        await self._end(reason)
        return reason

    async def _begin(self) -> None:
        charter, recorder = self._charter, self._world.recorder
        recorder.restore()
        await recorder.append(DaemonStarted(charter.version, charter.mode, charter.settings_hash))
        logger.info("started mode={} positions={}", charter.mode, len(charter.mandates))
        await self._world.executor.recover()

    async def _patient_turn(self) -> float:
        """Take a turn; return wall seconds to wait. An outage is waited out, and said."""
        try:
            wait = await self._turn()
        except JournalError:
            raise
        except (UnreachableError, NonsenseError) as error:
            self._failures += 1
            wait = self._patience()
            logger.warning("turn failed, trying again in {:.1f} s: {}", wait, error)
            if self._failures == 1:
                self._alert("", error)
            await self._say_dependencies()
            return wait
        self._failures = 0
        return wait

    async def _turn(self) -> float:
        laps = Laps(self._world.clock.monotonic)
        await self._letter_box.empty()
        await self._tune()
        laps.end("orders")
        observation = await self._observe()
        laps.end("look")
        await self._bookkeeper.keep(observation, self._apart, self._charter.limits)
        await self._foresee(observation)
        self._views = views(
            observation,
            self._world.recorder.book,
            open_slots=self._world.executor.open_slots,
            touched=self._world.executor.touched(),
            strange=self._bookkeeper.strange,
            apart=self._apart,
        )
        for name, view in self._views.items():
            self._views[name] = await self._noted(name, await self._watched(name, view))
        await self._say_dependencies()
        laps.end("record")
        outcomes = [self._decide(view) for view in sorted(self._views.values(), key=_health)]
        laps.end("decide")
        await self._write_diary(outcomes)
        waits, failure = await self._act(outcomes, observation.nonce)
        laps.end("act")
        self._turns += 1
        self._world.beat(self._world.clock.now())
        self._world.supervisor.turned(status_line(self._views.values()), fresh=self._is_fresh())
        for outcome in outcomes:
            logger.info("{}", turn_line(self._turns, outcome, laps.seconds))
        wait = 0.0 if waits else self._until_next_look()
        self._world.watcher.turned(self._told(laps, wait))
        if failure is not None:  # it looked and judged, and could do nothing about it
            raise failure
        return wait

    def _told(self, laps: Laps, wait: float) -> Turned:
        """Return this turn for whoever watches."""
        now, fresh = self._world.clock.now(), self._is_fresh()
        return Turned(self._turns, now, laps.seconds, laps.stages, wait, fresh, self._views)

    async def _tune(self) -> None:
        tuner, executor = self._world.tuner, self._world.executor
        if tuner is not None:
            self._charter = await tuning.taken(
                tuner, self._charter, self._views, executor, self._record
            )

    async def _observe(self) -> Observation:
        """Tend what is in flight, then look: what was just settled is part of what is seen."""
        self._tell(await self._world.executor.tend(self._chain_at))
        observation = await self._world.venue.observe(self._charter.mandates)
        check_not_behind(self._world.recorder.book, observation.stamp)
        self._chain_at = observation.stamp.at
        self._set_apart(observation)
        return observation

    def _set_apart(self, observation: Observation) -> None:
        """Leave out, and say once, positions that cannot be valued or were not looked for in place.

        No oracle prices the one, and of the other another pool's balances were seen.
        """
        self._apart, self._elsewhere = set(), {}
        for name, seen in observation.positions.items():
            asset = valuation.unpriced(seen.state)
            text = "" if asset is None else f"no oracle prices {asset.symbol}: nothing can be done"
            self._watchman.warn(name, UNVALUED, text)
            gone = whereabouts.elsewhere(self._world.recorder.book.page(name).snapshot, seen)
            self._watchman.warn(name, MOVED, gone or whereabouts.moved(seen))
            if gone:
                self._elsewhere[name] = gone
            if asset is not None or gone:
                self._apart.add(name)

    async def _foresee(self, observation: Observation) -> None:
        """Write down what predictors say of what was seen, before anything is decided from it."""
        if self._world.foresight is not None:
            said = foreseen(self._world.foresight, observation, self._world.recorder.book)
            await self._record(*said, chain_at=observation.stamp.at)

    async def _watched(self, name: str, view: View) -> View:
        """Return the view with what breakers and guards make of it; say what is new."""
        limits, seats = self._charter.limits, self._charter.seats[name]
        page = self._world.recorder.book.page(name)
        view, turned = self._watchman.watched(name, view, limits, page, seats)
        await self._record(*turned, chain_at=view.now)
        return view

    async def _say_dependencies(self) -> None:
        """Write down which dependencies are left alone now, and which answer again."""
        circuits = self._world.dependencies()
        said = self._watchman.dependencies(circuits, self._world.recorder.book)
        await self._record(*said, chain_at=self._chain_at)

    async def _noted(self, name: str, view: View) -> View:
        """Write down what the view makes true of orders, before anything is decided about it."""
        facts = facts_of(view, self._charter.seats[name])
        if not facts:
            return view
        await self._record(*facts, chain_at=view.now)
        for fact in facts:
            if isinstance(fact, OrderFired):
                self._world.notifier.notify(AlertRaised(name, ORDER, fact.reason))
        return remembering(view, self._world.recorder.book)

    def _decide(self, view: View) -> Outcome:
        position_id = view.state.position.mandate.position_id
        seats = self._charter.seats[position_id]
        charter, now = self._charter, self._world.clock.now()
        return turn(
            view,
            seats,
            charter.limits,
            charter.timing,
            age_s=age_s(view, now, live=charter.is_live),
            pending=pending_of(self._world.recorder.book),
        )

    async def _write_diary(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            position_id = outcome.view.state.position.mandate.position_id
            before = self._diaries.get(position_id, diary.Diary())
            after, events = diary.write(before, outcome)
            self._diaries[position_id] = after
            await self._record(*events, chain_at=outcome.view.now)

    async def _act(
        self, outcomes: Sequence[Outcome], nonce: int
    ) -> tuple[bool, UnreachableError | NonsenseError | None]:
        """Start the most urgent approved plan; beside an open slot only a deleverage may go.

        One about which nothing can be learned holds no other back. Return whether, once one was
        started, another that lowers risk waits for the next look; and, if none was, why not.
        """
        waits, failure = False, None
        approved = [each.verdict for each in outcomes if isinstance(each.verdict, Approved)]
        for place, verdict in enumerate(approved):
            try:
                started = await self._world.executor.start(verdict, nonce)
            except (UnreachableError, NonsenseError) as error:
                logger.warning("{} not started: {}", verdict.plan.position_id, error)
                waits, failure = waits or verdict.lowers, failure or error
                continue
            if started:
                return waits or any(each.lowers for each in approved[place + 1 :]), None
        return False, failure

    async def _record(self, *events: Event, chain_at: int = 0) -> None:
        """Journal `events`, in one commit with what execution holds back for one."""
        if not events:
            return
        held = self._world.executor.held()
        at = chain_at or (self._chain_at if held else 0)
        await self._world.recorder.append(*held, *events, chain_at=at)
        self._world.executor.written(held)
        self._tell(events)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, AlertRaised):
                self._world.notifier.notify(event)

    def _alert(self, position_id: str, error: LeverdError) -> None:
        self._world.notifier.notify(AlertRaised(position_id, error.code, error.told))

    def _is_fresh(self) -> bool:
        """Return whether every position was seen as it is now."""
        live, now = self._charter.is_live, self._world.clock.now()
        ages = [age_s(view, now, live=live) for view in self._views.values()]
        return bool(ages) and max(ages) <= self._charter.limits.view_age_s_max

    def _until_next_look(self) -> float:
        lowest = min((_health(view) for view in self._views.values()), default=INFINITE_HEALTH)
        seconds = self._charter.pace.interval(lowest) / self._charter.speed
        if self._world.executor.open_slots:
            seconds = min(seconds, self._charter.pace.look_s_min / self._charter.speed)
        return seconds

    def _patience(self) -> float:
        """Return wall seconds to wait after failures in a row, at most the guardian's look."""
        backoff = min(_BACKOFF_S_FIRST * float(2 ** (self._failures - 1)), _BACKOFF_S_MAX)
        return min(backoff, max(self._until_next_look(), 0.2))

    async def _sleep(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait on our clock, but no longer than until `stop` is set or somebody wakes us."""
        async with asyncio.TaskGroup() as group:
            nap = group.create_task(self._world.clock.sleep(seconds))
            bells = [group.create_task(each.wait()) for each in (stop, self._woken)]
            await asyncio.wait((nap, *bells), return_when=asyncio.FIRST_COMPLETED)
            for task in (nap, *bells):
                task.cancel()
        self._woken.clear()

    async def _end(self, reason: str) -> None:
        """Settle what is in flight within the grace, and say what is left unguarded."""
        deadline = self._world.clock.monotonic() + self._charter.stop_grace_s
        self._world.executor.abandon(ALL, "stopping")
        if self._world.executor.open_slots:
            logger.info(
                "stopping: settling {} open slot(s), at most {:.0f} s",
                self._world.executor.open_slots,
                self._charter.stop_grace_s,
            )
        while self._world.executor.open_slots and self._world.clock.monotonic() < deadline:
            self._say_stopping("settling what is in flight")
            try:
                await self._observe()
            except (UnreachableError, NonsenseError) as error:
                logger.warning("while stopping: {}", error)
            await self._world.clock.sleep(_TEND_S / max(self._charter.speed, 1.0))
        self._say_stopping(reason)
        await self._look_back()
        for position_id, book in self._diaries.items():
            self._diaries[position_id], events = diary.flush(book, position_id)
            await self._record(*events)
        if self._world.foresight is not None:
            self._world.foresight.close()
        gone = (f"{name}: {why}" for name, why in self._elsewhere.items())
        lines = (*unguarded(self._views.values()), *gone)
        await self._record(DaemonStopped(reason, lines))
        for line in lines:
            logger.warning("left unguarded: {}", line)
        logger.info("stopped: {}", reason)

    def _say_stopping(self, why: str) -> None:
        self._world.supervisor.stopping(f"stopping: {why}", self._charter.stop_grace_s)

    async def _look_back(self) -> None:
        """See what we leave: what was just settled may be the position itself."""
        try:
            async with answered(_LOOK_BACK_S):
                seen = await self._world.venue.observe(self._charter.mandates)
        except (UnreachableError, NonsenseError) as error:
            logger.warning("while stopping: what follows is as last seen: {}", error)
            return
        executor, book = self._world.executor, self._world.recorder.book
        self._views = views(seen, book, open_slots=executor.open_slots, touched=executor.touched())


def _health(view: View) -> int:
    return loans.summarise(view.state.market, view.state.position.loan, view.now).health
