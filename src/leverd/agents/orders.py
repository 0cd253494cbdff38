"""Keep an owner's orders: take profit, stop loss, trailing stop, deadline.

It only ever lowers risk, and is asked in every state. An order fires once: what fired is in
the view's record and is carried out from what is held by then, whatever the trigger says
meanwhile. A share that was sold is not bought back, and what an order closed stays closed
until a human's resume. Profits raise what is bought only on request (`compound`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

from leverd.agents.order_params import Params
from leverd.agents.order_reading import open_reading, reading_of
from leverd.agents.order_silence import silence
from leverd.agents.order_words import nearest, said, warning
from leverd.domain import side
from leverd.domain.course import Fired
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.domain.events import OrderDone, OrderFired, PeakReached
from leverd.domain.fixed_point import WAD
from leverd.domain.orders import (
    PRICE_UNIT,
    Level,
    Of,
    Orders,
    Reading,
    best_of,
    growth,
    is_news,
    levels,
)
from leverd.domain.quiet import Quiet
from leverd.domain.view import View
from leverd.interfaces.agent import AgentKind, Cap, OrderFact

NAME: Final = "orders"

_ENOUGH: Final = Fraction(1001, 1000)
"""A share counts as sold up to this multiple of what is to be kept: interest and rounding."""

_NO_LOOP: Final = Fraction(102, 100)
"""Leverage at and below which too little debt is left to keep: selling that far closes."""

_PLACES: Final = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class OrderKeeper:
    """The agent."""

    params: Params

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    @property
    def orders(self) -> Orders:
        """What was ordered."""
        return self.params.orders()

    def decide(self, view: View) -> Decision:
        """Return what an order that fired asks for, else a Hold with the nearest trigger."""
        seen, ended = open_reading(view), view.record.ended
        if seen is None:
            closed = "closed until resume" if ended else "no order is armed"
            return Hold(NAME, f"nothing is owed: {closed}")
        if ended is not None:
            return Unwind(NAME, ended.reason, ended.urgent)
        fired = self._fires(view, seen) or _pending(view)
        if fired is None:
            return Hold(NAME, nearest(levels(self.orders, seen)))
        if fired.closes:
            return Unwind(NAME, fired.reason, fired.urgent)
        return _sold_down(view, fired)

    def facts(self, view: View) -> tuple[OrderFact, ...]:
        """Return what is to be remembered of `view`: a new best, an order fired, a share sold."""
        seen, record = open_reading(view), view.record
        if seen is None or record.course is None or record.ended is not None:
            return ()
        position = view.state.position.mandate.position_id
        facts: list[OrderFact] = []
        if is_news(self.orders, seen):
            best = best_of(seen)
            facts.append(PeakReached(position, best.price, best.unit, best.health))
        fired, pending = self._fires(view, seen), record.course.pending
        if fired is not None:
            facts.append(_firing(position, fired))
        elif pending is not None and _is_sold(view, pending) and record.open_slots == 0:
            held = side.size(view.state)
            facts.append(OrderDone(position, pending.order, held, view.stamp.block))
        return tuple(facts)

    def cap(self, view: View, target: Decimal) -> Cap | None:
        """Return the bound on a purchase that aims at `target`, None for no bound."""
        if not any(view.state.position.loan.debts.values()):
            return self._opening_cap(view)
        caps = [*_kept(view), *self._uncompounded(view, target)]
        return min(caps, key=lambda cap: cap.leverage, default=None)

    def alert(self, view: View) -> str | None:
        """Return what an owner should know: a stop beyond liquidation guards nothing."""
        return warning(self.orders, view)

    def quiet(self, view: View) -> Quiet | None:
        """Return bands inside which no order fires and no best is to be remembered."""
        return silence(self.orders, view)

    def _fires(self, view: View, seen: Reading) -> Fired | None:
        """Return the order to fire now: one that closes before one that sells a share."""
        busy = _pending(view) is not None
        for level in levels(self.orders, seen):
            if level.holds and (level.closes or not busy):
                return _fired(view, seen, level, self.orders.urgency_max)
        return None

    def _opening_cap(self, view: View) -> Cap | None:
        """Refuse to open what an order would close, or sell, at once."""
        for level in levels(self.orders, reading_of(view)):
            if level.holds and level.of in {Of.PRICE, Of.TIME}:
                return Cap(Decimal(1), f"{level.order} would fire at once ({said(level)})")
        return None

    def _uncompounded(self, view: View, target: Decimal) -> list[Cap]:
        grown = None if self.params.compound else growth(reading_of(view))
        if grown is None or grown <= 1:
            return []
        reason = f"profit of {float(grown - 1):.4f} since opening is not compounded"
        return [Cap(max(_decimal(Fraction(target) / grown), Decimal(1)), reason)]


def _pending(view: View) -> Fired | None:
    return view.record.course.pending if view.record.course is not None else None


def _fired(view: View, seen: Reading, level: Level, urgency_max: Decimal) -> Fired:
    keep = int(side.size(view.state) * (1 - Fraction(level.share)))
    left = side.leverage_of_size(view.state, keep)
    closes = level.closes or left is None or left <= _NO_LOOP
    price = seen.price
    if level.of is Of.PRICE and level.limits_loss and level.trigger is not None:
        price = level.trigger
    return Fired(
        order=level.order,
        reason=f"{level.order}: {said(level)}",
        at=view.now,
        closes=closes,
        urgent=level.limits_loss,
        keep=0 if closes else keep,
        reference=int(price * PRICE_UNIT),
        urgency_max=int(urgency_max * WAD),
    )


def _firing(position: str, fired: Fired) -> OrderFired:
    return OrderFired(
        position,
        fired.order,
        fired.reason,
        fired.closes,
        fired.urgent,
        fired.keep,
        fired.reference,
        fired.urgency_max,
    )


def _sold_down(view: View, fired: Fired) -> Decision:
    """Return the leverage that leaves what is to be kept, at prices as they are now."""
    goal = side.leverage_of_size(view.state, fired.keep)
    if goal is None:
        return Unwind(NAME, f"{fired.reason}; no equity is left", urgent=True)
    if _is_sold(view, fired):
        return Hold(NAME, f"{fired.reason}; sold, once nothing is under way it is done")
    target = max(_decimal(goal), Decimal(1))
    return SetLeverage(NAME, target, fired.reason, fired.urgent)


def _is_sold(view: View, fired: Fired) -> bool:
    return side.size(view.state) <= fired.keep * _ENOUGH


def _kept(view: View) -> list[Cap]:
    """Return the bound that keeps anyone from buying back what orders sold."""
    course = view.record.course
    if course is None:
        return []
    sizes = [course.keep, course.pending.keep if course.pending else None]
    known = [each for each in sizes if each is not None]
    if not known:
        return []
    most = side.leverage_of_size(view.state, min(known))
    leverage = Decimal(1) if most is None else max(_decimal(most), Decimal(1))
    return [Cap(leverage, "what an order sold is not bought back")]


def _decimal(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / ratio.denominator
    return exact.quantize(_PLACES, ROUND_DOWN)


AGENT: Final = AgentKind(NAME, Params, OrderKeeper, lambda _: None)
