"""A long, ordinary life: the shipped daemon in a market that moves, and the odd lost answer.

The stage of tests/simulation without its storms and without its referee, who remembers
everything: here whatever grows is the daemon's own. The journal is SQLite on a file, the log
is the shipped one on a file, and wishes come through the journal's own letter box.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from loguru import logger
from tests.simulation.disk import SqlDisk
from tests.simulation.draws import Draw, Fault
from tests.simulation.loop import VirtualLoop
from tests.simulation.settings import EQUITY, worth
from tests.simulation.stage import Stage
from tests.worlds import NOON, WETH

from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.simulated import markets
from leverd.adapters.simulated.chain import BLOCK_S
from leverd.adapters.sql_journal import Heartbeat, SqlRequests
from leverd.cli.logs import set_up
from leverd.engine.memory_guard import MemoryGuard
from leverd.interfaces.requests import RequestKind
from leverd.settings.models import LogsSection

BLOCKS_KEPT = 64
"""What the chain remembers; more than anything here reaches back."""

_DAY_BLOCKS = 7_200
_PAUSED_BLOCKS = 50
_STEP, _HOME, _PULL = 0.0008, 3_000, 0.0002
"""A block's price move, and how it is drawn back to where it began: some 7 % a day."""

_CHANCES = {
    Fault.UNREACHABLE: 0.001,
    Fault.ANSWER_LOST: 0.001,
    Fault.DELAYED: 0.001,
    Fault.NONSENSE: 0.0005,
    Fault.SEND_DOUBLED: 0.02,
    Fault.HALF: 0.01,
}


def draw(seed: int) -> Draw:
    """Return the beginning of a soak: nothing timed goes wrong, single calls now and then."""
    return Draw(
        seed=seed,
        sql=True,
        live=True,
        atomic=True,
        accounts=1,
        leverage="",
        storm_s=1,
        chances=dict(_CHANCES),
        happenings=(),
        fuses=(),
        tears=False,
        forgets=None,
        wish="",
        wish_at=0.0,
        stop_at_drop="0.9",
        noise=seed,
    )


class Bystander:
    """In the referee's place: sees everything and remembers nothing."""

    amnesia = False

    def __init__(self):
        self.violations: list[str] = []

    def fail(self, what):
        self.violations.append(what)

    def __getattr__(self, name):
        return _ignore


def _ignore(*_args, **_kwargs):
    """Do nothing."""


class Soak(Stage):
    """The world kept in `folder`, and a life of `turns` turns in it."""

    def __init__(self, folder: Path, seed: int, turns: int):
        loop = VirtualLoop()
        super().__init__(draw(seed), loop, partial(_disk, folder))
        self.referee = Bystander()
        self.walk = Random(seed)
        self.wanted, self.each_turn = turns, _ignore
        self.path = journal(folder)
        self.told, self.memory = LogNotifier(), MemoryGuard(1_000, 2_000)
        self._heart = Heartbeat(self.path)
        self._kept = folder / "world.pickle"
        self._go_on()
        set_up(LogsSection(file=str(folder / "logs" / "leverd.log"), console=False))

    def live(self):
        """Live once, check that the journal replays to what was known, and keep the world."""
        try:
            self.loop.run_until_complete(self.play())
        finally:
            logger.remove()
            self.loop.close()
        self._kept.write_bytes(pickle.dumps(self._world()))

    async def play(self):
        """Run the daemon from a start to a stop."""
        self.loop.set_exception_handler(self._fell)
        self._block()
        await self._live()
        self.letters.close()

    def able(self, position_id=""):
        return True

    def _world(self):
        market = (self.market.price, self.market._recent, self.market._able_s)
        bare = [replace(block, mined=(), changes=()) for block in self.chain.blocks]
        return self.loop.time(), bare, market, self.walk.getstate()

    def _go_on(self):
        if not self._kept.exists():
            return
        self.loop._moment, blocks, market, walk = pickle.loads(self._kept.read_bytes())
        self.chain.blocks[:] = blocks
        self.market.price, self.market._recent, self.market._able_s = market
        self.walk.setstate(walk)

    def _daemon(self, journal):
        self.letters = SqlRequests(self.path, self.clock)
        return super()._daemon(journal)

    def _beat(self, at):
        self._heart.beat(at)
        self.turns += 1
        if self.turns <= self.wanted:
            self.each_turn()
        if self.turns >= self.wanted and not self.recorder.book.slots:
            self._finish()  # nothing is left that a block of before would have to tell

    def _block(self):
        if self._over:
            return
        self.loop.call_later(BLOCK_S, self._block)
        drift = (_HOME - float(self.market.price)) / _HOME * _PULL
        if self.market.move(f"{self.walk.gauss(drift, _STEP):.6f}"):
            self.chain.change(*self.market.changes())
        self._owner()
        self.chain.mine(seconds=NOON + round(self.loop.time()) - self.chain.head.ledger.at)
        del self.chain.blocks[:-BLOCKS_KEPT]
        self.market.passes(BLOCK_S, able=True)

    def _owner(self):
        """Once a day the owner makes good what trading cost, and pauses for a while."""
        since = self.chain.head.number % _DAY_BLOCKS
        if since == _PAUSED_BLOCKS:
            self.letters.put(RequestKind.PAUSE, "", "cli")
        elif since == 2 * _PAUSED_BLOCKS:
            self.letters.put(RequestKind.RESUME, "", "cli")
            self._top_up()

    def _top_up(self):
        state = self.chain.head.ledger.state(self.mandates[0])
        held = worth(state) * WETH.unit // state.market.reserves[WETH].price
        lacks = EQUITY * WETH.unit - held
        if lacks > WETH.unit:
            self.chain.change(markets.given(self.mandates[0].account, WETH, lacks))
        self.chain.change(_refuelled)


def journal(folder: Path) -> Path:
    """Return where the journal of a soak in `folder` is."""
    return folder / "var" / "journal.db"


def _refuelled(ledger):
    return replace(ledger, native=100 * 10**18)


def _disk(folder, stage):
    return KeptDisk(stage, folder / "var")


class KeptDisk(SqlDisk):
    """The disk of one folder, whatever was there before."""

    def __init__(self, stage, folder):
        self._stage, self._folder, self._reserve = stage, folder, None
        folder.mkdir(parents=True, exist_ok=True)
