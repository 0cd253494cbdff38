"""The loop that trades spot, beside the daemon's: neither ever waits for the other.

It shares the one journal, and with it what the owner asked for. A turn is taken at each block
while something is held, else at the owner's pace; what is in flight is settled before all else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from loguru import logger

from leverd.domain.atto import of_atto
from leverd.domain.changed import changed
from leverd.domain.events import AlertRaised
from leverd.domain.spot import LOST, SPOT, Spot
from leverd.domain.spot_events import SpotStopped
from leverd.domain.spot_home import SpotHome
from leverd.domain.spot_limits import SpotLimits
from leverd.domain.view import TradingState
from leverd.engine.foresight import Foresight
from leverd.engine.recorder import Recorder
from leverd.engine.spot_home import opened, written_off
from leverd.engine.spot_references import SpotReferences
from leverd.engine.spot_sales import UNSOLD, Sales
from leverd.engine.spot_turn import Seen, decided, foreseen, marks, picture, sighted
from leverd.errors import JournalError, LeverdError, NonsenseError, UnreachableError
from leverd.execution.spot_orders import SpotOrders
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.interfaces.spot_agent import Enter, Exit, SpotAgent, SpotView, Stay
from leverd.interfaces.spot_value import fair_of
from leverd.interfaces.spot_venue import Depth, Purse, SpotMarket, SpotVenue, Ticked
from leverd.interfaces.watcher import Nobody, SpotWatcher
from leverd.risk.spot_gate import ApprovedOrder, DeniedOrder, review

ORDER_LOST: Final = "LVD-SPT-001"
STOPPED: Final = "LVD-SPT-002"
UNKNOWN: Final = "LVD-SPT-003"

_BACKOFF_S_FIRST: Final = 1.0
_BACKOFF_S_MAX: Final = 60.0
_TEND_S: Final = 1.0
"""Wall seconds between two looks at what is in flight, should no block come."""

_IDLE_S: Final = 5.0
_UNKNOWN_BLOCKS: Final = 100
"""Blocks beyond an order's last possible one until the owner hears that nobody knows of it."""

_NOBODY: Final = Nobody()


class Beat(Protocol):
    """Is told when a turn ended, by our clock."""

    def __call__(self, now: datetime) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, slots=True)
class SpotCharter:
    """What the owner's settings make of the desk."""

    subject: str  # whose direction is predicted: a symbol
    limits: SpotLimits
    reserve: Mapping[str, int]  # by denomination, smallest units that fees may need
    stop_grace_s: float  # wall seconds to settle what is in flight when asked to stop
    chain_id: str  # of the venue
    subaccount: int


@dataclass(frozen=True, slots=True)
class SpotWorld:
    """Everything outside the core, chosen once."""

    clock: Clock
    venue: SpotVenue
    recorder: Recorder
    agent: SpotAgent
    notifier: Notifier
    beat: Beat
    foresight: Foresight | None = None  # of what the daemon does not look at
    watcher: SpotWatcher = _NOBODY
    references: SpotReferences | None = None  # other venues that say what it is worth


class SpotDesk:
    """The loop and what it remembers between turns."""

    def __init__(self, charter: SpotCharter, world: SpotWorld) -> None:
        self._charter, self._world = charter, world
        self._orders = SpotOrders(world.venue, world.recorder, lambda: world.recorder.book.spot)
        self._sales = Sales(world.recorder.book.spot, self._tell_unsold)
        world.recorder.listen(self._sales.hear)
        self._newest: Ticked | None = None
        self._judged: Ticked | None = None  # the last that was decided from
        self._market: SpotMarket | None = None
        self._purses: Mapping[str, Purse] = {}
        self._read_at: int | None = None  # chain time of the last reading of rules and purses
        self._asked_at = 0  # chain time of the last question whether to buy
        self._failures = 0
        self._said: set[str] = set()
        self._change: Callable[[], None] | None = None  # of the account, before the next turn
        self._rung = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until `stop` is set.

        Raises:
            JournalError: nothing can be made durable any more.
        """
        listening = asyncio.create_task(self._listen())
        try:
            while not stop.is_set():
                if listening.done():  # it never ends but by a bug
                    listening.result()
                await self._sleep(await self._patient_turn(), stop)
            await self._end()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            if self._world.references is not None:
                await self._world.references.close()

    def change_account(self, change: Callable[[], None]) -> None:
        """Have `change` put another account in the place of ours, between two turns."""
        self._change = change
        self._rung.set()

    def _changed(self) -> None:
        """Trade for another account from here on, or go on as before and say why."""
        change, self._change = self._change, None
        if change is None:
            return
        try:
            change()
        except LeverdError as error:
            self._tell(error.code, f"the account stays as it is: {error.told}")
        else:
            self._read_at = None  # its purses are others
            logger.info("spot is traded for {} from here on", self._world.venue.account)

    async def _listen(self) -> None:
        """Keep the newest block; what breaks off is begun anew, however often."""
        failures, code = 0, ""
        while True:
            try:
                async with self._world.venue.watch(self._charter.limits.market_id) as ticks:
                    async for tick in ticks:
                        self._said.discard(code)
                        self._newest, failures = tick, 0
                        self._rung.set()
            except (UnreachableError, NonsenseError) as error:
                code = error.code
                self._tell(code, error.told)
            failures += 1
            await self._world.clock.sleep(_backoff(failures))

    async def _patient_turn(self) -> float:
        """Take a turn; return wall seconds to wait at most. An outage is waited out, and said."""
        try:
            wait = await self._turn()
        except (UnreachableError, NonsenseError) as error:
            self._failures += 1
            self._tell(error.code, error.told)
            return _backoff(self._failures)
        if self._failures:
            self._failures = 0
            self._said.clear()
        return wait

    async def _turn(self) -> float:
        self._changed()
        tick = self._newest
        if tick is None:
            return _IDLE_S
        at = tick.at_ms // 1000
        if self._world.references is not None:
            self._world.references.ask()
        await self._orders.tend(at, signs=self._may_sign)
        self._say_unknown(tick)
        if self._orders.in_flight:
            return _TEND_S
        if self._judged is not None and tick.block <= self._judged.block:
            return _IDLE_S
        seen = await self._seen(tick, None if self._judged is None else self._judged.depth)
        self._judged = tick
        await self._note(seen, at)
        await self._decide(seen, at)
        now = self._world.clock.now()
        self._world.beat(now)
        self._world.watcher.looked(sighted(seen, now))
        return _IDLE_S if self._spot.order is None else _TEND_S

    async def _seen(self, tick: Ticked, before: Depth | None, *, anew: bool = False) -> Seen:
        """Return the block, `before` the look before it, with rules and purses.

        Those are read as often as purchases are thought of, or `anew`.
        """
        at = tick.at_ms // 1000
        old = self._read_at is None or at >= self._read_at + self._charter.limits.update_interval_s
        if self._market is None or old or anew:
            self._market = await self._world.venue.market(self._charter.limits.market_id)
            self._purses = _less(await self._world.venue.purses(), self._charter.reserve)
            self._read_at = at
        seen, references = Seen(tick, before, self._market, self._purses), self._world.references
        if references is None:
            return seen
        return changed(seen, quotes=references.said(), quotes_before=references.before())

    async def _note(self, seen: Seen, at: int) -> None:
        """Journal what the look makes known: what was predicted, what it is all worth."""
        world, charter = self._world, self._charter
        begun = opened(self._spot, self._home)
        if begun is not None:
            await world.recorder.append(begun, chain_at=at)
        if world.foresight is not None:
            facts = foreseen(world.foresight, charter.subject, seen, world.recorder.book)
            if facts:
                await world.recorder.append(*facts, chain_at=at)
        rest = written_off(self._view(seen))
        if rest is not None:
            await world.recorder.append(rest, chain_at=at)
            logger.warning("spot: {} is written off: {}", of_atto(rest.base), rest.reason)
        worth = marks(world.recorder.book.spot, seen, charter.limits, at)
        if not worth:
            return
        await world.recorder.append(*worth, chain_at=at)
        for each in worth:
            if isinstance(each, SpotStopped):
                self._alert(STOPPED, each.reason)

    async def _decide(self, seen: Seen, at: int) -> None:
        """Ask the agent: at each block of what is held, and at the owner's pace of a purchase."""
        world, limits = self._world, self._charter.limits
        may_buy = at >= self._asked_at + limits.update_interval_s
        if not may_buy and not self._spot.base:
            return
        decision = world.agent.decide(self._view(seen))
        if not may_buy and isinstance(decision, Enter):
            return
        self._asked_at = at if may_buy else self._asked_at
        if not isinstance(decision, Stay) and at < self._spot.may_try_at():
            decision = Stay("patience", "the last order traded nothing; a moment is waited")
        if not isinstance(decision, Stay):
            # Money is decided about from what is so now, not from what was read a while ago.
            seen = await self._seen(seen.tick, seen.before, anew=True)
            decision = world.agent.decide(self._view(seen))
        view = self._view(seen)
        verdict = None if isinstance(decision, Stay) else review(decision, view, limits)
        fair = fair_of(view, limits)
        said = decided(self._spot.decided, world.agent.name, decision, verdict, view, fair)
        if said is not None:
            await world.recorder.append(said, chain_at=at)
            logger.info("spot {} {}: {}", said.decision, said.code, said.reason)
        if isinstance(verdict, ApprovedOrder):
            self._read_at = None  # it changes what we have
            await self._orders.place(verdict)
        elif isinstance(verdict, DeniedOrder) and isinstance(decision, Exit):
            self._sales.came_to_nothing(f"it is denied: {', '.join(verdict.reasons)}")

    def _view(self, seen: Seen) -> SpotView:
        return picture(
            seen, self._world.recorder.book, self._charter.subject, self._world.clock.now()
        )

    @property
    def _may_sign(self) -> bool:
        """Whether the owner lets anything be signed at all."""
        record = self._world.recorder.book.page(SPOT).record
        return record.trading_state is not TradingState.HALTED

    @property
    def _home(self) -> SpotHome:
        charter, account = self._charter, self._world.venue.account
        return SpotHome(account, charter.limits.market_id, charter.chain_id, charter.subaccount)

    @property
    def _spot(self) -> Spot:
        return self._world.recorder.book.spot

    def _say_unknown(self, tick: Ticked) -> None:
        """Say once that an order was lost, or that nobody knows what became of it."""
        spot = self._spot
        lost = spot.stop(LOST)
        if lost is not None:
            self._tell(ORDER_LOST, f"{lost.reason}; nothing is ordered until `leverd resume spot`")
        placed = None if spot.order is None else spot.order.placed
        if placed is not None and tick.block > placed.dead_after + _UNKNOWN_BLOCKS:
            self._tell(UNKNOWN, f"nobody tells what became of order {placed.cid}; it is waited for")

    def _tell_unsold(self, text: str) -> None:
        logger.error("spot: {} {}", UNSOLD, text)
        self._alert(UNSOLD, text)

    def _tell(self, code: str, text: str) -> None:
        """Say something, to a human too the first time."""
        logger.warning("spot: {} {}", code, text)
        if code not in self._said:
            self._said.add(code)
            self._alert(code, text)

    def _alert(self, code: str, text: str) -> None:
        self._world.notifier.notify(AlertRaised(SPOT, code, text))

    async def _sleep(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait on our clock, but no longer than until a block comes or `stop` is set."""
        async with asyncio.TaskGroup() as group:
            nap = group.create_task(self._world.clock.sleep(seconds))
            bells = [group.create_task(each.wait()) for each in (stop, self._rung)]
            await asyncio.wait((nap, *bells), return_when=asyncio.FIRST_COMPLETED)
            for task in (nap, *bells):
                task.cancel()
        self._rung.clear()

    async def _end(self) -> None:
        """Settle what is in flight within the grace, and say what is left."""
        clock = self._world.clock
        deadline = clock.monotonic() + self._charter.stop_grace_s
        while self._orders.in_flight and self._newest is not None and clock.monotonic() < deadline:
            try:
                await self._orders.tend(self._newest.at_ms // 1000, signs=self._may_sign)
            except JournalError as error:
                logger.error("while stopping: {}", error)
                break  # nothing that is found out can be written down any more
            except LeverdError as error:
                logger.warning("while stopping: {}", error)
            if self._orders.in_flight:
                await clock.sleep(_TEND_S)
        if self._world.foresight is not None:
            self._world.foresight.close()
        if self._orders.in_flight:
            logger.warning("left unsettled: an order; the next start settles it first")
        if self._spot.base:
            logger.warning("left unguarded: {} held on the book", of_atto(self._spot.base))


def _less(purses: Mapping[str, Purse], reserve: Mapping[str, int]) -> Mapping[str, Purse]:
    """Return purses without what fees may need."""
    return {
        denom: Purse(purse.total, max(purse.available - reserve.get(denom, 0), 0))
        for denom, purse in purses.items()
    }


def _backoff(failures: int) -> float:
    return min(_BACKOFF_S_FIRST * float(2 ** min(failures - 1, 8)), _BACKOFF_S_MAX)
