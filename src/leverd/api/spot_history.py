"""Spot trading's entries as rows of the same lists: thoughts, payloads, orders with their fills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from leverd.api.models.amounts import written
from leverd.api.models.rows import (
    DecisionRow,
    SeenBy,
    SpotFillModel,
    TradeRow,
    TransactionRow,
    Verdict,
)
from leverd.api.models.spot import SpotPoint
from leverd.api.placed import placed
from leverd.domain.atto import of_atto
from leverd.domain.fixed_point import WAD, mul_div_up
from leverd.domain.spot import PLACE
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotDecided,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
)
from leverd.interfaces.journal import Entry
from leverd.interfaces.ledger import Ledger
from leverd.interfaces.spot_rules import client_id

_PLANS: Final = ("SpotOrderPlanned",)
_STORY: Final = ("SpotOrderPlanned", "SpotAttemptSigned", "SpotOrderSettled")
_BATCH: Final = 1000

_Fate = Literal["sent", "final", "reverted", "lost", "never", "done"]
_FATES: Final[Mapping[str, _Fate]] = {
    "closed": "final",
    "rejected": "reverted",
    "never": "never",
    "lost": "lost",
}


@dataclass(slots=True)
class _Order:
    """One order, from its plan to its end."""

    plan: Entry
    end: Entry | None = None

    @property
    def account(self) -> str:
        """Whose order it is."""
        event = self.plan.event
        return event.account if isinstance(event, SpotOrderPlanned) else ""

    @property
    def settled(self) -> SpotOrderSettled | None:
        """Its end, None while it has none."""
        event = None if self.end is None else self.end.event
        return event if isinstance(event, SpotOrderSettled) else None


def spot_decision(entry: Entry, event: SpotDecided, gate: list[Verdict]) -> DecisionRow:
    """Return a thought about the order book, with what the gate said."""
    denied = event.decision == "denied"
    said = Verdict(
        verdict="denied",
        purpose=event.reason.partition(" ")[0],  # what was wanted comes first
        plan_id="",
        steps=[],
        reasons=event.code.split(),
        cost=None,
    )
    return DecisionRow(
        **placed(entry, event.position_id),
        agent=event.agent,
        decision=event.decision,
        target=None,
        reason=event.reason if denied else f"{event.reason} ({event.code})",
        saw=SeenBy(
            block=None,
            health=None,
            prices={},
            bid=written(of_atto(event.bid)) if event.bid else None,
            ask=written(of_atto(event.ask)) if event.ask else None,
        ),
        gate=[said] if denied else gate,
    )


def spot_verdict(entry: Entry, event: SpotOrderPlanned) -> Verdict:
    """Return the gate's yes to an order."""
    return Verdict(
        verdict="approved",
        purpose=event.purpose,
        plan_id=_cid(entry, event),
        steps=[_step(event)],
        reasons=[event.reason],
        cost=None,
    )


def spot_transactions(ledger: Ledger, entries: Sequence[Entry]) -> Mapping[int, TransactionRow]:
    """Return, by seq, signed payloads with what became of their orders."""
    signed = [each for each in entries if isinstance(each.event, SpotAttemptSigned)]
    orders = _orders(ledger, signed)
    return {
        each.seq: _transaction(each, each.event, orders.get(each.seq))
        for each in signed
        if isinstance(each.event, SpotAttemptSigned)
    }


def spot_trades(ledger: Ledger, entries: Sequence[Entry]) -> Mapping[int, TradeRow]:
    """Return, by seq, orders that the gate let through, with their fills."""
    planned = [each for each in entries if isinstance(each.event, SpotOrderPlanned)]
    orders = _orders(ledger, planned)
    return {
        each.seq: _trade(each, each.event, orders.get(each.seq))
        for each in planned
        if isinstance(each.event, SpotOrderPlanned)
    }


def points(
    entries: Iterable[Entry], looks: Iterable[SpotPoint], since: int | None
) -> list[SpotPoint]:
    """Return marks and looks from `since` on in the order of time, one a moment.

    A mark is the record; what came before was of another account or market.
    """
    found = {each.at: each for each in looks}
    for entry in entries:
        if isinstance(entry.event, SpotMarked):
            found[entry.event.at] = _point(entry.event)
    return [found[at] for at in sorted(found) if at >= (since or 0)]


def _point(event: SpotMarked) -> SpotPoint:
    return SpotPoint(
        at=event.at,
        profit=written(of_atto(event.profit)),
        realised=written(of_atto(event.realised)),
        held=written(of_atto(event.base)),
        bid=written(of_atto(event.bid)),
    )


def _orders(ledger: Ledger, entries: Sequence[Entry]) -> Mapping[int, _Order]:
    """Return orders by the seq of each plan and payload, from the oldest of `entries` on.

    One order follows another: what is between a plan and the next one belongs to it.
    """
    found: dict[int, _Order] = {}
    if not entries:
        return found
    current: _Order | None = None
    for entry in _story(ledger, entries[-1].seq, entries[0].seq):
        match entry.event:
            case SpotOrderPlanned():
                current = found[entry.seq] = _Order(entry)
            case SpotAttemptSigned() if current is not None:
                found[entry.seq] = current
            case SpotOrderSettled() if current is not None:
                current.end = entry
            case _:
                pass
    return found


def _story(ledger: Ledger, first: int, last: int) -> Iterator[Entry]:
    """Yield what belongs to orders, from the plan that `first` is of to the end that `last` has."""
    begun = ledger.entries(kinds=_PLANS, before=first + 1, limit=1, newest_first=True)
    after = begun[0].seq - 1 if begun else first - 1
    while batch := ledger.entries(kinds=_STORY, after=after, limit=_BATCH):
        for entry in batch:
            yield entry
            if entry.seq > last and isinstance(entry.event, SpotOrderSettled):
                return
        after = batch[-1].seq


def _transaction(entry: Entry, event: SpotAttemptSigned, order: _Order | None) -> TransactionRow:
    end = None if order is None else order.settled
    return TransactionRow(
        **placed(entry, event.position_id),
        tx_hash=event.tx_hash,
        signer="" if order is None else order.account,
        slot=event.slot,
        purpose=event.purpose,
        plan_id=event.cid,
        step=0,
        way="order book",
        urgent=False,
        status=_fate(event, end),
        block=end.block or None if end and event.purpose == PLACE else None,
        reason="" if end is None else end.reason,
        gas_used=None,
        fee=None,
        max_fee=None,
    )


def _fate(event: SpotAttemptSigned, end: SpotOrderSettled | None) -> _Fate:
    if end is None:
        return "sent"
    return _FATES.get(end.standing, "never") if event.purpose == PLACE else "done"


def _trade(entry: Entry, event: SpotOrderPlanned, order: _Order | None) -> TradeRow:
    end = None if order is None else order.settled
    status: Literal["running", "completed", "aborted"] = "running"
    if end is not None:
        status = "completed" if end.filled else "aborted"
    why = "" if end is None or end.filled else f"{end.standing}: {end.reason or 'nothing traded'}"
    return TradeRow(
        **placed(entry, event.position_id),
        plan_id=_cid(entry, event),
        purpose=event.purpose,
        reason=event.reason,
        status=status,
        steps=[_step(event)],
        steps_done=1 if status == "completed" else 0,
        cost_expected=None,
        attribution={},
        tx_hashes=[],
        ended_at=order.end.chain_at if order and order.end else None,
        aborted_because=why,
        fill=_fill(event, end),
    )


def _fill(event: SpotOrderPlanned, end: SpotOrderSettled | None) -> SpotFillModel:
    filled = 0 if end is None else end.filled
    notional = 0 if end is None else end.notional
    return SpotFillModel(
        account=event.account,
        side="buy" if event.side == "buy" else "sell",
        standing="" if end is None else end.standing,
        price_worst=written(of_atto(event.price)),
        quantity=written(of_atto(event.quantity)),
        filled=written(of_atto(filled)),
        price=written(of_atto(mul_div_up(notional, WAD, filled))) if filled else None,
        notional=written(of_atto(notional)),
        fee=written(of_atto(0 if end is None else end.fee)),
        exact=end is None or end.exact,
    )


def _step(event: SpotOrderPlanned) -> str:
    return f"{event.side} {of_atto(event.quantity):f} at {of_atto(event.price):f} at worst"


def _cid(entry: Entry, event: SpotOrderPlanned) -> str:
    return client_id(event.account, entry, 0)
