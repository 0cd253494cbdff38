"""What a pure turn costs: hold, boost, repay; and what playing and booking its step costs.

Run: python -m benchmarks.turn
Each kind is paired, run by run, with the same decision in bare integers: one collateral, one
debt, one pool, no limits, no reasons, no records. The ratio is what all of those cost, and it
hardly moves with what else the machine does; seconds are the thread's own.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from typing import TypeVar

from tests.limits import TIMING, limits
from tests.worlds import GWEI, NOON, USDC, WETH, mandate, market

from leverd.adapters.simulated.ledger import Holder, Ledger, play
from leverd.agents import guardian, leverage_loop
from leverd.domain.events import Event, PositionAdopted
from leverd.domain.lending import LendingAccount
from leverd.domain.plan import Plan
from leverd.domain.plan_events import PlanApproved, PlanCompleted, StepVerified
from leverd.domain.pool import ConstantProductPool
from leverd.domain.quiet import Quiet
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded
from leverd.domain.view import Gas, Stamp, View
from leverd.engine.accounting import mark, marks_around
from leverd.engine.book import Book, record_of
from leverd.engine.collect import snapshot_of
from leverd.engine.state import fold
from leverd.engine.turn import Seat, turn
from leverd.execution.verify import StepDone
from leverd.interfaces.agent import quieting
from leverd.interfaces.venue import Inclusion
from leverd.risk.gate import Approved

_T = TypeVar("_T")

RUNS = 300
DEPTH = 10**5  # whole WETH in the pool
FEE = 500  # hundredths of a basis point
LOW, TARGET, HIGH = 22, 25, 28  # tenths of leverage
HOUR = 3_600
MANDATE = mandate()
LIMITS = limits()
GAS = Gas(20 * GWEI, GWEI, 3_000 * 10**8, 10**19)
SEATS = [
    Seat(
        guardian.AGENT.make(guardian.Params(target=Decimal("2.5"), band_high=Decimal("2.8"))),
        guards=True,
    ),
    Seat(
        leverage_loop.AGENT.make(
            leverage_loop.Params(
                target=Decimal("2.5"),
                boost_below=Decimal("2.2"),
                repay_above=Decimal("2.8"),
                change_min=Decimal("0.1"),
                wait_s_min=0,
            )
        ),
        guards=False,
    ),
]


@dataclass
class Taken:
    """Seconds of every run, by part."""

    quiet: list[float]
    turn: list[float]
    play: list[float]
    book: list[float]
    bare: list[float]


def world(leverage: Decimal, price: Decimal) -> Ledger:
    """Return a ledger with ten WETH of equity, levered at $3,000, at another `price`."""
    posted, owed = 10 * leverage, 30_000 * (leverage - 1)
    loan = LendingAccount(
        {WETH: int(posted * WETH.unit)}, {USDC: int(owed * USDC.unit)}, frozenset({WETH})
    )
    reserves = DEPTH * WETH.unit, int(DEPTH * price * USDC.unit)
    return Ledger(
        NOON + HOUR,
        {"aave": market(price)},
        {"weth-usdc": ConstantProductPool("weth-usdc", WETH, USDC, FEE, *reserves)},
        {MANDATE.account: Holder({"aave": loan}, {})},
        0,
        10**19,
    )


def stamp_of(ledger: Ledger) -> Stamp:
    """Return where the view comes from."""
    return Stamp("benchmark", 100, "0xb10c", ledger.at, datetime.fromtimestamp(ledger.at, UTC))


def view_of(ledger: Ledger, book: Book) -> View:
    """Return the view that a turn begins with."""
    record = record_of(book, MANDATE.position_id, ledger.at)
    stamp, state = stamp_of(ledger), ledger.state(MANDATE)
    return View(stamp, state, GAS, sequence=0, atomic=True, record=record)


def promises(view: View) -> list[Quiet | None]:
    """Return when each agent would only hold."""
    able = (quieting(seat.agent) for seat in SEATS)
    return [agent.quiet(view) for agent in able if agent is not None]


def opened(ledger: Ledger) -> Book:
    """Return the book once the position was adopted and marked."""
    state, stamp = ledger.state(MANDATE), stamp_of(ledger)
    found = PositionAdopted(MANDATE.position_id, MANDATE.account, snapshot_of(state, stamp))
    book = fold(Book(), found, ledger.at)
    first = mark(book.page(MANDATE.position_id), state, stamp, GAS.native_price)
    return fold(book, first, ledger.at)


def booked(book: Book, plan: Plan, done: StepDone) -> Book:
    """Return the book after everything a mined plan of one step tells."""
    at, key, mined = done.after.at, "0xkey", done.inclusion
    marks = marks_around(book.page(plan.position_id), done, WETH, "benchmark")
    snapshot = marks[1].snapshot
    events: tuple[Event, ...] = (
        PlanApproved(plan.plan_id, plan.position_id, plan.purpose, plan.reason, (), 0, snapshot),
        AttemptSigned(
            0, key, plan.plan_id, plan.position_id, 0, "act", "0x1", "", 1, 1, 1, plan.deadline
        ),
        SlotIncluded(
            0,
            key,
            mined.tx_hash,
            mined.block,
            mined.block_hash,
            at,
            mined.succeeded,
            mined.reason,
            mined.gas_used,
            mined.gas_price,
        ),
        StepVerified(plan.plan_id, plan.position_id, 0, "0x1", (), snapshot),
        *marks,
        PlanCompleted(plan.plan_id, plan.position_id, snapshot, {}),
        SlotFinal(0, key, 101, "0xb"),
    )
    for event in events:
        book = fold(book, event, at)
    return book


def bare(posted: int, owed: int, price: int, reserves: tuple[int, int]) -> int:
    """Return the debt to sell (above zero) or collateral to sell (below), by integers alone."""
    exposure = posted * price // WETH.unit
    equity = exposure - owed * 10**8 // USDC.unit
    if LOW * equity <= exposure * 10 <= HIGH * equity:
        return 0
    raises = exposure * 10 < TARGET * equity
    into, out = (reserves[1], reserves[0]) if raises else reserves
    unit_in, worth_in, worth_out = (
        (USDC.unit, 10**8, price) if raises else (WETH.unit, price, 10**8)
    )
    unit_out = WETH.unit if raises else USDC.unit
    missing = abs(TARGET * equity - exposure * 10)
    low, high = 0, 2 * missing * unit_in // (10 * worth_in) + 1
    while high - low > max(low >> 34, 1):
        size = (low + high) // 2
        net = size * (10**6 - FEE)
        got = net * out // (into * 10**6 + net) * worth_out // unit_out
        gave = size * worth_in // unit_in
        grown = exposure + got if raises else exposure - gave
        left = equity + got - gave
        over = grown * 10 > TARGET * left if raises else grown * 10 < TARGET * left
        low, high = (low, size) if over else (size, high)
    return low if raises else -low


def timed(act: Callable[[], _T], into: list[float]) -> _T:
    """Return what `act` gives, its seconds noted."""
    begun = time.thread_time()
    given = act()
    into.append(time.thread_time() - begun)
    return given


def once(ledger: Ledger, taken: Taken, *, acts: bool) -> None:
    """Measure one turn, and what follows where it acts; no picture is looked at twice."""
    book = opened(ledger)
    timed(lambda: promises(view_of(ledger, book)), taken.quiet)
    view = view_of(ledger, book)
    outcome = timed(lambda: turn(view, SEATS, LIMITS, TIMING, age_s=0), taken.turn)
    loan, pool = ledger.holders[MANDATE.account].loans["aave"], ledger.pools["weth-usdc"]
    assert isinstance(pool, ConstantProductPool)
    price = ledger.lending["aave"].reserves[WETH].price
    reserves = (pool.reserve0, pool.reserve1)
    size = timed(lambda: bare(loan.supplies[WETH], loan.debts[USDC], price, reserves), taken.bare)
    assert bool(size) is acts
    if not acts:
        assert outcome.plan is None
        return
    assert isinstance(outcome.verdict, Approved), outcome.verdict
    plan = outcome.verdict.plan
    step = plan.steps[0]
    after, fills = timed(lambda: play(ledger, MANDATE, step, 0, plan.deadline), taken.play)
    mined = Inclusion(
        "0x1",
        101,
        "0xb",
        after.at,
        succeeded=True,
        reason="",
        gas_used=420_000,
        gas_price=21 * GWEI,
    )
    done = StepDone(step, fills, ledger.state(MANDATE), after.state(MANDATE), mined)
    timed(lambda: booked(book, plan, done), taken.book)


def measure(leverage: str, *, acts: bool) -> Taken:
    """Return what `RUNS` turns took from `leverage`, each at a price of its own."""
    taken = Taken([], [], [], [], [])
    for run in range(RUNS):
        once(world(Decimal(leverage), 3_000 + Decimal(run) / 100), taken, acts=acts)
    return taken


def main() -> int:
    """Print microseconds, fastest and median, and ratios to the bare decision."""
    print(
        "| turn | promises us | turn us | step us | marks, events us | all us | bare us | x bare |"
    )
    print("|---|---|---|---|---|---|---|---|")
    gc.freeze()
    gc.disable()
    for kind, leverage in (("hold", "2.5"), ("boost", "2.0"), ("repay", "3.0")):
        taken = measure(leverage, acts=kind != "hold")
        gc.collect()
        parts = [taken.quiet, taken.turn, taken.play, taken.book]
        least = [min(part, default=0) * 1e6 for part in parts]
        whole = [sum(run) for run in zip(*[part for part in parts[1:] if part], strict=True)]
        ratio = median(a / b for a, b in zip(whole, taken.bare, strict=True))
        cells = [f"{each:.0f}" for each in least]
        print(
            f"| {kind} | {' | '.join(cells)} | {min(whole) * 1e6:.0f} "
            f"| {min(taken.bare) * 1e6:.1f} | {ratio:.0f} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
