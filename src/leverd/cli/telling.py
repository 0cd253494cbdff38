"""Every event in a sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from leverd.cli.foretold import told_prediction
from leverd.cli.spot_words import told_spot
from leverd.domain.change_text import change_words
from leverd.domain.events import (
    AlertRaised,
    BreakerTurned,
    CarryTurned,
    DaemonStarted,
    DaemonStopped,
    DecisionTaken,
    Event,
    ExternalChanged,
    HoldsFolded,
    JournalPruned,
    OrderDone,
    OrderFired,
    PeakReached,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
    Resumed,
    SettingsChanged,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.money import Amount, Asset
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    PlanDenied,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.prediction_events import PredictionEvent
from leverd.domain.slot_events import (
    AttemptPublished,
    AttemptSigned,
    SlotEvent,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.spot_events import SpotEvent

_DECIMALS_MAX = 36
"""More than any token has."""
_GWEI = 10**9
_ETHER = 10**18
_USD = 10**8


def told(event: Event) -> str:
    """Return what happened, and why."""
    if isinstance(event, SpotEvent):
        return told_spot(event)
    if isinstance(event, PredictionEvent):
        return told_prediction(event)
    if isinstance(event, SlotEvent):
        return _slot(event)
    match event:
        case PlanApproved() | PlanDenied() | PlanAborted() | PlanCompleted():
            return _plan(event)
        case StepVerified() | StepAccepted() | StepMismatched() | ExternalChanged() | PnlRecorded():
            return _balance(event)
        case DecisionTaken() | HoldsFolded() | AlertRaised():
            return _word(event)
        case PeakReached() | OrderFired() | OrderDone() | CarryTurned():
            return _order(event)
        case (
            TradingStateChanged()
            | BreakerTurned()
            | UnwindRequested()
            | Resumed()
            | PortfolioStopped()
        ):
            return _standing(event)
        case (
            DaemonStarted()
            | DaemonStopped()
            | SettingsChanged()
            | PositionAdopted()
            | JournalPruned()
        ):
            return _state(event)
        case _:
            assert_never(event)


def _word(event: DecisionTaken | HoldsFolded | AlertRaised) -> str:
    match event:
        case DecisionTaken(agent=agent, decision=decision, target=target, reason=reason):
            return f"{agent}: {decision}{f' {target}' if target else ''}, because {reason}"
        case HoldsFolded(count=count, first_block=first, last_block=last, reason=reason):
            return f"held {count} times, blocks {first}-{last}, because {reason}"
        case AlertRaised(code=code, message=message):
            return f"{code} {message}"
        case _:
            assert_never(event)


def _slot(event: SlotEvent) -> str:
    match event:
        case AttemptSigned(slot=slot, purpose=purpose, tx_hash=tx_hash, max_fee=max_fee):
            way = ", to the relay" if event.way == "relay" else ""
            return (
                f"slot {slot}: signed to {purpose}, {tx_hash}, at most {_gwei(max_fee)} gwei{way}"
            )
        case AttemptPublished(slot=slot, tx_hash=tx_hash, reason=reason):
            return f"slot {slot}: shown to everybody, {tx_hash}, because {reason}"
        case SlotIncluded(slot=slot, block=block, succeeded=True) as found:
            spent = Decimal(found.paid) / _ETHER
            return f"slot {slot}: in block {block}, {found.gas_used} gas, {spent:f} ETH"
        case SlotIncluded(slot=slot, block=block, reason=reason):
            return f"slot {slot}: reverted in block {block}, because {reason}"
        case SlotReorganised(slot=slot, block=block):
            return f"slot {slot}: block {block} is no longer in the chain; open again"
        case SlotFinal(slot=slot, block=block):
            return f"slot {slot}: final in block {block}"
        case SlotLost(slot=slot, block=block):
            return f"slot {slot}: spent by a transaction not ours by block {block}"
        case _:
            assert_never(event)


def _plan(event: PlanApproved | PlanDenied | PlanAborted | PlanCompleted) -> str:
    match event:
        case PlanApproved(purpose=purpose, steps=steps, cost_usd=cost, reason=reason):
            what = "; ".join(steps)
            return f"approved to {purpose}: {what}; about {_usd(cost)} USD, because {reason}"
        case PlanDenied(purpose=purpose, reasons=reasons):
            return f"denied to {purpose}: {'; '.join(reasons)}"
        case PlanAborted(step=step, reason=reason):
            return f"aborted at step {step}, because {reason}"
        case PlanCompleted():
            return "completed, every step verified"
        case _:
            assert_never(event)


def _balance(
    event: StepVerified | StepAccepted | StepMismatched | ExternalChanged | PnlRecorded,
) -> str:
    match event:
        case StepVerified(step=step, tx_hash=tx_hash, proof=proof):
            how = "" if proof == "states" else ", by its receipt; P&L is at later prices"
            return f"step {step} gave exactly what was planned, {tx_hash}{how}"
        case StepAccepted(step=step, tx_hash=tx_hash):
            return f"step {step} succeeded, {tx_hash}; balances are taken as they are now"
        case StepMismatched(step=step, expected=expected, found=found):
            return f"step {step} gave {dict(found)}, not {dict(expected)}"
        case ExternalChanged(cause=cause, explained=explained):
            note = "" if explained else ", unexplained"
            return f"changed by others ({cause}{note}): {', '.join(change_words(event))}"
        case PnlRecorded():
            return _mark(event)
        case _:
            assert_never(event)


def _state(
    event: DaemonStarted | DaemonStopped | SettingsChanged | PositionAdopted | JournalPruned,
) -> str:
    match event:
        case DaemonStarted(version=version, mode=mode):
            return f"leverd {version} started, mode {mode}"
        case DaemonStopped(reason=reason, unguarded=unguarded):
            left = f"; left unguarded: {'; '.join(unguarded)}" if unguarded else ""
            return f"stopped, because {reason}{left}"
        case SettingsChanged(changes=changes, by=by, before=before, after=after):
            return f"settings {before} -> {after} by {by}: {'; '.join(changes)}"
        case PositionAdopted(account=account):
            return f"found on chain and adopted, account {account}"
        case JournalPruned(through=through, dropped=dropped):
            return f"{dropped} entries up to {through} were pruned"
        case _:
            assert_never(event)


def _standing(
    event: TradingStateChanged | BreakerTurned | UnwindRequested | Resumed | PortfolioStopped,
) -> str:
    match event:
        case TradingStateChanged(state=state, reason=reason, by=by, paused=paused):
            return f"{'paused' if paused else state} by {by}, because {reason}"
        case BreakerTurned(breaker=breaker, circuit=circuit, reason=reason):
            return f"breaker of {breaker} is {circuit.replace('_', '-')}, because {reason}"
        case UnwindRequested(by=by, now=now):
            return f"unwind{' at once' if now else ''} asked for by {by}"
        case Resumed(by=by):
            return f"resumed by {by}"
        case PortfolioStopped(unit_price=price, unit_peak=peak):
            return f"portfolio stop: unit price {price} after a peak of {peak}"
        case _:
            assert_never(event)


def _order(event: PeakReached | OrderFired | OrderDone | CarryTurned) -> str:
    match event:
        case PeakReached(price=price, health=health):
            return f"best since opening: price {_usd(price)}, health {Decimal(health) / _ETHER:.4f}"
        case OrderFired(reason=reason, closes=closes):
            return f"{reason}: {'everything is closed' if closes else 'a share is sold'}"
        case OrderDone(order=order, block=block):
            return f"{order} is done, seen in block {block}"
        case CarryTurned(low=low, carry=carry):
            how = "less than is borne" if low else "borne again"
            return f"carry {Decimal(carry) / _ETHER:.2%} of equity a year is {how}"
        case _:
            assert_never(event)


def _mark(event: PnlRecorded) -> str:
    """Return a P&L mark in words: what moved, what flowed, what a unit is worth."""
    lines = [
        f"{line.replace('_', ' ')} {_shared(amount, event):+.2f}"
        for line, amount in event.attribution.items()
        if amount
    ]
    flow = f", flow {_shared(event.flow, event):+.2f}" if event.flow else ""
    told = ", ".join(lines) or "unchanged"
    price = f"unit {_shared(event.unit_price, event):.6f} {event.share_class}"
    return f"P&L {told}{flow}; {price}"


def _shared(raw: int, event: PnlRecorded) -> Decimal:
    decimals = min(max(event.share_decimals, 0), _DECIMALS_MAX)
    return Amount(Asset(event.share_class, decimals), raw).whole


def _gwei(wei: int) -> str:
    return f"{Decimal(wei) / _GWEI:f}"


def _usd(amount: int) -> str:
    return f"{Decimal(amount) / _USD:.2f}"
