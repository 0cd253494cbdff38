"""What must be true once the world is calm, and when a process has stopped."""

from __future__ import annotations

from decimal import Decimal

from tests.simulation.settings import DUST_USD, LOOP

from leverd.domain.events import ExternalChanged, PnlRecorded, PositionAdopted
from leverd.domain.gas_use import move_gas
from leverd.domain.loans import supplied
from leverd.domain.money import Amount, value_down
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepVerified,
)
from leverd.domain.slot_events import SlotLost
from leverd.domain.valuation import leverage
from leverd.domain.view import TradingState
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.execution import recovery
from leverd.interfaces.requests import RequestKind

TIP_WEI = 10**9
NATIVE_USD = 3_000 * 10**8
"""What the simulated venue tells of gas beside the base fee."""

_AT = Decimal("0.02")
_RESUME_EVERY_S = 240


def missing(stage):
    """Return what is not as it should be yet, "" when all is."""
    if stage._task is None:
        return "no daemon runs"
    if stage.executor is None or stage.executor.open_slots:
        return "something is under way"
    slots = stage.executor._logbook.known.slots.values()
    hashes = {each.included.block_hash for each in slots if each.included is not None}
    if any(stage.chain.block(each) is None for each in hashes):
        return "a reorganisation is not noticed yet"
    if any(stage.letters.pending_quietly()):
        return "the owner waits"
    for mandate in stage.mandates:
        state = stage.chain.head.ledger.state(mandate)
        record = stage.referee.book.page(mandate.position_id).record
        asked = stage.draw.wish == "unwind" and not stage.referee.amnesia
        closing = record.unwinding or record.stopped or asked
        small = _small(stage)
        lack = _unclosed(state, mandate, small) if closing else _off_target(state, mandate)
        lack = lack or _idle(state, mandate, small)
        if lack:
            return f"{mandate.position_id}: {lack}"
    return ""


def _off_target(state, mandate):
    debt = any(state.position.loan.debts.values())
    ratio = leverage(state)
    low, high = LOOP.boost_below - _AT, LOOP.repay_above + _AT
    if not debt or not low <= ratio <= high:
        return f"leverage {ratio:.4f} is not within {low}-{high}"
    return ""


def _small(stage):
    """Return what money must be worth, USD 1e8, to be moved for its own sake: twice its gas."""
    wei = move_gas(plain=False) * (stage.chain.base_fee + TIP_WEI)
    return max(DUST_USD, 2 * wei * NATIVE_USD // 10**18)


def _unclosed(state, mandate, small):
    loan = state.position.loan
    left = Amount(mandate.collateral, supplied(state.market, loan, mandate.collateral, state.at))
    posted = value_down(left, state.market.reserves[mandate.collateral].price)
    if any(loan.debts.values()) or posted > small:
        return "it is to be closed and is not"
    return ""


def _idle(state, mandate, small):
    """Return what lies idle and is worth its gas; collateral may, once nothing is owed."""
    assets = [mandate.debt]
    if any(state.position.loan.debts.values()):
        assets.append(mandate.collateral)
    for asset in assets:
        idle = Amount(asset, max(state.position.idle.get(asset, 0), 0))
        value = value_down(idle, state.market.reserves[asset].price)
        if value > small:
            return f"{value / 10**8:.2f} USD of {asset.symbol} lie idle"
    return ""


def resume_if_needed(stage, waited):
    """Let the owner lift what only an owner may lift, and count it."""
    if waited < _RESUME_EVERY_S * (stage.resumes + 1) or stage.executor is None:
        return
    records = [stage.referee.book.page(mandate.position_id).record for mandate in stage.mandates]
    held = [
        record
        for record in records
        if (record.trading_state is not TradingState.ACTIVE or record.unexplained or record.paused)
        and not record.unwinding
        and not record.stopped
    ]
    if held:
        stage.resumes += 1
        stage.story("the owner resumes")
        stage.letters.put(RequestKind.RESUME, "", "cli")
        referee = stage.referee
        if not (stage.strangers or referee.amnesia or referee.baffled or stage.draw.wish):
            stage.referee.fail("a position needed its owner, and nothing had called for it")


def check_books(stage):
    """Check, when a process has stopped, that the journal replays to what it knew."""
    entries = list(stage.journal.replay())
    book = Book()
    for entry in entries:
        book = fold(book, entry.event, entry.chain_at)
    if book != stage.recorder.book:
        stage.referee.fail("the journal replays to another book than the process had")
    if stage.network.last_seen is None:
        return  # it ended before it had asked the journal about its slots
    logbook = stage.executor._logbook
    known = recovery.restored(entries, stage.network.signer)
    for event in logbook._unsaid:
        known = recovery.fold(known, event, logbook.time.now, stage.network.signer)
    mine = logbook.known  # what it holds is told anew with every plan
    if (known.slots, known.flights, known.floor) != (mine.slots, mine.flights, mine.floor):
        stage.referee.fail("the journal replays to other slots than the process knew")


def check_end(stage):
    """Check the whole story of a schedule that came to rest."""
    referee = stage.referee
    events = [event for event, _ in referee.entries]
    mined = [each for block in stage.chain.blocks for each in block.mined]
    acts = [each for each in mined if each.sent.step is not None and each.inclusion.succeeded]
    _check_effects(stage, acts)
    if referee.amnesia:
        return
    _check_plans(referee, events)
    _check_holdings(stage, events)
    _check_money(stage, events, mined)
    if referee.baffled:
        return
    settled = {event.tx_hash for event in events if isinstance(event, StepVerified | StepAccepted)}
    if not {each.inclusion.tx_hash for each in acts} <= settled:
        referee.fail("an act was mined and never verified")


def _check_effects(stage, acts):
    """Nothing acted twice: not by one payload, nor two payloads for one step of a plan."""
    named = stage.referee._named
    hashes = [each.inclusion.tx_hash for each in acts]
    if len(hashes) != len(set(hashes)):
        stage.referee.fail("one payload acted twice")
    attempts = [named[each] for each in hashes if each in named]
    steps = [(each.plan_id, each.step, each.sequence) for each in attempts]
    if len({step[:2] for step in steps}) != len(steps):
        again = {step[:2] for step in steps if [one[:2] for one in steps].count(step[:2]) > 1}
        approvals = [e.plan_id for e, _ in stage.referee.entries if isinstance(e, PlanApproved)]
        if any(approvals.count(plan_id) < 2 for plan_id, _ in again):
            stage.referee.fail("a step acted twice")


def _check_plans(referee, events):
    begun = [event.plan_id for event in events if isinstance(event, PlanApproved)]
    ended = [event.plan_id for event in events if isinstance(event, PlanCompleted | PlanAborted)]
    if sorted(begun) != sorted(ended):
        referee.fail("a plan did not end, or ended twice")


def _check_holdings(stage, events):
    """What the journal last saw of each position is what it holds."""
    kinds = StepVerified | StepAccepted | ExternalChanged | PositionAdopted
    for mandate in stage.mandates:
        name = mandate.position_id
        seen = [each for each in events if isinstance(each, kinds) and each.position_id == name]
        held = stage.chain.head.ledger.state(mandate).position
        if not seen:
            continue
        known = seen[-1].snapshot
        pairs = (
            (known.supplied, held.loan.supplies),
            (known.owed, held.loan.debts),
            (known.idle, held.idle),
        )
        for shown, real in pairs:
            if dict(shown) != {asset.symbol: raw for asset, raw in real.items() if raw}:
                stage.referee.fail(f"{name} holds {real}, the journal knows {shown}")


def _check_money(stage, events, mined):
    """P&L adds up to equity, and gas to what the chain charged."""
    for mandate in stage.mandates:
        marks = [
            each
            for each in events
            if isinstance(each, PnlRecorded) and each.position_id == mandate.position_id
        ]
        if not marks:
            continue
        total = sum(sum(each.attribution.values()) + each.flow for each in marks)
        if abs(total - marks[-1].snapshot.equity - _gas_of(marks)) > 8 * len(marks):
            stage.referee.fail(f"P&L of {total} for equity {marks[-1].snapshot.equity}")
    if any(isinstance(event, SlotLost) for event in events):
        return
    pages = [stage.recorder.book.page(mandate.position_id) for mandate in stage.mandates]
    counted = sum(page.tally.gas for page in pages)
    paid = sum(
        each.inclusion.gas_used * each.inclusion.gas_price
        for each in mined
        if each.inclusion.tx_hash in stage.referee._named
        and stage.referee._named[each.inclusion.tx_hash].plan_id
    )
    if counted != paid:
        stage.referee.fail(f"counted {counted} wei of gas, the chain charged {paid}")


def _gas_of(marks):
    """Return what gas took from P&L: it is paid by the key, not by the position's equity."""
    return sum(each.attribution.get("gas", 0) for each in marks)
