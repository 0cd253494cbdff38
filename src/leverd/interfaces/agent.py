"""A strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from leverd.domain.decision import Decision
from leverd.domain.events import CarryTurned, OrderDone, OrderFired, PeakReached
from leverd.domain.keeping import kept
from leverd.domain.orders import Orders
from leverd.domain.quiet import Quiet
from leverd.domain.view import View

ParamsT = TypeVar("ParamsT")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The risk an agent may ask for: what feasibility judges."""

    leverage_target: Decimal
    band_low: Decimal  # boosts below this leverage
    band_high: Decimal  # reduces above this leverage
    health_floor: Decimal  # lowest health it means to hold, 0 if it has none
    wait_s_min: int = 0


class Agent(Protocol):
    """A pure function of the view: same view, same decision, no I/O, no clock."""

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        ...

    def decide(self, view: View) -> Decision:
        """Return what to do, given `view`. Never raises on a view of a live market."""
        ...


@runtime_checkable
class Alerting(Protocol):
    """What an agent may also be able to do: warn before it has to act."""

    def alert(self, view: View) -> str | None:
        """Return what to tell the owner now, None if nothing."""
        ...


@runtime_checkable
class Quieting(Protocol):
    """What an agent may also be able to do: promise when it would only hold."""

    def quiet(self, view: View) -> Quiet | None:
        """Return bands inside which `decide` would only hold, None to promise nothing."""
        ...


OrderFact: TypeAlias = PeakReached | OrderFired | OrderDone | CarryTurned


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on what a purchase may aim at."""

    leverage: Decimal
    reason: str


@runtime_checkable
class Ordering(Protocol):
    """What an agent may also be able to do: keep orders, remembered by the journal for it."""

    @property
    def orders(self) -> Orders:
        """What was ordered."""
        ...

    def facts(self, view: View) -> tuple[OrderFact, ...]:
        """Return what `view` makes true of the orders; journaled before anything is decided."""
        ...

    def cap(self, view: View, target: Decimal) -> Cap | None:
        """Return the bound on a purchase that aims at leverage `target`, None for no bound.

        It never asks for anything: a position above it is left alone.
        """
        ...


@dataclass(frozen=True, slots=True)
class AgentKind(Generic[ParamsT]):
    """What an agent module exports under an entry point of group `leverd.agents`."""

    name: str
    params: type[ParamsT]  # a pydantic model: the agent's section of the settings
    make: Callable[[ParamsT], Agent]
    envelope: Callable[[ParamsT], Envelope | None]  # None if it only lowers risk


@kept(64)
def alerting(agent: Agent) -> Alerting | None:
    """Return `agent` as one that warns, None if it does not; looked up once an agent."""
    return agent if isinstance(agent, Alerting) else None


@kept(64)
def quieting(agent: Agent) -> Quieting | None:
    """Return `agent` as one that promises silence, None if it does not."""
    return agent if isinstance(agent, Quieting) else None


@kept(64)
def ordering(agent: Agent) -> Ordering | None:
    """Return `agent` as one that keeps orders, None if it does not."""
    return agent if isinstance(agent, Ordering) else None
