"""How long agents take, and whether one is getting slow; a failing agent only holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Final

from leverd.domain.decision import Decision, Hold
from leverd.domain.orders import Orders
from leverd.domain.quiet import Quiet
from leverd.domain.view import View
from leverd.interfaces.agent import Agent, Cap, OrderFact, alerting, ordering, quieting
from leverd.interfaces.clock import Clock

_KEPT: Final = 256
_BASELINE: Final = 32
_FACTOR: Final = 5.0
_FLOOR_S: Final = 0.05


class TimedAgent:
    """An agent whose every decision is timed, and whose bugs do not reach the other agents.

    `warn` is called with a code and a message when the agent fails, or when the median of
    its last decisions is five times that of its first ones and above 50 ms.
    """

    def __init__(self, agent: Agent, clock: Clock, warn: Callable[[str, str], None]) -> None:
        self._agent, self._clock, self._warn = agent, clock, warn
        self._first: list[float] = []
        self._recent: deque[float] = deque(maxlen=_BASELINE)
        self._warned = False
        self.taken: deque[float] = deque(maxlen=_KEPT)

    @property
    def name(self) -> str:
        """The agent's own name."""
        return self._agent.name

    def decide(self, view: View) -> Decision:
        """Return the agent's decision, or a Hold that says it failed."""
        started = self._clock.monotonic()
        try:
            return self._agent.decide(view)
        except Exception as error:  # noqa: BLE001  # an owner's agent must not stop the guardian
            self._warn("LVD-AGT-001", f"agent {self.name} failed: {error!r}")
            return Hold(self.name, f"the agent failed: {error!r}")
        finally:
            self._note(self._clock.monotonic() - started)

    def alert(self, view: View) -> str | None:
        """Return what the agent has to tell the owner; see `Alerting`."""
        warner = alerting(self._agent)
        return None if warner is None else warner.alert(view)

    def quiet(self, view: View) -> Quiet | None:
        """Return when the agent would only hold; see `Quieting`."""
        quiet = quieting(self._agent)
        return None if quiet is None else quiet.quiet(view)

    def facts(self, view: View) -> tuple[OrderFact, ...]:
        """Return what is to be remembered of the agent's orders, nothing where it fails."""
        keeper = ordering(self._agent)
        if keeper is None:
            return ()
        try:
            return keeper.facts(view)
        except Exception as error:  # noqa: BLE001  # as in decide
            self._warn("LVD-AGT-001", f"agent {self.name} failed: {error!r}")
            return ()

    def cap(self, view: View, target: Decimal) -> Cap | None:
        """Return the agent's bound on a purchase; where it fails, nothing is bought."""
        keeper = ordering(self._agent)
        if keeper is None:
            return None
        try:
            return keeper.cap(view, target)
        except Exception as error:  # noqa: BLE001  # as in decide
            self._warn("LVD-AGT-001", f"agent {self.name} failed: {error!r}")
            return Cap(Decimal(1), "the agent that keeps orders failed")

    @property
    def orders(self) -> Orders:
        """Return the orders the agent keeps, none if it keeps none."""
        keeper = ordering(self._agent)
        return Orders() if keeper is None else keeper.orders

    def _note(self, seconds: float) -> None:
        self.taken.append(seconds)
        self._recent.append(seconds)
        if len(self._first) < _BASELINE:
            self._first.append(seconds)
            return
        now = median(self._recent)
        slow = now > _FLOOR_S and now > _FACTOR * median(self._first)
        if slow and not self._warned:
            self._warn("LVD-AGT-002", f"agent {self.name} now takes {now * 1000:.0f} ms")
        self._warned = slow
