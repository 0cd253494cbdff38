"""Entries as rows: what belongs together is put together, from one more look at the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from leverd.api.models.amounts import Money, money, written
from leverd.api.models.rows import DecisionRow, SeenBy, TradeRow, TransactionRow, Verdict
from leverd.api.placed import placed
from leverd.api.spot_history import spot_decision, spot_trades, spot_transactions, spot_verdict
from leverd.domain.events import DecisionTaken, Event
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PlanDenied,
    StepAccepted,
    StepVerified,
)
from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot_events import SpotDecided, SpotOrderPlanned
from leverd.interfaces.journal import Entry
from leverd.interfaces.ledger import Ledger

DECISIONS: Final = ("DecisionTaken", "SpotDecided")
PLANS: Final = ("PlanApproved", "SpotOrderPlanned")
ATTEMPTS: Final = ("AttemptSigned", "SpotAttemptSigned")
_VERDICTS: Final = (*DECISIONS, *PLANS, "PlanDenied")
_ENDS: Final = ("PlanCompleted", "PlanAborted", "StepVerified", "StepAccepted")
_SLOTS: Final = ("SlotIncluded", "SlotFinal", "SlotLost", "SlotReorganised")
NATIVE: Final = "ETH"
"""What gas is paid with on every chain there is a profile for."""

_EACH: Final = 12
"""Entries looked at for each row: more than follow any decision, plan or attempt."""

_NEXT: Final = 40
"""Entries of one position looked at past a page: more than a plan in single steps has."""

_LATER: Final = 200
"""Fates of slots looked at past a page, of all signers."""


def decision_rows(
    ledger: Ledger, entries: Sequence[Entry], position: str = ""
) -> list[DecisionRow]:
    """Return decisions with what the gate said before the next one."""
    gate: dict[int, list[Verdict]] = defaultdict(list)
    newest: dict[str, int] = {}
    for entry in _with_what_followed(ledger, entries, _VERDICTS, position):
        match entry.event:
            case DecisionTaken(position_id=name) | SpotDecided(position_id=name):
                newest[name] = entry.seq
            case PlanApproved() | PlanDenied() as event if event.position_id in newest:
                gate[newest[event.position_id]].append(_verdict(event))
            case SpotOrderPlanned() as event if event.position_id in newest:
                gate[newest[event.position_id]].append(spot_verdict(entry, event))
            case _:
                pass
    return [
        _thought(entry, entry.event, gate[entry.seq])
        for entry in entries
        if isinstance(entry.event, DecisionTaken | SpotDecided)
    ]


def transaction_rows(ledger: Ledger, entries: Sequence[Entry]) -> list[TransactionRow]:
    """Return attempts with what became of their slots."""
    slots: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for entry in _fates(ledger, entries):
        event = entry.event
        assert isinstance(event, SlotIncluded | SlotFinal | SlotLost | SlotReorganised)
        slots[event.signer, event.slot].append(event)
    rows = dict(spot_transactions(ledger, entries))
    for entry in entries:
        if isinstance(entry.event, AttemptSigned):
            later = slots[entry.event.signer, entry.event.slot]
            rows[entry.seq] = _transaction(entry, entry.event, later)
    return [rows[entry.seq] for entry in entries]


def trade_rows(ledger: Ledger, entries: Sequence[Entry], position: str = "") -> list[TradeRow]:
    """Return plans with what became of them."""
    later: dict[str, list[Entry]] = defaultdict(list)
    for entry in _with_what_followed(ledger, entries, _ENDS, position):
        later[getattr(entry.event, "plan_id", "")].append(entry)
    rows = dict(spot_trades(ledger, entries))
    for entry in entries:
        if isinstance(entry.event, PlanApproved):
            rows[entry.seq] = _trade(entry, entry.event, later[entry.event.plan_id])
    return [rows[entry.seq] for entry in entries]


def _fates(ledger: Ledger, entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield what became of slots after each of `entries` (newest first), oldest first.

    The next few of all slots are looked at: a signer's slots end one after the other. What lies
    between two entries far from each other is not.
    """
    told, known = 0, 0  # up to where fates were told; the last entry with enough told after it
    for entry in reversed(entries):
        if entry.seq <= known:
            continue
        many = _LATER + _EACH * len(entries)
        found = ledger.entries(kinds=_SLOTS, after=max(told, entry.seq), limit=many)
        yield from found
        told = found[-1].seq if found else entry.seq
        known = entries[0].seq if len(found) < many else found[-_LATER].seq


def _with_what_followed(
    ledger: Ledger, entries: Sequence[Entry], kinds: Sequence[str], position: str
) -> Iterator[Entry]:
    """Yield `entries` (newest first), what was written among them and what came next, oldest first.

    What comes next is asked for by position: what ends the story of its newest entry is among the
    next few of its own, however deep in the past that is and however much others did meanwhile.
    """
    if not entries:
        return
    oldest, newest = entries[-1].seq, entries[0].seq
    limit = _EACH * (len(entries) + 4)
    among = ledger.entries(
        kinds=kinds, position_id=position, after=oldest, before=newest, limit=limit
    )
    found = {each.seq: each for each in (*entries, *among)}
    for name in sorted({getattr(each.event, "position_id", "") for each in entries}):
        later = ledger.entries(kinds=kinds, position_id=name, after=newest, limit=_NEXT)
        found.update((each.seq, each) for each in later)
    yield from (found[seq] for seq in sorted(found))


def _verdict(event: PlanApproved | PlanDenied) -> Verdict:
    if isinstance(event, PlanDenied):
        return Verdict(
            verdict="denied", purpose=event.purpose, plan_id=event.plan_id, steps=[],
            reasons=list(event.reasons), cost=None,
        )  # fmt: skip
    return Verdict(
        verdict="approved", purpose=event.purpose, plan_id=event.plan_id, steps=list(event.steps),
        reasons=[event.reason], cost=_usd(event.cost_usd),
    )  # fmt: skip


def _thought(entry: Entry, event: DecisionTaken | SpotDecided, gate: list[Verdict]) -> DecisionRow:
    if isinstance(event, SpotDecided):
        return spot_decision(entry, event, gate)
    return _decision(entry, event, gate)


def _decision(entry: Entry, event: DecisionTaken, gate: list[Verdict]) -> DecisionRow:
    return DecisionRow(
        **placed(entry, event.position_id),
        agent=event.agent,
        decision=event.decision,
        target=event.target or None,
        reason=event.reason,
        saw=_saw(event.snapshot),
        gate=gate,
    )


def _saw(snapshot: Snapshot) -> SeenBy:
    owes = snapshot.health < INFINITE_HEALTH
    return SeenBy(
        block=snapshot.block,
        health=written(scaled(snapshot.health, 18)) if owes else None,
        prices={name: written(scaled(raw, USD.decimals)) for name, raw in snapshot.prices.items()},
    )


def _transaction(entry: Entry, event: AttemptSigned, later: Iterable[Event]) -> TransactionRow:
    status, included = _fate(event, later)
    paid = None if included is None else included.paid
    return TransactionRow(
        **placed(entry, event.position_id),
        tx_hash=event.tx_hash,
        signer=event.signer,
        slot=event.slot,
        purpose=event.purpose,
        plan_id=event.plan_id,
        step=event.step,
        way=event.way,
        urgent=event.urgent,
        status=status,
        block=None if included is None else included.block,
        reason="" if included is None else included.reason,
        gas_used=None if included is None else included.gas_used,
        fee=None if paid is None else money(scaled(paid, 18), NATIVE),
        max_fee=money(scaled(event.max_fee, 9), "gwei"),
    )


_Fate = Literal["sent", "included", "final", "reverted", "replaced", "lost"]


def _fate(event: AttemptSigned, later: Iterable[Event]) -> tuple[_Fate, SlotIncluded | None]:
    """Return what became of an attempt: a slot is taken by one of its attempts, or by nobody's."""
    found: SlotIncluded | None = None
    lost = final = False
    for each in later:
        match each:
            case SlotIncluded():
                found, lost = each, False
            case SlotReorganised():
                found = None
            case SlotLost():
                lost = True
            case SlotFinal():
                final = True
            case _:
                pass
    if lost:
        return "lost", None
    if found is None:
        return "sent", None
    if found.tx_hash != event.tx_hash:
        return "replaced", None
    if not found.succeeded:
        return "reverted", found
    return ("final" if final else "included"), found


def _trade(entry: Entry, event: PlanApproved, later: Iterable[Entry]) -> TradeRow:
    status: Literal["running", "completed", "aborted"] = "running"
    attribution: Mapping[str, int] = {}
    hashes: list[str] = []
    ended, why = None, ""
    for each in later:
        match each.event:
            case PlanCompleted() as done:
                status, attribution, ended = "completed", done.attribution, each.chain_at
            case PlanAborted(reason=reason):
                status, why, ended = "aborted", reason, each.chain_at
            case StepVerified(tx_hash=tx_hash) | StepAccepted(tx_hash=tx_hash):
                hashes.append(tx_hash)
            case _:
                pass
    return TradeRow(
        **placed(entry, event.position_id),
        plan_id=event.plan_id,
        purpose=event.purpose,
        reason=event.reason,
        status=status,
        steps=list(event.steps),
        steps_done=len(hashes),
        cost_expected=_usd(event.cost_usd),
        attribution={line: str(raw) for line, raw in attribution.items()},
        tx_hashes=hashes,
        ended_at=ended,
        aborted_because=why,
    )


def _usd(raw: int) -> Money:
    return money(scaled(raw, USD.decimals), USD.symbol)


def scaled(raw: int, decimals: int) -> Decimal:
    """Return `raw` smallest units as whole ones, exactly, whatever the context's precision."""
    return Decimal(f"{raw}e-{decimals}")
