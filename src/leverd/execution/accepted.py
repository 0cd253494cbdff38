"""A step that succeeded without anybody knowing what it started from. Pure.

Its receipt still says what it moved. What the present balances show beyond that was done by
others around it, and is judged as reconciliation judges all that others do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from leverd.domain.events import AlertRaised, Event
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import RAY
from leverd.domain.money import Asset
from leverd.domain.plan import (
    Action,
    Approve,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.plan_events import StepAccepted
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.snapshot import Snapshot
from leverd.execution.reconcile import reconcile
from leverd.execution.verify import StepDone, fills_out

ACCEPTED: Final = "LVD-EXE-004"

Leg: TypeAlias = tuple[str, str]  # idle | supplied | owed, and the asset's symbol


def accepted(
    mandate: Mandate,
    attempt: AttemptSigned,
    done: StepDone,
    known: Snapshot | None,
    present: Snapshot,
) -> tuple[Event, ...]:
    """Return the record of a step whose start nobody knows, and of what others did around it.

    `known` is what was held when it was decided, as far as the journal says.
    """
    text = "a step succeeded while nobody watched; balances are taken as they are now"
    fact = StepAccepted(
        attempt.plan_id,
        attempt.position_id,
        attempt.step,
        attempt.tx_hash,
        fills_out(done.fills),
        present,
    )
    alert = AlertRaised(attempt.position_id, ACCEPTED, text, {"transaction": attempt.tx_hash})
    if known is None:
        return fact, alert
    return fact, alert, *reconcile(mandate, _expected(known, done, present), present)


def unseen(attempt: AttemptSigned, present: Snapshot) -> tuple[Event, ...]:
    """Return the record of a step that is in the chain, and of which nothing else is told."""
    text = "a step was mined and no node keeps its receipt; balances are taken as they are now"
    return (
        StepAccepted(
            attempt.plan_id,
            attempt.position_id,
            attempt.step,
            attempt.tx_hash,
            fills_out(()),
            present,
        ),
        AlertRaised(attempt.position_id, ACCEPTED, text, {"transaction": attempt.tx_hash}),
    )


def _expected(known: Snapshot, done: StepDone, present: Snapshot) -> Snapshot:
    """Return what would be held had nobody else acted; less than nothing where somebody must have.

    Each lending call may round by a scaled unit: so much is no difference.
    """
    legs = _Legs(
        Counter(
            {
                **{("idle", symbol): raw for symbol, raw in known.idle.items()},
                **{("supplied", symbol): raw for symbol, raw in known.supplied.items()},
                **{("owed", symbol): raw for symbol, raw in known.owed.items()},
            }
        ),
        Counter(),
    )
    for action, fill in zip(done.step.actions, done.fills, strict=True):
        legs.move(action, fill)

    def part(kind: str, found: Mapping[str, int]) -> dict[str, int]:
        symbols = found.keys() | {symbol for each, symbol in legs.held if each == kind}
        return {symbol: legs.rounded((kind, symbol), found.get(symbol, 0)) for symbol in symbols}

    return replace(
        known,
        idle=part("idle", present.idle),
        supplied=part("supplied", present.supplied),
        owed=part("owed", present.owed),
    )


@dataclass(frozen=True, slots=True)
class _Legs:
    """Balances under way, and how many scaled units each may be off."""

    held: Counter[Leg]
    slack: Counter[Leg]

    def rounded(self, leg: Leg, found: int) -> int:
        """Return what is expected, or what was `found` where rounding may tell them apart."""
        expected = self.held[leg]
        return found if abs(found - expected) <= self.slack[leg] else expected

    def move(self, action: Action, fill: Fill) -> None:
        """Carry `action` out."""
        match action:
            case Supply(amount=amount):
                self._lend("supplied", amount.asset, 1, _raw(amount.raw, fill), fill)
            case Withdraw(amount=amount, everything=everything):
                for raw in fill.before:
                    self._lend("supplied", amount.asset, -1, raw, fill)
                raw = self._last("supplied", amount.asset, amount.raw, fill, everything=everything)
                self._lend("supplied", amount.asset, -1, raw, fill)
            case Borrow(amount=amount):
                self._lend("owed", amount.asset, 1, amount.raw, fill)
            case Repay(amount=amount, everything=everything):
                raw = self._last("owed", amount.asset, amount.raw, fill, everything=everything)
                self._lend("owed", amount.asset, -1, raw, fill)
            case Swap(sell=sold, buy_min=bought) | BuyExact(sell_max=sold, buy=bought):
                self.held["idle", sold.asset.symbol] -= fill.sold
                self.held["idle", bought.asset.symbol] += fill.bought
            case SetEMode() | Approve():
                pass
            case _:
                assert_never(action)

    def _lend(self, kind: str, asset: Asset, sign: int, raw: int, fill: Fill) -> None:
        """Move `raw` into (1) or out of (-1) what is supplied or owed."""
        leg, growing = (kind, asset.symbol), sign if kind == "owed" else -sign
        self.held[leg] += sign * (raw * RAY // _index(kind, fill))
        self.slack[leg] += 1
        self.held["idle", asset.symbol] += growing * raw

    def _last(self, kind: str, asset: Asset, raw: int, fill: Fill, *, everything: bool) -> int:
        if not everything or fill.amount is not None:
            return _raw(raw, fill)
        self.slack["idle", asset.symbol] += 1
        return self.held[kind, asset.symbol] * _index(kind, fill) // RAY


def _raw(named: int, fill: Fill) -> int:
    return named if fill.amount is None else fill.amount


def _index(kind: str, fill: Fill) -> int:
    """Return the index (ray) that a scaled balance of `kind` grows by; receipts tell it."""
    liquidity, borrow = fill.indexes or (RAY, RAY)
    return borrow if kind == "owed" else liquidity
