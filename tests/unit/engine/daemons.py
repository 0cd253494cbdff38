"""A whole daemon on a chain in memory: real engine, gate, planner and executor."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests import worlds
from tests.limits import TIMING, limits
from tests.simulated import venue_at

from leverd.adapters.simulated.clock import SimulatedClock
from leverd.adapters.simulated.memory_journal import MemoryJournal, MemoryRequests
from leverd.agents import guardian, leverage_loop
from leverd.bootstrap.daemon import ways
from leverd.domain.valuation import leverage
from leverd.engine.daemon import Charter, Daemon, World
from leverd.engine.memory_guard import MemoryGuard
from leverd.engine.pace import Pace
from leverd.engine.recorder import Recorder
from leverd.engine.turn import Seat
from leverd.execution.executor import Executor
from leverd.interfaces.supervisor import Alone

LOOP = leverage_loop.Params(
    target=Decimal("2.5"),
    boost_below=Decimal("2.2"),
    repay_above=Decimal("2.8"),
    change_min=Decimal("0.1"),
    wait_s_min=600,
)
GUARD = guardian.Params(target=Decimal("2.5"), band_high=Decimal("2.8"))


class Told:
    """A notifier that remembers."""

    def __init__(self):
        self.alerts = []

    def notify(self, alert):
        self.alerts.append(alert)

    @property
    def codes(self):
        return [alert.code for alert in self.alerts]


class Stage:
    """One daemon, everything around it in memory, and a clock that mines."""

    def __init__(
        self, state=None, *, more=(), faults=None, market=None, memory=None, terms=None, **bounds
    ):
        self.venue = venue_at(state, more=more, faults=faults, **(terms or {}))
        self.mandates = [worlds.mandate(), *(each.position.mandate for each in more)]
        self.chain = self.venue.chain
        self.clock = SimulatedClock(self.chain, market)
        self.journal = MemoryJournal(self.clock)
        self.requests, self.told, self.beats = MemoryRequests(), Told(), []
        self.bounds, self.memory = bounds, memory or MemoryGuard(10**6, 10**6)
        self.supervisor = Alone()
        self.tuner = None
        self.foresight, self.loop = None, LOOP
        self.seats = {}  # by position, where they are not a guardian and a loop

    def daemon(self) -> Daemon:
        recorder = Recorder(self.journal)
        marking = ways(recorder, worlds.WETH, "test")
        executor = Executor(self.venue, recorder, self.mandates, marking)
        seats = [
            Seat(guardian.Guardian(GUARD), guards=True),
            Seat(leverage_loop.LeverageLoop(self.loop), guards=False),
        ]
        charter = Charter(
            version="0",
            mode="devnet",
            settings_hash="0",
            mandates=self.mandates,
            seats={each.position_id: seats for each in self.mandates} | self.seats,
            limits=limits(**self.bounds),
            timing=TIMING,
            pace=Pace(60, 12),
            speed=1.0,
            stop_grace_s=120.0,
        )
        world = World(
            self.clock,
            self.venue,
            recorder,
            self.requests,
            self.told,
            executor,
            self.memory,
            self.beats.append,
            supervisor=self.supervisor,
            tuner=self.tuner,
            foresight=self.foresight,
        )
        return Daemon(charter, world)

    async def live(self, turns) -> str:
        """Run a fresh daemon for `turns` turns; return why it ended."""
        daemon, stop = self.daemon(), asyncio.Event()
        patient, left = daemon._patient_turn, [turns]

        async def counted():
            left[0] -= 1
            if left[0] <= 0:
                stop.set()
            return await patient()

        daemon._patient_turn = counted  # type: ignore[method-assign]  # counts, then stops
        return await daemon.run(stop)

    def events(self, *kinds):
        return [entry.event for entry in self.journal.replay() if isinstance(entry.event, kinds)]

    @property
    def state(self):
        return self.chain.head.ledger.state(worlds.mandate())

    @property
    def leverage(self):
        return leverage(self.state)

    @property
    def owes(self):
        return any(self.state.position.loan.debts.values())
