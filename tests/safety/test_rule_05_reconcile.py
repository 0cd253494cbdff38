"""Rule 5: reconcile on scaled balances; what others did is planned from, or said."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.executions import WAYS, approve, wish
from tests.limits import limits
from tests.simulated import chain_at, venue_at

from leverd.adapters.simulated import markets
from leverd.domain.events import PositionAdopted
from leverd.domain.view import View
from leverd.engine.book import Book, record_of
from leverd.engine.state import fold
from leverd.execution.reconcile import reconcile
from leverd.risk.gate import Denied, Reason, review

LOOP = worlds.mandate()


def picture(state, number):
    stamp = replace(worlds.view().stamp, block=number, at=state.at)
    return WAYS.photograph(state, stamp)


def told(known, found):
    """Return what the book makes of the facts that lead from `known` to `found`."""
    book = fold(Book(), PositionAdopted("loop", "0xAccount", known), worlds.NOON)
    for fact in reconcile(LOOP, known, found):
        book = fold(book, fact, worlds.NOON)
    return book


def test_a_year_of_interest_is_no_mismatch():
    chain = chain_at(worlds.at_leverage(2))
    known = picture(chain.head.ledger.state(LOOP), 1)
    chain.mine(seconds=365 * 86_400)
    assert reconcile(LOOP, known, picture(chain.head.ledger.state(LOOP), 2)) == ()


async def test_an_unexplained_debt_holds_back_new_risk_until_the_owner_resumes():
    state = worlds.at_leverage(2)
    known = picture(state, 1)
    found = replace(known, block=2, owed={"USDC": known.owed["USDC"] + 10**9})
    record = record_of(told(known, found), "loop", worlds.NOON)
    assert record.unexplained
    approved, _ = await approve(venue_at(state), wish("2.5"))
    wary = replace(approved.view, record=record)
    assert isinstance(wary, View)
    verdict = review(approved.plan, wary, limits(), age_s=0)
    assert isinstance(verdict, Denied)
    assert Reason.UNEXPLAINED in verdict.reasons


def test_money_that_somebody_brought_holds_nothing_back():
    chain = chain_at(worlds.at_leverage(2))
    known = picture(chain.head.ledger.state(LOOP), 1)
    chain.change(markets.given("0xAccount", worlds.WETH, 10**18))
    chain.mine()
    book = told(known, picture(chain.head.ledger.state(LOOP), 2))
    assert not record_of(book, "loop", worlds.NOON).unexplained
    assert book.page("loop").snapshot.idle["WETH"] == 10**18
