"""Lines for people: the canonical line of a turn, and what a stop leaves behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from leverd.domain import loans, side, valuation
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD, Amount
from leverd.domain.view import View
from leverd.engine.turn import Outcome
from leverd.risk.gate import Approved, Denied

_GWEI: Final = 10**9


def turn_line(number: int, outcome: Outcome, seconds: float) -> str:
    """Return one line of keys and values that says what a turn saw, wanted and did."""
    view, state = outcome.view, outcome.view.state
    mandate = state.position.mandate
    pairs = {
        "turn": number,
        "position": mandate.position_id,
        "block": view.stamp.block,
        "price": f"{Amount(USD, state.market.reserves[side.volatile(mandate)].price).whole:.2f}",
        "leverage": ratio(valuation.leverage(state)),
        "health": health_text(health_of(view)),
        "gas": f"{Decimal(view.gas.base_fee) / _GWEI:.1f}",
        "equity": _short(Amount(mandate.share_class, valuation.equity_in_share_class(state))),
        "state": view.record.trading_state,
        "decision": type(outcome.decision).__name__,
        "verdict": _verdict(outcome),
        "slots": view.record.open_slots,
        "ms": f"{seconds * 1000:.0f}",
        "reason": repr(outcome.decision.reason),
    }
    return " ".join(f"{key}={value}" for key, value in pairs.items())


def status_line(views: Iterable[View]) -> str:
    """Return what a glance at the service should show: leverage and health of each position."""
    return "; ".join(
        f"{view.state.position.mandate.position_id}: leverage "
        f"{ratio(valuation.leverage(view.state))}, health {health_text(health_of(view))}, "
        f"{view.record.trading_state}"
        for view in views
    )


def unguarded(views: Iterable[View]) -> tuple[str, ...]:
    """Return one line for each position with debt: what nobody watches once we are gone."""
    return tuple(_farewell(view) for view in views if any(view.state.position.loan.debts.values()))


def health_of(view: View) -> int:
    """Return the health (wad) of the view's own lending account."""
    return loans.summarise(view.state.market, view.state.position.loan, view.now).health


def health_text(health: int) -> str:
    """Return a health factor for people."""
    return "none owed" if health >= INFINITE_HEALTH else ratio(Decimal(health) / WAD)


def ratio(value: Decimal) -> str:
    """Return a ratio for people, four places."""
    return f"{value:.4f}" if value.is_finite() else "infinite"


def _short(amount: Amount) -> str:
    """Return an amount for a line: cents of dollars, six places of anything else."""
    places = 2 if amount.asset == USD else 6
    return f"{amount.whole:.{places}f}{amount.asset.symbol}"


def _verdict(outcome: Outcome) -> str:
    match outcome.verdict:
        case Approved():
            return f"approved:{outcome.plan.purpose}" if outcome.plan else "approved"
        case Denied(reasons=reasons):
            return "denied:" + ",".join(str(reason) for reason in reasons)
        case None:
            return "nothing_to_do"


def _farewell(view: View) -> str:
    state, mandate = view.state, view.state.position.mandate
    close = f"to close it: leverd unwind {mandate.position_id}"
    if (nameless := valuation.unpriced(state)) is not None:
        return f"{mandate.position_id}: owing, and no oracle prices {nameless.symbol}; {close}"
    asset = side.volatile(mandate)
    price = loans.liquidation_price(state.market, state.position.loan, asset, view.now)
    way = "above" if side.side_of(mandate) is side.Side.SHORT else "below"
    at = (
        "no liquidation price"
        if price is None
        else f"liquidated {way} {_short(Amount(USD, price))}"
    )
    return (
        f"{mandate.position_id}: leverage {ratio(valuation.leverage(state))}, "
        f"health {health_text(health_of(view))}, {at} per {asset.symbol}; {close}"
    )
