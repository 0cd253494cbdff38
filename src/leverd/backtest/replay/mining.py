"""What comes of a plan in the blocks of a replay, and what the journal says of it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from leverd.adapters.simulated.ledger import EMPTY_GAS, Ledger, Revert, play
from leverd.backtest.replay.models import Models
from leverd.backtest.replay.world import SOURCE, block_hash
from leverd.domain import loans
from leverd.domain.events import Event
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import WAD
from leverd.domain.gas_use import step_gas
from leverd.domain.liquidation import Liquidation, liquidate
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanAborted, PlanCompleted, StepVerified
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned, SlotFinal
from leverd.domain.state import State
from leverd.domain.step_text import to_text
from leverd.domain.view import Stamp
from leverd.engine import accounting
from leverd.engine.book import Book, Page
from leverd.engine.collect import snapshot_of
from leverd.engine.state import fold
from leverd.errors import ImpossibleError
from leverd.execution import facts
from leverd.execution.facts import Running
from leverd.execution.reconcile import reconcile
from leverd.execution.settler import DEADLINE
from leverd.execution.verify import StepDone, fills_out
from leverd.interfaces.venue import Inclusion
from leverd.risk.urgency import URGENT

SIGNER: Final = "0x5265706c6179000000000000000000000000ca5e"
"""Whose nonces the slots of a replay are: nobody's."""

UNLUCKY: Final = "it failed for no reason of its own, as the models say some do"

_ROUNDS_MAX: Final = 8
"""Liquidations at one price; each takes at least half of the debt, or ends it."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A plan under way: its next step, and the chain time of the block that will hold it."""

    running: Running
    block_at: int


@dataclass(frozen=True, slots=True)
class Mined:
    """What one block did: the ledger after it, and what happened."""

    slot: int
    ledger: Ledger
    done: StepDone | None  # None if it reverted
    inclusion: Inclusion


def mined(ledger: Ledger, flight: Flight, models: Models, base_fee: int, block: int) -> Mined:
    """Return what the block at `ledger.at`, number `block`, makes of the flight's next step."""
    running, slot = flight.running, ledger.nonce
    step, mandate = running.plan.steps[running.step], running.mandate
    price = base_fee + models.chain.tip
    after, fills, reason, gas = ledger, tuple[Fill, ...](), "", step_gas(step)
    before = ledger.state(mandate)
    if ledger.at > running.plan.deadline:  # a cancel has spent the nonce
        reason, gas = DEADLINE, EMPTY_GAS
    elif _is_unlucky(models, slot):
        reason = UNLUCKY
    else:
        try:
            after, fills = play(ledger, mandate, step, running.sequence, running.plan.deadline)
        except Revert as revert:
            reason = revert.reason
    after = replace(after, nonce=slot + 1, native=ledger.native - gas * price)
    inclusion = Inclusion(
        f"0x{slot:064x}", block, block_hash(block), ledger.at, not reason, reason, gas, price
    )
    if reason:
        return Mined(slot, after, None, inclusion)
    done = StepDone(step, fills, before, after.state(mandate), inclusion)
    return Mined(slot, after, done, inclusion)


def told(found: Mined, flight: Flight, page: Page, models: Models) -> tuple[Event, ...]:
    """Return what the journal says of a mined step, in the order of the live one."""
    running, inclusion = flight.running, found.inclusion
    plan = running.plan
    attempt = AttemptSigned(
        slot=found.slot,
        signer=SIGNER,
        plan_id=plan.plan_id,
        position_id=plan.position_id,
        step=running.step,
        purpose="act",
        tx_hash=inclusion.tx_hash,
        payload="",
        gas_limit=inclusion.gas_used,
        max_fee=inclusion.gas_price,
        priority_fee=models.chain.tip,
        deadline=plan.deadline,
        urgent=plan.purpose is Purpose.DELEVERAGE or running.approved.urgency == URGENT,
        sequence=running.sequence,
        step_text=to_text(plan.steps[running.step]),
    )
    included = facts.inclusion_of(attempt, inclusion)
    final = SlotFinal(attempt.slot, SIGNER, inclusion.block, inclusion.block_hash)
    if found.done is None:
        aborted = PlanAborted(plan.plan_id, plan.position_id, running.step, inclusion.reason)
        return attempt, included, aborted, final
    before, after = accounting.marks_around(page, found.done, models.native, SOURCE)
    fact = StepVerified(
        plan.plan_id,
        plan.position_id,
        running.step,
        inclusion.tx_hash,
        fills_out(found.done.fills),
        after.snapshot,
    )
    if running.step + 1 < len(plan.steps):
        return attempt, included, fact, before, after, final
    lines = facts.summed(running.lines, (before, after))
    end = PlanCompleted(plan.plan_id, plan.position_id, after.snapshot, lines)
    return attempt, included, fact, before, end, after, final


def liquidated(ledger: Ledger, mandate: Mandate) -> tuple[Ledger, tuple[Liquidation, ...]]:
    """Return the ledger after liquidators took what they may of a position below health 1."""
    taken: list[Liquidation] = []
    state = ledger.state(mandate)
    while len(taken) < _ROUNDS_MAX and _health(state) < WAD:
        loan = state.position.loan
        owed = loans.owed(state.market, loan, mandate.debt, state.at)
        try:
            done = liquidate(
                state.market, loan, mandate.collateral, mandate.debt, 2 * owed, state.at
            )
        except ImpossibleError:
            break  # nothing to take, or frozen: no liquidator can either
        taken.append(done)
        position = state.position.with_loan(mandate.lending, done.loan)
        state = replace(state.with_market(done.market), position=position)
    if not taken:
        return ledger, ()
    return ledger.with_state(state, acted=False), tuple(taken)


def seized(page: Page, before: State, after: State, stamp: Stamp, price: int) -> tuple[Event, ...]:
    """Return what the journal says of liquidations at one price; `price` is the native token's.

    They are found and booked as a live daemon does it: by what is gone of the balances.
    """
    mandate = before.position.mandate
    quiet = accounting.mark(page, before, stamp, price)
    fact, *_ = reconcile(mandate, quiet.snapshot, snapshot_of(after, stamp))
    book = Book({mandate.position_id: page})
    for event in (quiet, fact):
        book = fold(book, event, stamp.at)
    return quiet, fact, accounting.mark(book.page(mandate.position_id), after, stamp, price)


def _is_unlucky(models: Models, slot: int) -> bool:
    share, seed = models.chain.failing, models.chain.seed
    if not share:
        return False
    drawn = hashlib.sha256(f"{seed}|{slot}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") < share * 2**64


def _health(state: State) -> int:
    return loans.summarise(state.market, state.position.loan, state.at).health
