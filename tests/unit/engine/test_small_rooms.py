from decimal import Decimal

import pytest
from tests import worlds
from tests.unit.engine.test_planner import TERMS, to

from leverd.domain.decision import Hold
from leverd.domain.events import DecisionTaken, HoldsFolded
from leverd.domain.fixed_point import WAD
from leverd.domain.plan_events import PlanDenied
from leverd.domain.view import Record, TradingState
from leverd.engine import accounting, diary, orders
from leverd.engine.book import Book, Page
from leverd.engine.memory_guard import MemoryGuard, Pressure
from leverd.engine.pace import Pace
from leverd.engine.planner import plan
from leverd.engine.state import fold
from leverd.engine.stopwatch import TimedAgent
from leverd.engine.turn import Outcome
from leverd.interfaces.requests import Request, RequestKind
from leverd.risk.gate import Denied, Reason


class Ticker:
    """A clock on which every look takes as long as the next entry says."""

    def __init__(self, *seconds):
        self.seconds, self.at, self.open = list(seconds), 0.0, False

    def monotonic(self):
        if self.open:
            self.at += self.seconds.pop(0) if self.seconds else 0.0
        self.open = not self.open
        return self.at


class Sleeper:
    name = "sleeper"

    def decide(self, view):
        return Hold(self.name, "asleep")


class Broken(Sleeper):
    def decide(self, view):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("health", "seconds"), [("3", 60), ("2", 60), ("1.5", 36), ("1", 12), ("0.9", 12)]
)
def test_looks_come_closer_as_health_nears_one(health, seconds):
    assert Pace(60, 12).interval(int(Decimal(health) * WAD)) == seconds


@pytest.mark.parametrize("kind", list(RequestKind))
def test_every_request_does_something_that_the_book_remembers(kind):
    before = fold(Book(), orders.events_of(Request(1, RequestKind.UNWIND, "", "cli"))[0], 0)
    (event,) = orders.events_of(Request(2, kind, "", "cli"))
    after = fold(before, event, 0)
    assert after == before if kind is RequestKind.UNWIND else after != before


def test_pause_silences_agents_and_reduce_does_not():
    paused = fold(Book(), orders.events_of(Request(1, RequestKind.PAUSE, "", "cli"))[0], 0)
    reduced = fold(Book(), orders.events_of(Request(1, RequestKind.REDUCE, "", "cli"))[0], 0)
    assert paused.everyone.paused
    assert not reduced.everyone.paused
    assert reduced.everyone.trading_state is TradingState.REDUCING


def outcome(decision, verdict=None, made=None):
    return Outcome(worlds.view(), decision, decision, made, verdict)


def test_a_run_of_holds_becomes_one_line():
    book, events = diary.write(diary.Diary(), outcome(Hold("loop", "in band")))
    assert [type(event) for event in events] == [DecisionTaken]
    for _ in range(3):
        book, events = diary.write(book, outcome(Hold("loop", "in band, still")))
        assert events == ()
    _, events = diary.write(book, outcome(to("2")))
    assert [type(event) for event in events] == [HoldsFolded, DecisionTaken]
    assert events[0].count == 3


def test_a_denial_is_written_once_and_again_when_its_reasons_change():
    made = plan(to("3"), worlds.view(), TERMS)
    book, written = diary.Diary(), []
    for reasons in [(Reason.GAS_PRICE,), (Reason.GAS_PRICE,), (Reason.COOLDOWN,)]:
        book, events = diary.write(book, outcome(to("3"), Denied(made, reasons), made))
        written += [event.reasons for event in events if isinstance(event, PlanDenied)]
    assert written == [("gas_price",), ("cooldown",)]


def test_holds_not_yet_written_are_not_lost_at_the_end():
    book, _ = diary.write(diary.Diary(), outcome(Hold("loop", "in band")))
    assert diary.flush(book, "loop") == (book, ())
    book, _ = diary.write(book, outcome(Hold("loop", "in band")))
    _, (line,) = diary.flush(book, "loop")
    assert line.count == 1


def test_an_agent_that_fails_holds_and_is_reported():
    warned = []
    agent = TimedAgent(Broken(), Ticker(), lambda *said: warned.append(said))
    assert isinstance(agent.decide(worlds.view()), Hold)
    assert warned[0][0] == "LVD-AGT-001"


def test_an_agent_that_gets_slow_is_reported_once():
    warned = []
    clock = Ticker(*[0.01] * 32, *[0.2] * 64)
    agent = TimedAgent(Sleeper(), clock, lambda *said: warned.append(said))
    for _ in range(96):
        agent.decide(worlds.view())
    assert [code for code, _ in warned] == ["LVD-AGT-002"]


def test_memory_is_easy_then_warm_then_full():
    released = []
    used = MemoryGuard(10**6, 10**6).used_mib()
    assert MemoryGuard(used * 4, used * 8).check() is Pressure.EASY
    assert MemoryGuard(1, used * 8, [lambda: released.append(1)]).check() is Pressure.WARM
    assert MemoryGuard(1, 1).check() is Pressure.FULL
    assert released


def test_what_stays_above_the_line_is_shrunk_again_only_once_it_has_grown(monkeypatch):
    used, released = [90], []
    monkeypatch.setattr(MemoryGuard, "used_mib", lambda _: used[0])
    guard = MemoryGuard(100, 200, [lambda: released.append(used[0])])
    seen = []
    for now in (90, 100, 101, 131, 132, 150, 164, 99, 100, 200, 200):
        used[0] = now
        seen.append(guard.check())
    assert released == [100, 132, 164, 100, 200, 200]
    assert [each for each in seen if each is not Pressure.WARM] == [
        Pressure.EASY, Pressure.EASY, Pressure.FULL, Pressure.FULL
    ]  # fmt: skip


def test_the_first_mark_buys_units_and_the_next_shows_what_the_price_did():
    before, after = worlds.state(posted=10), worlds.state(price=3300, posted=10)
    stamp = worlds.view().stamp
    first = accounting.mark(Page(), before, stamp, 3000 * 10**8)
    page = Page(Record(unit_peak=first.unit_price), marked=first)
    second = accounting.mark(page, after, stamp, 3300 * 10**8)
    assert first.attribution == dict.fromkeys(first.attribution, 0)
    assert second.attribution["price"] == 3000 * 10**8
    assert sum(second.attribution.values()) == 3000 * 10**8
    assert second.unit_price == first.unit_price * 11 // 10


def test_a_deposit_is_a_flow_and_no_profit():
    stamp = worlds.view().stamp
    first = accounting.mark(Page(), worlds.state(posted=10), stamp, 3000 * 10**8)
    second = accounting.mark(
        Page(marked=first), worlds.state(posted=10, idle=2), stamp, 3000 * 10**8
    )
    assert second.flow == 6000 * 10**8
    assert sum(second.attribution.values()) == 0
    assert second.unit_price == first.unit_price


def test_the_portfolio_stop_looks_at_the_fall_from_the_peak():
    limits = type("Limits", (), {"portfolio_stop": Decimal("0.3")})
    assert accounting.fell_too_far(Record(unit_price=69, unit_peak=100), limits)
    assert not accounting.fell_too_far(Record(unit_price=71, unit_peak=100), limits)


def test_quiet_time_is_marked_once_a_day():
    first = accounting.mark(Page(), worlds.state(posted=10), worlds.view().stamp, 1)
    assert accounting.is_due(Page(), worlds.NOON)
    assert not accounting.is_due(Page(marked=first), worlds.NOON + 3600)
    assert accounting.is_due(Page(marked=first), worlds.NOON + 86_400)
