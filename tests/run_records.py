"""Run records for tests: a small replay of the real turn, planner, gate and accounting.

A seeded price walks hour by hour over one of tests.worlds' markets; each approved step does
what `apply` says, and the marks around it are the daemon's own. Nothing here is a backtest: it
has no delay, no failure and no liquidator of its own, so tests add those by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random

import numpy as np
from tests import worlds
from tests.limits import TIMING, limits

from leverd.agents import guardian, leverage_loop
from leverd.backtest.run_record import Band, Curve, RunRecord
from leverd.domain import loans, side, valuation
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.decision import Unwind
from leverd.domain.events import DaemonStarted
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.domain.state import State
from leverd.domain.step_text import to_text
from leverd.domain.view import Stamp
from leverd.engine import accounting, diary, planner
from leverd.engine.book import Book, record_of
from leverd.engine.collect import snapshot_of
from leverd.engine.state import fold
from leverd.engine.turn import Seat, terms_of, turn
from leverd.execution.verify import StepDone, fills_out
from leverd.interfaces.journal import Entry
from leverd.interfaces.venue import Inclusion
from leverd.risk.gate import Approved

HOUR = 3600
GAS = 400_000
NAME = "loop"
LIMITS = limits(
    position_usd_max=Decimal(10_000_000), trades_day_max=1_000, cost_share_max=Decimal("0.05")
)
LOOP = leverage_loop.Params(
    target=Decimal("2.5"), boost_below=Decimal("2.2"), repay_above=Decimal("2.8"),
    change_min=Decimal("0.1"), wait_s_min=HOUR, cost_share_max=Decimal("0.05"),
)  # fmt: skip
GUARD = guardian.Params(
    target=Decimal("2.5"), band_high=Decimal("2.8"), deleverage_below=Decimal("1.2")
)
SEATS = (
    Seat(guardian.AGENT.make(GUARD), guards=True),
    Seat(leverage_loop.AGENT.make(LOOP), guards=False),
)
BAND = Band(Decimal("2.2"), Decimal("2.8"), Decimal("2.5"), Decimal("1.2"))
MODELS = {"fills": "at the pool's own price", "inclusion": "in the next block"}


@dataclass
class Replay:
    """Writes entries as a daemon would, for one position in memory."""

    state: State = field(default_factory=lambda: worlds.state(idle=10))
    entries: list[Entry] = field(default_factory=list)
    rows: list[tuple[float, ...]] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    diary: diary.Diary = field(default_factory=diary.Diary)
    nonce: int = 0
    block: int = 100
    low: float = np.inf

    def write(self, *events, at=0):
        for event in events:
            seq = len(self.entries) + 1
            written = datetime.fromtimestamp(worlds.NOON, UTC) + timedelta(seconds=seq)
            self.entries.append(Entry(seq, written, at, event))
            self.book = fold(self.book, event, at)

    def go_to(self, at, price):
        """Move time and prices on; the pool is brought to the oracle's price."""
        market = self.state.market
        weth = replace(market.reserves[worlds.WETH], price=int(price * 10**8))
        market = replace(market, reserves={**market.reserves, worlds.WETH: weth})
        self.block += max((at - self.state.at) // 12, 1)
        self.state = replace(
            self.state, at=at, lending={"aave": market}, pools={"weth-usdc": worlds.pool(price)}
        )

    def look(self, *, act=True):
        """Take one turn, mark what is due, and add a row to the curve."""
        state = self.state
        stamp = self.stamp(state.at)
        page = self.book.page(NAME)
        if accounting.is_due(page, state.at):
            self.write(accounting.mark(page, state, stamp, 3000 * 10**8), at=state.at)
        if act:
            view = worlds.view(state, record=record_of(self.book, NAME, state.at))
            outcome = turn(replace(view, stamp=stamp), SEATS, LIMITS, TIMING, age_s=0)
            self.diary, events = diary.write(self.diary, outcome)
            self.write(*events, at=state.at)
            if isinstance(outcome.verdict, Approved):
                self.carry_out(outcome.plan, stamp)
        self.row()

    def unwind(self):
        """Close everything, as the owner may ask; then look once more."""
        stamp = self.stamp(self.state.at)
        wish = Unwind("owner", "the owner asked to unwind")
        view = replace(worlds.view(self.state), stamp=stamp)
        self.carry_out(planner.plan(wish, view, terms_of(view, LIMITS, TIMING)), stamp)
        self.row()

    def carry_out(self, plan, stamp):
        steps = tuple(f"{step.kind}" for step in plan.steps)
        cost, snapshot = plan.cost.total, snapshot_of(self.state, stamp)
        approved = PlanApproved(
            plan.plan_id, NAME, plan.purpose, plan.reason, steps, cost, snapshot
        )
        self.write(approved, at=stamp.at)
        for number, step in enumerate(plan.steps):
            self.step(plan, number, step)

    def step(self, plan, number, step):
        before = replace(self.state, at=self.state.at + 12)
        at, self.block, self.nonce = before.at, self.block + 2, self.nonce + 1
        own = self.stamp(at)
        tx_hash, price = f"0x{self.nonce:064x}", 20 * worlds.GWEI
        fills = modelled_fills(before, step, at)
        after = apply_step(before, step, fills)
        mined = Inclusion(tx_hash, self.block, own.block_hash, at, True, "", GAS, price)
        attempt = AttemptSigned(
            self.nonce, "0xme", plan.plan_id, NAME, number, "act", tx_hash, "", GAS,
            30 * worlds.GWEI, worlds.GWEI, at + 600, step_text=to_text(step),
        )  # fmt: skip
        included = SlotIncluded(
            self.nonce, "0xme", tx_hash, self.block, own.block_hash, at, True, "", GAS, price
        )
        snapshot = snapshot_of(after, own)
        done = StepDone(step, fills, before, after, mined)
        first, last = accounting.marks_around(self.book.page(NAME), done, worlds.WETH, "test")
        verified = StepVerified(plan.plan_id, NAME, number, tx_hash, fills_out(fills), snapshot)
        over = number + 1 == len(plan.steps)
        ended = [PlanCompleted(plan.plan_id, NAME, snapshot, {})] if over else []
        self.write(attempt, at=at)
        self.write(included, verified, first, *ended, last, at=at)
        self.state = after

    def stamp(self, at):
        received = datetime.fromtimestamp(at, UTC)
        return Stamp("test", self.block, f"0x{self.block:x}", at, received)

    def row(self):
        state = self.state
        summary = loans.summarise(state.market, state.position.loan, state.at)
        health = np.inf if summary.health >= INFINITE_HEALTH else summary.health / 1e18
        equity = valuation.equity_in_share_class(state) / 1e8
        price = float(side.price(state))
        marked = self.book.page(NAME).record
        unit = marked.unit_price * equity / marked.marked_equity
        self.rows.append((
            state.at, price, equity, unit, 10 * price,
            float(valuation.leverage(state)), float(valuation.leverage(state)), health,
            health * 0.995,
        ))  # fmt: skip

    def record(self, **changes) -> RunRecord:
        ts, *columns = (np.array(each) for each in zip(*self.rows, strict=True))
        columns[2] = columns[2] / (columns[2][0] or 1.0)
        names = [each.name for each in fields(Curve)][1:]
        line = Curve(ts.astype(np.int64), **dict(zip(names, columns, strict=True)))
        entries = tuple(self.entries)
        base = RunRecord(
            worlds.mandate(), "backtest", "5e771465", "da7a" * 16, entries, line, BAND, MODELS
        )
        return replace(base, **changes)


def prices(hours, seed=7, *, crash_at=None):
    """Return a seeded walk from 3000 USD, with a fall by a quarter over a day if asked for."""
    draw, price, found = Random(seed), 3000.0, []
    for hour in range(hours):
        price *= 1 + draw.gauss(0.0001, 0.006)
        if crash_at is not None and crash_at <= hour < crash_at + 24:
            price *= 0.988
        found.append(round(price, 2))
    return found


@cache
def played(days=60, seed=7, crash_day=40):
    """Return the record of a loop of 10 WETH that lived through `days`."""
    replay = Replay()
    replay.write(DaemonStarted("0.1.0", "backtest", "5e771465"))
    for hour, price in enumerate(prices(days * 24, seed, crash_at=crash_day * 24)):
        replay.go_to(worlds.NOON + hour * HOUR, price)
        replay.look()
    return replay.record()


def curve(unit, *, step=86_400, **columns):
    """Return a curve with these unit prices; what is not given is constant."""
    count = len(unit)
    base = {
        "price": np.full(count, 3000.0),
        "equity": np.asarray(unit, float) * 1000,
        "holding": np.full(count, 1000.0),
        "leverage": np.full(count, 2.0),
        "health": np.full(count, 1.5),
        "health_low": np.full(count, 1.4),
        **{name: np.asarray(each, float) for name, each in columns.items()},
    }
    base.setdefault("leverage_high", base["leverage"].copy())
    ts = worlds.NOON + np.arange(count, dtype=np.int64) * step
    return Curve(ts=ts, unit=np.asarray(unit, float), **base)
