"""Take a position through the past: the live turn at every point that has something to say.

Points at which every agent only holds, by its own promise, and at which no rule of the
engine wakes, are gone over without a look. Taking all of them gives the same to the wei.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leverd.adapters.simulated.ledger import Holder, Ledger
from leverd.backtest.replay.books import Books
from leverd.backtest.replay.collecting import rarely
from leverd.backtest.replay.floats import Series, series_of
from leverd.backtest.replay.foretold import NOTHING_FORETOLD, Foretold
from leverd.backtest.replay.mining import Flight, Mined, liquidated, mined, seized, told
from leverd.backtest.replay.silence import Silence, promised
from leverd.backtest.replay.track import Track, health
from leverd.backtest.replay.world import World
from leverd.domain import side
from leverd.domain.events import AlertRaised, PortfolioStopped, PositionAdopted
from leverd.domain.fixed_point import WAD
from leverd.domain.gas_use import steps_gas
from leverd.domain.quiet import Quiet
from leverd.domain.state import State
from leverd.domain.view import Record, View
from leverd.engine import accounting, diary
from leverd.engine.collect import snapshot_of
from leverd.engine.noting import facts_of, remembering
from leverd.engine.turn import Outcome, Seat, Timing, turn
from leverd.engine.watchman import turned
from leverd.execution import bids, facts
from leverd.execution.facts import Running
from leverd.interfaces.journal import Entry
from leverd.risk import breakers
from leverd.risk.gate import Approved
from leverd.risk.limits import Limits


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What a replay came to."""

    world: World
    series: Series
    track: Track
    entries: Sequence[Entry]
    end: State
    lowest_health: int  # wad, of all points; INFINITE_HEALTH without a debt
    lowest_at: int  # when, chain time
    looks: int  # points at which a turn was taken
    liquidations: int
    gas: int  # wei paid


@dataclass(frozen=True, slots=True)
class Rules:
    """What one position is kept by."""

    seats: Sequence[Seat]
    limits: Limits
    timing: Timing


class Replay:
    """One position's way through a world. Made for one `run`."""

    def __init__(
        self,
        world: World,
        rules: Rules,
        *,
        skips: bool = True,
        leaves: bool = False,
        foretold: Foretold | None = None,
    ) -> None:
        """Make one; without `skips` every point is looked at.

        With `leaves` nobody looks any more once the position is open: left alone. `foretold` is
        what predictors say along the world's points.
        """
        self._world, self._rules, self._skips, self._leaves = world, rules, skips, leaves
        self._series = series_of(world)
        self._books = Books(world.mandate.position_id)
        self._track = Track(world, self._series)
        self._foretold = NOTHING_FORETOLD if foretold is None else foretold
        self._silence = Silence(world, self._series, rules.limits, self._foretold.loud)
        self._holder = Holder({}, {world.mandate.collateral: world.models.deposit})
        self._nonce, self._native = 0, world.models.purse
        self._breakers = breakers.Breakers.standing(())
        self._diary = diary.Diary()
        self._flight: Flight | None = None
        self._looks = self._liquidations = 0
        self._is_short = False  # the purse, when it was last asked

    def run(self) -> Replayed:
        """Return where it leads from the first point to the last."""
        point, end = 0, len(self._world.points)
        with rarely():
            while point < end:
                point = self._following(point, self._look(point))
            self._hear(end - 1)
        state, stamp = self._ledger(end - 1).state(self._world.mandate), self._world.stamp(end - 1)
        mark = accounting.mark(self._books.page, state, stamp, self._native_price(end - 1))
        self._books.record(stamp.at, mark)
        lowest, at = self._track.lowest()
        return Replayed(
            world=self._world,
            series=self._series,
            track=self._track,
            entries=self._books.entries,
            end=state,
            lowest_health=lowest,
            lowest_at=int(self._world.points.at[at]),
            looks=self._looks,
            liquidations=self._liquidations,
            gas=self._world.models.purse - self._native,
        )

    def _look(self, point: int) -> View:
        """Take the turn at a point, and do what it comes to; return what was seen."""
        self._looks += 1
        if point:
            self._hear(point - 1)
            self._fly(point - 1, int(self._world.points.at[point]))
        self._hear(point)
        ledger = self._preyed_on(point, self._ledger(point))
        state = ledger.state(self._world.mandate)
        if self._books.page.marked is None:
            self._begin(point, state)
        self._silence.note(point, self._track.weights)
        view = self._watched(point, self._seen(point, state))
        if self._is_left():
            return view
        rules = self._rules
        outcome = turn(view, rules.seats, rules.limits, rules.timing, age_s=0)
        if outcome.plan is not None and self._flight is None:
            self._act(point, outcome)
        return view

    def _hear(self, point: int) -> None:
        """Write down what was said up to a point, each word at its own time."""
        for at, facts_then in self._foretold.up_to(point):
            self._books.record(at, *facts_then)

    def _begin(self, point: int, state: State) -> None:
        stamp, mandate = self._world.stamp(point), self._world.mandate
        snapshot = snapshot_of(state, stamp)
        adopted = PositionAdopted(mandate.position_id, mandate.account, snapshot)
        mark = accounting.mark(self._books.page, state, stamp, self._native_price(point))
        self._books.record(stamp.at, adopted, mark)
        self._weigh(point)

    def _seen(self, point: int, state: State) -> View:
        stamp = self._world.stamp(point)
        active = int(any(state.position.loan.debts.values()))
        return View(
            stamp=stamp,
            state=state,
            gas=self._world.gas(point, self._native),
            sequence=self._holder.sequence,
            atomic=True,
            record=self._books.remembered(stamp.at, flying=self._flight is not None),
            portfolio=self._books.used(stamp.at, active=active, flying=self._flight is not None),
        )

    # --- the engine's own rules -----------------------------------------------------------

    def _watched(self, point: int, view: View) -> View:
        """Return the view with what breakers, the portfolio stop and orders make of it."""
        stopped, drawn = self._silence.fell(point)
        if stopped:
            view = self._stopped(point, view)
        opened, tops = self._breakers.opened, self._silence.tops(point) if drawn else []
        before = replace(
            self._breakers,
            oracle_price=self._said_before(point),
            highs=self._track.highest(tops) if tops else (),
        )
        failures = self._books.page.failures
        self._breakers = breakers.watch(before, view, self._rules.limits, failures=failures)
        now = self._breakers.opened
        self._books.record(view.now, *turned(self._world.mandate.position_id, opened, now))
        view = replace(view, record=replace(view.record, breakers=tuple(now)))
        noticed = facts_of(view, self._rules.seats)
        if not noticed:
            return view
        self._books.record(view.now, *noticed)
        return remembering(view, self._books.book)

    def _said_before(self, point: int) -> int:
        """Return the oracle's answer at the point before, 0 where there is none."""
        if point == 0:
            return 0
        return int(self._world.points.oracle[side.volatile(self._world.mandate)][point - 1])

    def _stopped(self, point: int, view: View) -> View:
        """Return the view once the portfolio stop is looked at exactly, and fired if it must."""
        record = view.record
        if record.stopped or not record.units:
            return view
        peak = max(self._track.unit(self._silence.peak_at), record.unit_peak)
        now = replace(record, unit_price=self._track.unit(point), unit_peak=peak)
        if not accounting.fell_too_far(now, self._rules.limits):
            return view
        fired = PortfolioStopped(self._world.mandate.position_id, now.unit_price, peak)
        self._books.record(view.now, fired)
        return remembering(view, self._books.book)

    # --- acts and what befalls us ---------------------------------------------------------

    def _act(self, point: int, outcome: Outcome) -> None:
        at = outcome.view.now
        self._diary, events = diary.write(self._diary, outcome)
        self._books.record(at, *events)
        approved = outcome.verdict
        if not isinstance(approved, Approved) or not bids.is_affordable(approved):
            return
        if not self._can_pay(approved):
            return
        running = Running(approved, self._world.mandate, outcome.view.sequence)
        snapshot = snapshot_of(outcome.view.state, outcome.view.stamp)
        self._books.record(at, facts.approval(running, snapshot))
        self._flight = Flight(running, at + self._delay(point))
        points = self._world.points
        self._fly(point, int(points.at[point + 1]) - 1 if point + 1 < len(points) else None)

    def _can_pay(self, approved: Approved) -> bool:
        """Return whether the purse pays for the gas; say so once where it does not."""
        gas, name = approved.view.gas, self._world.mandate.position_id
        costs = steps_gas(approved.plan.steps) * (gas.base_fee + gas.priority_fee)
        short = self._native < costs
        if short and not self._is_short:
            text = f"the purse cannot pay for gas: it holds {self._native} wei, {costs} are needed"
            self._books.record(approved.view.now, AlertRaised(name, facts.REHEARSAL, text))
        self._is_short = short
        return not short

    def _delay(self, point: int) -> int:
        chain = self._world.models.chain
        return chain.delay_congested_s if self._world.points.congested[point] else chain.delay_s

    def _fly(self, point: int, until: int | None) -> None:
        """Mine what is due after `point`, up to chain time `until`; None is no bound."""
        world = self._world
        while self._flight is not None and (until is None or self._flight.block_at <= until):
            flight = self._flight
            ledger = world.ledger_between(
                point, flight.block_at, self._holder, self._nonce, self._native
            )
            fee, number = int(world.points.base_fee[point]), world.block(flight.block_at)
            found = mined(ledger, flight, world.models, fee, number)
            events = told(found, flight, self._books.page, world.models)
            self._take(found.ledger)
            self._books.record(flight.block_at, *events)
            self._flight = self._next_step(point, flight, found)
            self._weigh(point + 1)

    def _next_step(self, point: int, flight: Flight, found: Mined) -> Flight | None:
        plan = flight.running.plan
        if found.done is None or flight.running.step + 1 == len(plan.steps):
            self._diary = diary.Diary()  # what is wanted next is news, though it be the same
            return None
        return Flight(flight.running.after((), 0), flight.block_at + self._delay(point))

    def _preyed_on(self, point: int, ledger: Ledger) -> Ledger:
        """Return the ledger after liquidators, who are there before any agent looks."""
        world, before = self._world, ledger.state(self._world.mandate)
        owes = bool(before.position.loan.debts.get(world.mandate.debt))
        if not (world.models.liquidators and owes and health(before) < WAD):
            return ledger
        after, taken = liquidated(ledger, world.mandate)
        if not taken:
            return ledger
        self._liquidations += len(taken)
        self._track.preyed[point] = health(before)
        self._take(after)
        stamp, price = world.stamp(point), self._native_price(point)
        now = after.state(world.mandate)
        self._books.record(stamp.at, *seized(self._books.page, before, now, stamp, price))
        self._weigh(point)
        return after

    # --- what lies between two looks ------------------------------------------------------

    def _following(self, point: int, view: View) -> int:
        """Return the next point that must be looked at."""
        if self._flight is not None:
            return point + 1
        if view.sequence != self._holder.sequence:
            view = self._seen(point, self._ledger(point).state(self._world.mandate))
        if _is_over(view):
            return len(self._world.points)
        if not self._skips or not self._at_rest() or _is_leaving(view.record):
            return point + 1
        promise = Quiet() if self._is_left() else promised(view, self._rules.seats)
        if promise is None:
            return point + 1
        return self._silence.until(point, promise, self._track.weights)

    def _is_left(self) -> bool:
        return self._leaves and self._books.page.record.opened_at is not None

    def _at_rest(self) -> bool:
        calm = breakers.Breaker()
        return all(each == calm for each in self._breakers.faults.values())

    # --- shorthands -----------------------------------------------------------------------

    def _ledger(self, point: int) -> Ledger:
        return self._world.ledger(point, self._holder, self._nonce, self._native)

    def _take(self, ledger: Ledger) -> None:
        self._holder = ledger.holders[self._world.mandate.account]
        self._nonce, self._native = ledger.nonce, ledger.native

    def _weigh(self, point: int) -> None:
        self._track.weigh(point, self._holder, self._books.page.record.units)

    def _native_price(self, point: int) -> int:
        return int(self._world.points.oracle[self._world.models.native][point])


def _is_leaving(record: Record) -> bool:
    """Whether everything is to be taken out, and nobody but the owner may open again."""
    return record.unwinding or record.stopped or record.ended is not None


def _is_over(view: View) -> bool:
    """Whether everything was taken out for good: nothing is left to decide."""
    loan = view.state.position.loan
    held = any(loan.debts.values()) or any(loan.supplies.values())
    return _is_leaving(view.record) and not held
