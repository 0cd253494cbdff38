"""An agent that keeps orders behind the daemon's wrapper: told faithfully, and never a danger."""

from __future__ import annotations

from decimal import Decimal

from tests.journal_events import SteadyClock
from tests.order_worlds import course, keeper, long_state, riding

from leverd.domain.decision import Hold
from leverd.domain.orders import Orders
from leverd.engine.stopwatch import TimedAgent
from leverd.engine.turn import Seat


class Plain:
    name = "plain"

    def decide(self, _view):
        return Hold(self.name, "always")


class Broken(Plain):
    name = "broken"
    orders = Orders(deadline=1)

    def facts(self, _view):
        raise RuntimeError("boom")

    def cap(self, _view, _target):
        raise RuntimeError("boom")


def timed(agent):
    warned: list[tuple[str, str]] = []
    return TimedAgent(agent, SteadyClock(), lambda *said: warned.append(said)), warned


def test_what_an_agent_keeps_is_told_as_it_is():
    agent = keeper(stop_loss={"price": "2700"})
    wrapped, warned = timed(agent)
    seen = riding(long_state(2690), course=course())
    assert wrapped.orders == agent.orders
    assert wrapped.facts(seen) == agent.facts(seen) != ()
    gained = riding(long_state(3300))
    assert wrapped.cap(gained, Decimal(2)) == agent.cap(gained, Decimal(2))
    assert Seat(wrapped, guards=True).keeps_orders
    assert warned == []


def test_an_agent_without_orders_keeps_none():
    wrapped, _ = timed(Plain())
    seen = riding(long_state())
    assert wrapped.facts(seen) == ()
    assert wrapped.cap(seen, Decimal(2)) is None
    assert not Seat(wrapped, guards=True).keeps_orders


def test_one_that_fails_states_nothing_and_lets_nothing_be_bought():
    wrapped, warned = timed(Broken())
    seen = riding(long_state())
    assert wrapped.facts(seen) == ()
    assert wrapped.cap(seen, Decimal(2)).leverage == 1
    assert [code for code, _ in warned] == ["LVD-AGT-001"] * 2
