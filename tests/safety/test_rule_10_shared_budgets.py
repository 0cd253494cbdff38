"""Rule 10: one plan at a time for an account; what is in flight counts against budgets."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.executions import approve, wish
from tests.limits import limits
from tests.unit.execution.stage import LEVERED, Stage, second, second_at

from leverd.engine.book import Book, pending_of
from leverd.engine.state import fold
from leverd.risk.gate import Denied, Reason, review


async def test_one_plan_at_a_time_for_an_account():
    stage = Stage(LEVERED, delay_blocks=9)
    await stage.begin("1.5", urgent=True)
    assert not (await stage.begin("1.4", urgent=True))[0]


async def test_what_open_slots_may_spend_counts_against_the_days_gas():
    stage = Stage(LEVERED, delay_blocks=9, more=[second_at("2")],
                  mandates=[worlds.mandate(), second()])  # fmt: skip
    await stage.begin("2.8")
    book = Book()
    for entry in stage.journal.replay():
        book = fold(book, entry.event, entry.chain_at)
    pending = pending_of(book)
    assert pending.gas > 0
    assert pending.trades == 1
    approved, _ = await approve(stage.venue, wish("2.5"), mandate=second())
    tight = limits(gas_day_wei_max=pending.gas)
    assert not isinstance(
        review(approved.plan, approved.view, replace(tight, gas_day_wei_max=10**18), age_s=0,
               pending=pending), Denied)  # fmt: skip
    verdict = review(approved.plan, approved.view, tight, age_s=0, pending=pending)
    assert isinstance(verdict, Denied)
    assert Reason.GAS_DAY in verdict.reasons
