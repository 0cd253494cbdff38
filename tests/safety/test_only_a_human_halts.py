"""HALTED stops the guardian too, so no rule leads there: only a person's `halt` does."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import values_of
from tests.worlds import at_leverage, view

import leverd
from leverd.adapters.kill_file import VERBS
from leverd.bootstrap.kill_switch import SIGNALS
from leverd.domain.events import Event, TradingStateChanged
from leverd.domain.view import Record, TradingState
from leverd.engine.book import Book
from leverd.engine.orders import events_of
from leverd.engine.state import fold
from leverd.interfaces.requests import Request, RequestKind
from leverd.risk.breakers import Breakers, Fault
from leverd.risk.trading_state import effective

SOURCE = Path(leverd.__file__).parent
READERS = {  # they ask whether it is halted
    "risk/gate.py",
    "risk/trading_state.py",
    "risk/bounds.py",
    "bootstrap/one_shot.py",
}
MAKERS = {"engine/orders.py": 1}  # a person's request becomes the fact


def names_halted(node):
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "HALTED"
        and isinstance(node.value, ast.Name)
        and node.value.id == "TradingState"
    )


def test_only_a_persons_request_makes_it():
    found = {}
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        compared = {
            id(side)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare)
            for side in (node.left, *node.comparators)
        }
        made = [node for node in ast.walk(tree) if names_halted(node) and id(node) not in compared]
        name = str(file.relative_to(SOURCE))
        if made and name not in READERS:
            found[name] = len(made)

    assert found == MAKERS


def test_no_source_writes_the_word_into_an_event():
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if called and node.func.id == "TradingStateChanged":
                words = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                assert "halted" not in words, file


@given(st.sampled_from(RequestKind))
def test_of_all_requests_only_halt_halts(kind):
    made = events_of(Request(1, kind, "loop", "test"))
    halts = [
        each
        for each in made
        if isinstance(each, TradingStateChanged) and each.state == TradingState.HALTED
    ]

    assert bool(halts) == (kind is RequestKind.HALT)


def test_no_signal_and_no_file_halts():
    assert RequestKind.HALT not in {*SIGNALS.values(), *VERBS.values()}
    assert RequestKind.RESUME not in {*SIGNALS.values(), *VERBS.values()}


OTHERS = st.one_of(
    [
        values_of(kind)
        for kind in Event.__args__
        if kind is not TradingStateChanged and kind.__name__ not in {"PnlRecorded", "PeakReached"}
    ]
)


@given(st.lists(OTHERS, max_size=12))
def test_no_other_event_of_the_journal_leads_there(events):
    book = Book()
    for event in events:
        book = fold(book, event, 1_700_000_000)

    states = {page.record.trading_state for page in book.pages.values()}
    assert TradingState.HALTED not in states


@given(st.sets(st.sampled_from(Fault)), st.booleans(), st.booleans(), st.booleans())
def test_whatever_goes_wrong_it_is_reducing_at_worst(faults, paused, stopped, unexplained):
    record = Record(breakers=tuple(faults), paused=paused, stopped=stopped, unexplained=unexplained)
    seen = view(at_leverage("2.5"), record=record, venue_trusted=False)

    assert effective(seen) is TradingState.REDUCING
    assert Breakers.standing(faults).trading_state is not TradingState.HALTED
