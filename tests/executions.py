"""A small daemon for tests of execution: real planner, gate and executor on a chain in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests import worlds
from tests.limits import TIMING, limits

from leverd.domain.decision import Hold, SetLeverage, Unwind
from leverd.domain.plan_events import PlanAborted, PlanApproved, PlanCompleted, StepVerified
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.valuation import leverage
from leverd.domain.view import View
from leverd.engine import planner
from leverd.engine.collect import snapshot_of
from leverd.engine.turn import terms_of
from leverd.execution.executor import Executor, Ways
from leverd.risk.gate import Approved, review

BAND = Decimal("0.02")
WAYS = Ways(snapshot_of, lambda _mandate, _done: ())
LIMITS = limits(position_usd_max=Decimal(10_000_000), trades_day_max=1_000)


class StillClock:
    """A clock that stands still: the chain's time is what counts here."""

    def now(self):
        return datetime.fromtimestamp(worlds.NOON, UTC)

    def monotonic(self):
        return 0.0

    async def sleep(self, seconds):
        raise AssertionError("nothing here waits")


def executor_on(venue, journal, *mandates, policy=None, ways=WAYS) -> Executor:
    return Executor(venue, journal, mandates or [worlds.mandate()], ways, policy)


def wish(target, *, urgent=False):
    """Return the decision for a leverage, or to close for 1."""
    if target == 1:
        return Unwind("test", "a test asks", urgent=urgent)
    return SetLeverage("test", Decimal(target), "a test asks", urgent=urgent)


async def view_of(venue, mandate=None) -> tuple[View, int]:
    """Return one position's view, and the key's next nonce."""
    mandate = mandate or worlds.mandate()
    seen = await venue.observe([mandate])
    one = seen.positions[mandate.position_id]
    return View(seen.stamp, one.state, seen.gas, one.sequence, one.atomic), seen.nonce


async def approve(
    venue, decision, *, mandate=None, may_deny=False, **changes
) -> tuple[Approved | None, int]:
    """Return the approved plan for `decision`, None if nothing is left to do, and the nonce."""
    view, nonce = await view_of(venue, mandate)
    bounds = replace(LIMITS, **changes)
    plan = planner.plan(decision, view, terms_of(view, bounds, TIMING))
    if plan is None:
        return None, nonce
    verdict = review(plan, view, bounds, age_s=0)
    if may_deny and not isinstance(verdict, Approved):
        return None, nonce
    assert isinstance(verdict, Approved), verdict
    return verdict, nonce


async def within_band(venue, decision, mandate=None):
    """Return `decision`, or a Hold when the position is as good as there, as an agent would."""
    view, _ = await view_of(venue, mandate)
    target = getattr(decision, "target", None)
    if target is not None and abs(leverage(view.state) - target) < BAND:
        return Hold("test", "within the band")
    return decision


async def live(executor, venue, decision, *, turns=80, mandate=None) -> None:
    """Take turns until nothing is left to do and nothing is under way."""
    for _ in range(turns):
        await executor.tend()
        if executor.open_slots == 0:
            here = await within_band(venue, decision, mandate)
            approved, nonce = await approve(venue, here, mandate=mandate)
            if approved is None:
                return
            await executor.start(approved, nonce)
        venue.chain.mine()
    raise AssertionError("it never came to rest")


def of_kind(journal, *kinds):
    """Return the events of these kinds, oldest first."""
    return [entry.event for entry in journal.replay() if isinstance(entry.event, kinds)]


def check_books(journal, chain) -> None:
    """Check that journal and chain tell one story: nothing lost, nothing doubled."""
    named = {event.tx_hash: event for event in of_kind(journal, AttemptSigned)}
    mined = [mined for block in chain.blocks for mined in block.mined]
    assert all(each.inclusion.tx_hash in named for each in mined), "sent before it was journaled"
    acts = [
        each.inclusion.tx_hash
        for each in mined
        if each.sent.step is not None and each.inclusion.succeeded
    ]
    verified = [event.tx_hash for event in of_kind(journal, StepVerified)]
    assert set(verified) == set(acts), "each act is verified, and nothing else is"
    assert len(acts) == len(set(acts))
    sequences = [(named[tx].position_id, named[tx].sequence) for tx in acts]
    assert len(sequences) == len(set(sequences)), "no act happens twice"
    ends = [event.plan_id for event in of_kind(journal, PlanCompleted, PlanAborted)]
    assert len(ends) == len(set(ends)), "a plan ends once"
    assert set(ends) == {event.plan_id for event in of_kind(journal, PlanApproved)}
