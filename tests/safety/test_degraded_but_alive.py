"""With whatever is broken, a position is still brought down by what is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import worlds
from tests.limits import TIMING, limits
from tests.unit.engine.daemons import GUARD, LOOP, Stage

from leverd.adapters.simulated.faults import Fault as Outage
from leverd.agents.guardian import Guardian
from leverd.agents.leverage_loop import LeverageLoop
from leverd.domain import loans
from leverd.domain.decision import Hold
from leverd.domain.events import BreakerTurned, Resumed, TradingStateChanged, UnwindRequested
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.valuation import leverage
from leverd.domain.view import Record, TradingState
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.engine.turn import Seat, turn
from leverd.errors import JournalError
from leverd.interfaces.requests import RequestKind
from leverd.risk.breakers import Fault
from leverd.risk.gate import Approved

GUARDIAN = Seat(Guardian(GUARD), guards=True)


class Silent:
    """An agent whose signal is gone: it holds, for want of anything better."""

    name = "signal"

    def decide(self, _view):
        return Hold(self.name, "no signal")

    def quiet(self, _view):
        return None


def health(state):
    return loans.summarise(state.market, state.position.loan, state.at).health


@settings(max_examples=60, deadline=None)
@given(
    faults=st.sets(st.sampled_from(Fault)),
    paused=st.booleans(),
    unexplained=st.booleans(),
    trusted=st.booleans(),
    sources=st.integers(0, 3),
    age=st.integers(0, 10**6),
    at=st.decimals("3.6", "5", places=2),
)
def test_no_breaker_and_no_doubt_ever_holds_the_guardian_back(
    faults, paused, unexplained, trusted, sources, age, at
):
    record = Record(
        trading_state=TradingState.REDUCING,
        breakers=tuple(faults),
        paused=paused,
        unexplained=unexplained,
    )
    plain = worlds.view(worlds.at_leverage(at, equity=3))
    broken = replace(plain, record=record, venue_trusted=trusted, sources_agree=sources)
    free, held = (
        turn(each, [GUARDIAN], limits(), TIMING, age_s=seconds)
        for each, seconds in ((plain, 0), (broken, age))
    )

    assert isinstance(free.verdict, Approved)
    assert isinstance(held.verdict, Approved)
    assert held.verdict.lowers
    assert held.plan.steps == free.plan.steps
    assert held.verdict.gas_price_cap == free.verdict.gas_price_cap


@given(st.sets(st.sampled_from(Fault), min_size=1))
def test_the_same_breakers_do_hold_back_new_risk(faults):
    idle = worlds.view(worlds.state(idle=10), record=Record(breakers=tuple(faults)))
    seat = Seat(LeverageLoop(LOOP), guards=False)
    assert not isinstance(turn(idle, [seat], limits(), TIMING, age_s=0).verdict, Approved)


def test_with_a_dead_signal_the_guardian_alone_brings_it_down():
    view = worlds.view(worlds.at_leverage("4", equity=3))
    outcome = turn(view, [Seat(Silent(), guards=False), GUARDIAN], limits(), TIMING, age_s=0)

    assert isinstance(outcome.verdict, Approved)
    assert outcome.plan.purpose == "deleverage"


def test_with_a_feed_that_stands_still_it_is_brought_down_by_the_price_it_still_says():
    """The market has left the oracle: no new risk, but what is owed is judged by the oracle."""
    stage = Stage(worlds.at_leverage("4", equity=3))
    gone = {"weth-usdc": worlds.pool(2930)}
    stage.chain.change(lambda ledger: replace(ledger, pools=gone))
    before = leverage(stage.state)
    asyncio.run(stage.live(8))

    assert stage.leverage < before
    assert stage.events(PlanCompleted)


class Unreadable:
    """A letter box whose copy of the database is gone."""

    def put(self, *_given):
        raise JournalError("the replica is gone", number=1)

    def pending(self):
        raise JournalError("the replica is gone", number=1)

    def taken(self, _request_id):
        raise JournalError("the replica is gone", number=1)


def test_with_a_letter_box_that_cannot_be_read_it_goes_on_and_says_so_once():
    stage = Stage(worlds.at_leverage("4", equity=3))
    stage.requests = Unreadable()
    asyncio.run(stage.live(6))

    assert stage.leverage < Decimal("3.5")
    assert stage.told.codes.count("LVD-JRN-021") == 1


class Half:
    """Every other call of the venue gets no answer."""

    def __init__(self):
        self.calls = 0

    def next(self, _call):
        self.calls += 1
        return Outage.UNREACHABLE if self.calls % 4 == 0 else Outage.NONE


def test_with_a_node_that_answers_now_and_then_it_is_still_brought_down():
    stage = Stage(worlds.at_leverage("4", equity=3), faults=Half())
    asyncio.run(stage.live(40))

    assert stage.leverage < Decimal("3.5")


def test_while_reducing_it_is_brought_down_and_not_up_again():
    stage = Stage(worlds.at_leverage("4", equity=3))
    stage.requests.put(RequestKind.REDUCE, "", "test")
    asyncio.run(stage.live(10))

    (said,) = stage.events(TradingStateChanged)
    assert said.state == TradingState.REDUCING
    assert stage.leverage < Decimal("3.5")
    assert health(stage.state) > health(worlds.at_leverage("4", equity=3))


@pytest.mark.parametrize(
    ("kind", "closed"), [(RequestKind.UNWIND, False), (RequestKind.UNWIND_NOW, True)]
)
def test_only_an_unwind_at_once_pays_more_for_gas_than_calm_trading_may(kind, closed):
    stage = Stage(worlds.at_leverage("2.5"))
    stage.chain.base_fee = 150 * worlds.GWEI
    stage.requests.put(kind, "", "test")
    asyncio.run(stage.live(12))

    assert stage.owes is not closed


def test_an_unwind_at_once_lasts_until_resume_and_a_calmer_one_does_not_slow_it():
    book = Book()
    for event in (UnwindRequested("", "cli", now=True), UnwindRequested("loop", "cli")):
        book = fold(book, event, worlds.NOON)
    assert book.page("loop").record.unwinds_now

    book = fold(book, Resumed("", "cli"), worlds.NOON)
    assert not book.page("loop").record.unwinds_now


def test_breakers_are_folded_from_the_journal_and_closed_ones_leave_no_trace():
    turns = [("", "relay", "open"), ("loop", "depeg", "open"), ("loop", "gas", "open")]
    book = Book()
    for position, name, circuit in turns:
        book = fold(book, BreakerTurned(position, name, circuit, ""), worlds.NOON)
    assert book.dependencies == {"relay": "open"}
    assert book.page("loop").record.breakers == ("depeg", "gas")

    for position, name, _ in turns:
        book = fold(book, BreakerTurned(position, name, "closed", ""), worlds.NOON)
    assert book.dependencies == {}
    assert book.page("loop").record.breakers == ()


def test_a_request_that_cannot_be_marked_is_taken_again_and_changes_nothing():
    stage = Stage(worlds.at_leverage("2.5"))
    stage.requests.put(RequestKind.PAUSE, "", "test")

    def full(_request_id):
        raise JournalError("the disk is full", number=1)

    stage.requests.taken = full
    asyncio.run(stage.live(4))

    states = {each.state for each in stage.events(TradingStateChanged)}
    assert states == {TradingState.REDUCING}
    assert stage.owes


def test_a_dependency_that_fails_and_returns_is_written_down_once_each():
    stage = Stage(worlds.at_leverage("2.5"))
    said = iter([{"rpc a": "open"}] * 4 + [{"rpc a": "half_open"}] * 2)
    daemon = stage.daemon()
    daemon._world = replace(daemon._world, dependencies=lambda: next(said, {"rpc a": "closed"}))
    stage.daemon = lambda: daemon
    asyncio.run(stage.live(12))

    turned = [(each.breaker, each.circuit) for each in stage.events(BreakerTurned)]
    assert turned == [("rpc a", "open"), ("rpc a", "half_open"), ("rpc a", "closed")]
    assert stage.told.codes.count("LVD-BRK-002") == 1
