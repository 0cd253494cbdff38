"""One schedule: a world on a virtual loop, and one life of the daemon after another in it."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from random import Random

from tests import simulated
from tests.simulation import happenings, rest
from tests.simulation.clock import LifeClock, LoopClock
from tests.simulation.disk import DiskJournal
from tests.simulation.draws import Fault
from tests.simulation.life import Life
from tests.simulation.market import Market
from tests.simulation.nodes import Nodes
from tests.simulation.referee import Referee
from tests.simulation.settings import (
    FALL,
    FALL_STEPWISE,
    GUARD,
    LOOP,
    PACE,
    TIMING,
    beginning,
    mandates,
    signed_off,
)
from tests.simulation.transport import SimulatedNetwork
from tests.worlds import NOON, WETH

from leverd.adapters.simulated.chain import BLOCK_S
from leverd.adapters.simulated.memory_journal import MemoryRequests
from leverd.agents import guardian, leverage_loop
from leverd.bootstrap.daemon import ways
from leverd.domain.view import TradingState
from leverd.engine.charter import Charter, World
from leverd.engine.daemon import Daemon
from leverd.engine.recorder import Recorder
from leverd.engine.turn import Seat
from leverd.errors import JournalDamagedError, JournalError, RefusedError
from leverd.execution.executor import Executor
from leverd.execution.slots import Policy
from leverd.interfaces.requests import RequestKind

CALM_S = 1800
"""Chain seconds of calm in which a position must be where it should."""

_FUNDS = 100 * 10**18
_ALL = 10**9


class Easy:
    """A memory guard of a machine with memory."""

    def check(self):
        return None


class Silent:
    """A notifier that remembers how many alerts were told."""

    def __init__(self):
        self.codes = Counter()

    def notify(self, alert):
        self.codes[alert.code] += 1


class Letters(MemoryRequests):
    """A letter box that a process can die at."""

    life = Life()

    def pending_quietly(self):
        """Return what waits, whoever asks."""
        return super().pending()

    def pending(self):
        self.life.step("requests")
        return super().pending()

    def taken(self, request_id):
        self.life.step("taken")
        super().taken(request_id)


class Stage:
    """Everything of one schedule."""

    def __init__(self, draw, loop, disk_of, tell=None):
        self.draw, self.loop, self._tell = draw, loop, tell
        self.dice = draw.dice
        self.noise = Random(draw.noise + 1)  # for what the world does whoever asks
        self.faults: Counter[Fault] = Counter()
        self.clock = LoopClock(loop)
        self.mandates = mandates(draw.accounts)
        self.limits = signed_off(draw)
        self.chain = self._chain()
        self.nodes, self.market = Nodes(self.chain), Market(FALL if draw.atomic else FALL_STEPWISE)
        self.chances, self.forgets = dict(draw.chances), draw.forgets
        self.full = self.disk_slow = self.stalled = self.calm = False
        self.strangers = self.nonce_highest = self.resumes = self.turns = 0
        self.final_highest = 1
        self.referee = Referee(self)
        self.letters, self.told, self.memory = Letters(), Silent(), Easy()
        self.disk = disk_of(self)
        self.life, self.network, self._task, self._stop = Life(), None, None, None
        self.executor = self.recorder = self.journal = None
        self._fuses = list(draw.fuses)
        self._disturbed_until = 0.0
        self._over = False
        self._rested = 0

    # telling

    def story(self, text):
        """Add a line to what is told about this schedule, if anybody listens."""
        if self._tell is not None:
            self._tell(f"{self.loop.time():8.1f} s  block {self.chain.head.number:4d}  {text}")

    def count(self, fault, text):
        """Count a fault that really happened."""
        self.faults[fault] += 1
        self.disturb(happenings.RECOVERY_S)
        self.story(f"FAULT {fault}: {text}")

    def mandate(self, position_id):
        return next(each for each in self.mandates if each.position_id == position_id)

    def baffled(self, mismatch):
        """Whether a step could not be verified because its node told nonsense, which is said."""
        return not mismatch.expected and not mismatch.found and self.faults[Fault.NONSENSE] > 2

    def seen(self):
        return self.network.last_seen

    # what is able

    def disturb(self, seconds):
        """Note that the daemon cannot be expected to act for `seconds`."""
        self._disturbed_until = max(self._disturbed_until, self.loop.time() + seconds)

    def able(self, position_id=""):
        """Whether the daemon lives and nothing stands between it and the chain."""
        halted = self.draw.wish == "halt" and not self.calm
        record = self.referee.book.page(position_id).record
        return (
            not halted
            and record.trading_state is not TradingState.HALTED
            and self.loop.time() >= self._disturbed_until
            and self._task is not None
        )

    # the run

    async def play(self):
        """Run the whole schedule."""
        self.loop.set_exception_handler(self._fell)
        self.loop.call_later(BLOCK_S, self._block)
        for each in self.draw.happenings:
            self.loop.call_later(each.at, self._happen, each)
        if self.draw.wish:
            self.loop.call_later(self.draw.wish_at, self._wish)
        self.loop.call_later(self.draw.storm_s, self._calm_down)
        while not self._over:
            await self._live()
            if not self._over:
                await asyncio.sleep(self.dice.uniform(1, 30))

    async def _live(self):
        """Run the daemon from a start to whatever ends it."""
        self.life = Life(self._fuses.pop(0) if self._fuses and not self.calm else 0)
        self._stop = asyncio.Event()
        journal = None
        try:
            journal = DiskJournal(self, self.life, self.disk)
            self.referee.reopened(journal.inner.replay())
            self.journal = journal.inner
            self._task = self.loop.create_task(self._daemon(journal).run(self._stop))
            self.story("a daemon starts")
            await asyncio.wait([self._task])
            self._judge_end(self._task)
        except JournalDamagedError as error:
            self._damaged(error)
        finally:
            self._task = None
            self._end_life(journal)

    def _fell(self, _loop, context):
        """Take a bug of this simulation for what it is."""
        error = context.get("exception")
        lines = "".join(traceback.format_exception(error)) if error else context["message"]
        self.referee.fail(f"the simulation fell over a bug: {lines}")
        self._finish()

    def _judge_end(self, task):
        """Say why a life ended; a bug is a violation."""
        error = None if task.cancelled() else task.exception()
        if self.life.dead:
            self.count(Fault.DEATH, f"at {self.life.where}")
        elif isinstance(error, JournalDamagedError):
            self._damaged(error)
        elif isinstance(error, JournalError):
            self.story(f"the daemon ends: {error}")
            rest.check_books(self)
        elif error is not None:
            lines = "".join(traceback.format_exception(error))
            self.referee.fail(f"the daemon fell over a bug: {lines}")
            self._over = True
        else:
            self.story(f"the daemon stops: {task.result()}")
            rest.check_books(self)

    def _damaged(self, error):
        self.story(f"the journal is damaged: {error}")
        if not self.referee.amnesia:
            self.referee.fail(f"a sound journal counts as damaged: {error}")
            self._over = True
        self._mend = True

    _mend = False

    def _end_life(self, journal):
        if journal is not None and self.life.dead:
            self.disk.crash(journal.inner, journal.torn_from)
        elif journal is not None:
            self.disk.let_go(journal.inner)
        if self._mend:
            self._mend = False
            self.disk.mend()
            self.forgets = None

    def _daemon(self, journal):
        life = self.life
        clock = LifeClock(self.clock, life)
        self.network = SimulatedNetwork(self, life)
        self.recorder = Recorder(journal)
        marking = ways(self.recorder, WETH, "simulated")
        policy = Policy(relay_blocks=self.draw.relay_blocks)
        self.executor = Executor(self.network, self.recorder, self.mandates, marking, policy)
        self.letters.life = life
        seats = (
            Seat(guardian.Guardian(GUARD), guards=True),
            Seat(leverage_loop.LeverageLoop(LOOP), guards=False),
        )
        charter = Charter(
            version="0",
            mode="live" if self.draw.live else "devnet",
            settings_hash="0",
            mandates=self.mandates,
            seats={mandate.position_id: seats for mandate in self.mandates},
            limits=self.limits,
            timing=TIMING,
            pace=PACE,
            speed=1.0,
            stop_grace_s=30.0,
        )
        world = World(
            clock,
            self.network,
            self.recorder,
            self.letters,
            self.told,
            self.executor,
            self.memory,
            self._beat,
        )
        return Daemon(charter, world)

    def _beat(self, _at):
        self.turns += 1

    # what happens to it

    def kill(self, where):
        """End the process at whatever it awaits."""
        if self._task is not None and not self.calm:
            self.life.die(where)
            self._task.cancel()

    def stop_life(self):
        """Ask the process to stop; it is started again."""
        if self._stop is not None:
            self._stop.set()

    def flow(self):
        self.stalled = False

    def hurry(self):
        self.chain.delay_blocks = 1

    def cool(self):
        self.chain.base_fee = happenings.CALM_FEE

    def speed_up(self):
        self.disk_slow = False

    def fill_pool(self):
        self.market.depth, self.market.gap = 10**21, self.market.gap * 0
        self.chain.change(*self.market.changes())

    def deliver(self, sent, *, strictly=False):
        """Bring a payload to the chain, in whatever order it comes."""
        try:
            self.chain.send(sent)
        except RefusedError as error:
            self.story(f"the pool refuses slot {sent.nonce}: {error}")
            if strictly:
                raise

    def _happen(self, happening):
        if self.calm:
            return
        ends = happenings.begin(self, happening)
        if ends is not None:
            self.loop.call_later(happening.lasts, self._put_right, ends)

    def _put_right(self, ends):
        ends()
        self.disturb(happenings.RECOVERY_S)

    def _wish(self):
        self.letters.put(RequestKind(self.draw.wish), "", "cli")
        self.story(f"the owner says {self.draw.wish}")

    def _calm_down(self):
        """Put everything right that the storm did."""
        self.calm, self.calm_since = True, self.loop.time()
        self.chances, self.life.left, self.clock.skew = {}, 0, 0.0
        self.nodes.catch_up()
        self.chain.states_max = _ALL
        for mend in (self.flow, self.hurry, self.cool, self.speed_up, self.fill_pool):
            mend()
        self.disk.empty()
        self.disturb(happenings.RECOVERY_S)
        self.story("the world calms down")
        if self.draw.wish in {"pause", "reduce", "halt"}:
            self.letters.put(RequestKind.RESUME, "", "cli")

    # blocks

    def _block(self):
        if self._over and self._task is None:
            return
        self.loop.call_later(BLOCK_S, self._block)  # also while the daemon settles at its end
        self.market.passes(BLOCK_S, able=self.able())
        if self.stalled:
            return
        if not self.calm and self.noise.random() < 0.25:
            self.market.move(f"{self.noise.gauss(0, 0.003):.5f}")
            self.chain.change(*self.market.changes())
        elif self.calm and self.noise.random() < 0.1:
            self.chain.change(*self.market.changes())
        self.chain.mine(seconds=NOON + round(self.loop.time()) - self.chain.head.ledger.at)
        head = self.chain.head
        self.nonce_highest = max(self.nonce_highest, head.ledger.nonce)
        self.final_highest = max(self.final_highest, self.chain.final_number)
        for each in head.mined:
            found = each.inclusion
            self.story(f"mined slot {each.sent.nonce}: {found.reason or 'done'}")
            if self.chain.delay_blocks > 1 or not found.succeeded:
                self.disturb(happenings.RECOVERY_S)
        if self.chain.delay_blocks > 1 or self.market.depth < 10**21 or self.market.gap:
            self.disturb(happenings.RECOVERY_S)
        self.referee.mined(head)
        if self.calm and not self._over:
            self._settle_down()
        if self.referee.violations:
            self._finish()

    def _settle_down(self):
        """Let the owner resume what only an owner may, and end once all is as it should be."""
        waited = self.loop.time() - self.calm_since
        rest.resume_if_needed(self, waited)
        self._rested = self._rested + 1 if not rest.missing(self) else 0
        if self._rested == 2:
            self.story("everything is where it should be")
            self._finish()
        elif waited > CALM_S and self._rested == 0:
            self.referee.fail(f"never at rest: {rest.missing(self)}")

    def _finish(self):
        self._over = True
        if self._stop is not None:
            self._stop.set()

    def _chain(self):
        states = [beginning(mandate, self.draw.leverage) for mandate in self.mandates]
        chain = simulated.chain_at(
            states[0], more=states[1:], base_fee=happenings.CALM_FEE, final_depth=2
        )
        first = chain.blocks[0]
        rich = type(first.ledger)(
            NOON,
            first.ledger.lending,
            first.ledger.pools,
            first.ledger.holders,
            0,
            _FUNDS,
        )
        chain.blocks[0] = type(first)(first.number, first.block_hash, rich)
        chain.states_max = self.draw.states_max or _ALL
        return chain
