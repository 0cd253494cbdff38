"""One turn for one position, without I/O: view in, verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.domain import loans
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind, combine
from leverd.domain.fixed_point import WAD
from leverd.domain.gas_use import move_gas
from leverd.domain.orders import Orders
from leverd.domain.plan import Plan
from leverd.domain.view import TradingState, View
from leverd.engine import planner
from leverd.engine.capping import capped
from leverd.engine.terms import DUST_USD, Terms
from leverd.interfaces.agent import Agent, Cap, OrderFact, alerting, ordering, quieting
from leverd.risk import ground, urgency
from leverd.risk.bounds import due
from leverd.risk.gate import NOTHING_PENDING, Pending, Verdict, bound, review
from leverd.risk.limits import Limits
from leverd.risk.raising import reserve_wei

OWNER = "owner"
"""The name a standing order of the owner goes by where agents have theirs."""

ORDERS: Final = "orders"
"""The name that what an order closed goes by, also once no agent keeps the order any more."""

_CLEAR: Final = Decimal("1.01")
"""How far above a guard's trigger the middle of a plan stays: room for a tick and interest."""

_WORTH: Final = 2
"""How often idle money is worth the gas of its own move: who gives it loses more than we burn."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at a position. A guard may only lower risk and is asked in every state."""

    agent: Agent
    guards: bool

    def wakes_below(self, view: View) -> int:
        """Return the health (wad) down to which a guard promises to hold, 0 if it does not."""
        quiet = quieting(self.agent) if self.guards else None
        if quiet is None:
            return 0
        promise = quiet.quiet(view)
        return 0 if promise is None else promise.health.above or 0

    def alert(self, view: View) -> str | None:
        """Return what a guard has to tell the owner about `view`, None if nothing."""
        warner = alerting(self.agent)
        return None if warner is None else warner.alert(view)

    def facts(self, view: View) -> tuple[OrderFact, ...]:
        """Return what `view` makes true of the orders this agent keeps."""
        keeper = ordering(self.agent)
        return () if keeper is None else keeper.facts(view)

    def cap(self, view: View, target: Decimal) -> Cap | None:
        """Return the bound this agent puts on a purchase that aims at leverage `target`."""
        keeper = ordering(self.agent)
        return None if keeper is None else keeper.cap(view, target)

    @property
    def keeps_orders(self) -> bool:
        """Whether what it wishes is an order's, and may wait for a better book."""
        keeper = ordering(self.agent)
        return keeper is not None and keeper.orders != Orders()


@dataclass(frozen=True, slots=True)
class Timing:
    """What a plan reckons with between view and block, chain seconds."""

    delay_s: int
    deadline_s: int
    deadline_urgent_s: int = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn came to."""

    view: View
    wish: Decision  # the least risky of what was asked for
    decision: Decision  # the wish, within limits
    plan: Plan | None
    verdict: Verdict | None
    held_back: Decision | None = None  # what is urgent and waits for a human's resume


def turn(
    view: View,
    seats: Sequence[Seat],
    limits: Limits,
    timing: Timing,
    *,
    age_s: int,
    pending: Pending = NOTHING_PENDING,
) -> Outcome:
    """Return what may be done about `view`. The same arguments give the same outcome.

    `age_s` is how old the view is; `pending` is what open slots may still spend.
    """
    wish = _capped(combine(_wishes(view, seats, limits)), view, seats)
    decision = bound(wish, view, limits)
    woken = max((seat.wakes_below(view) for seat in seats), default=0)
    urgent = _is_urgent(decision)
    saves = urgent and (not isinstance(decision, Unwind) or decision.saves)
    terms = terms_of(view, limits, timing, urgent=urgent, saves=saves, woken=woken)
    plan = planner.plan(decision, view, terms)
    verdict = None if plan is None else review(plan, view, limits, age_s=age_s, pending=pending)
    return Outcome(view, wish, decision, plan, verdict, _held_back(wish, view, limits))


def terms_of(
    view: View,
    limits: Limits,
    timing: Timing,
    *,
    urgent: bool = False,
    saves: bool = False,
    woken: int = 0,
) -> Terms:
    """Return the terms of a plan made now: the limits, loosened by how urgent it is.

    What is urgent gets a short deadline: in a crash its minimum is soon out of date, and the
    next attempt is made from a fresh view. What `saves` the position is never calm, or in a
    fall each attempt would be mined below its minimum. A plan of several transactions that is
    not urgent stays clear of `woken`, the health (wad) at which a guard would cut it off half-way.
    """
    pressed = max(urgency.of(view, limits), urgency.of_order(view, limits), urgency.of_owner(view))
    if saves:
        pressed = urgency.pressing(pressed)
    clear = Decimal(woken) / WAD * _CLEAR
    move = move_gas(plain=view.plain) * (view.gas.base_fee + view.gas.priority_fee)
    return Terms(
        slippage=urgency.slippage_max(view, limits, pressed),
        impact_max=urgency.impact_max(view, limits, pressed),
        health_min=max(limits.health_min, clear),
        health_step_min=_step_floor(view, limits, Decimal(0) if urgent else clear),
        delay_s=timing.delay_s,
        deadline_s=timing.deadline_urgent_s if urgent else timing.deadline_s,
        dust_usd=DUST_USD,
        idle_usd_min=_WORTH * move * view.gas.native_price // 10**18,
        spares_gas=view.gas.operator_balance >= move + reserve_wei(view, limits),
        health_step_limit=limits.health_step_min,
    )


def _step_floor(view: View, limits: Limits, clear: Decimal) -> Decimal:
    """Return how low a lowering plan may pass: `clear`, unless it stands too near that already."""
    health = loans.summarise(view.state.market, view.state.position.loan, view.now).health
    floor = urgency.step_floor(view, limits)
    return max(floor, clear) if Decimal(health) / WAD > clear * _CLEAR else floor


def _is_urgent(decision: Decision) -> bool:
    return not isinstance(decision, Hold) and decision.urgent


def _held_back(wish: Decision, view: View, limits: Limits) -> Decision | None:
    """Return what would be urgent now were the position not halted, None where nothing is."""
    if view.record.trading_state is not TradingState.HALTED:
        return None
    wanted = due(wish, view, limits)
    return wanted if _is_urgent(wanted) else None


def _wishes(view: View, seats: Sequence[Seat], limits: Limits) -> list[Decision]:
    standing, waits = _standing_order(view), ground.waits(view, limits)
    free = standing is None and view.record.ended is None and not view.record.paused
    wishes = [standing] if standing is not None else []
    last: list[Decision] = []
    for seat in seats:
        if not (seat.guards or free):
            continue
        if seat.keeps_orders and waits is not None:
            last.append(Hold(seat.agent.name, waits))
        else:
            wishes.append(seat.agent.decide(view))
    ended = view.record.ended
    if ended is not None:
        unwind = Unwind(ORDERS, ended.reason, ended.urgent)
        last.append(unwind if waits is None else Hold(ORDERS, waits))
    return [*wishes, *last] or [Hold(OWNER, "paused: agents are not asked")]


def _capped(wish: Decision, view: View, seats: Sequence[Seat]) -> Decision:
    if not isinstance(wish, SetLeverage):
        return wish
    caps = [seat.cap(view, wish.target) for seat in seats]
    return capped(wish, view, [cap for cap in caps if cap is not None])


def _standing_order(view: View) -> Decision | None:
    if view.record.unwinding:
        return Unwind(OWNER, "the owner asked to unwind", urgent=view.record.unwinds_now)
    if view.record.stopped:
        return Unwind(OWNER, "the portfolio stop fired")
    return None
