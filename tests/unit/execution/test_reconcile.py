"""Balances that changed without us: who did it, and what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import worlds
from tests.executions import WAYS
from tests.simulated import chain_at
from tests.worlds import USDC, WETH

from leverd.adapters.simulated import markets
from leverd.domain.events import AlertRaised, ExternalChanged, PositionAdopted
from leverd.domain.money import Asset
from leverd.domain.view import Stamp
from leverd.execution.reconcile import LIQUIDATED, UNEXPLAINED, reconcile

LOOP = worlds.mandate()
ARB = Asset("ARB", 18)


def picture(chain):
    head = chain.head
    stamp = Stamp(
        "test", head.number, head.block_hash, head.ledger.at, worlds.view().stamp.received_at
    )
    return WAYS.photograph(head.ledger.state(LOOP), stamp)


def after(*changes, state=None, seconds=12):
    """Return what reconciling says after `changes` happened to a levered position."""
    state = state or worlds.state(posted=25, debt=45_000, idle=1, idle_debt=1_000)
    chain = chain_at(state)
    known = picture(chain)
    chain.change(*changes)
    chain.mine(seconds=seconds)
    return reconcile(LOOP, known, picture(chain))


def cause_of(facts):
    changed = next(fact for fact in facts if isinstance(fact, ExternalChanged))
    return changed.cause, changed.explained


def test_a_position_never_seen_is_adopted():
    found = picture(chain_at())
    assert reconcile(LOOP, None, found) == (PositionAdopted("loop", "0xAccount", found),)


@pytest.mark.parametrize("seconds", [12, 86_400, 365 * 86_400])
def test_growing_interest_is_no_change(seconds):
    assert after(seconds=seconds) == ()


def test_a_moving_price_is_no_change():
    assert after(markets.priced(WETH, 1_900)) == ()


def test_an_older_picture_says_nothing():
    chain = chain_at()
    old = picture(chain)
    chain.change(markets.given("0xAccount", WETH, 5))
    chain.mine()
    assert reconcile(LOOP, picture(chain), old) == ()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (markets.given("0xAccount", WETH, 10**18), "deposit"),
        (markets.given("0xAccount", USDC, 10**6), "deposit"),
        (markets.given("0xAccount", ARB, 10**18), "reward"),
        (markets.given("0xAccount", USDC, -(10**6)), "withdrawal"),
        (markets.supplied_for(LOOP, WETH, 10**18), "supply"),
        (markets.repaid_for(LOOP, USDC, 10**9), "repay"),
    ],
)
def test_what_adds_no_risk_is_explained_and_planned_from(change, cause):
    facts = after(change)
    assert cause_of(facts) == (cause, True)
    assert not any(isinstance(fact, AlertRaised) for fact in facts)


def test_an_owner_who_trades_what_is_idle_is_explained():
    swap = (markets.given("0xAccount", WETH, 10**17), markets.given("0xAccount", USDC, -(10**8)))
    assert cause_of(after(*swap)) == ("trade", True)


def test_a_liquidation_is_named_and_said():
    facts = after(
        markets.priced(WETH, 2_100),
        markets.liquidated(LOOP),
        state=worlds.state(posted=25, debt=45_000),
    )
    assert cause_of(facts) == ("liquidation", True)
    assert [fact.code for fact in facts if isinstance(fact, AlertRaised)] == [LIQUIDATED]


def owed(more):
    known = picture(chain_at(worlds.state(posted=25, debt=45_000)))
    return known, replace(known, owed={"USDC": known.owed["USDC"] + more})


def test_debt_that_nobody_of_ours_took_is_unexplained_and_said():
    facts = reconcile(LOOP, *owed(10**9))
    assert cause_of(facts) == ("unexplained", False)
    assert [fact.code for fact in facts if isinstance(fact, AlertRaised)] == [UNEXPLAINED]


def test_collateral_that_left_a_debt_behind_is_unexplained():
    known, _ = owed(0)
    less = replace(known, supplied={"WETH": known.supplied["WETH"] - 10**18})
    assert cause_of(reconcile(LOOP, known, less)) == ("unexplained", False)


def test_collateral_that_left_no_debt_behind_was_withdrawn():
    known = picture(chain_at(worlds.state(posted=25)))
    assert cause_of(reconcile(LOOP, known, replace(known, supplied={}))) == ("withdrawal", True)


def test_every_leg_that_changed_is_listed():
    fact = after(markets.given("0xAccount", WETH, 7), markets.repaid_for(LOOP, USDC, 10**9))[0]
    assert fact.changes["idle:WETH"] == 7
    assert fact.changes["owed:USDC"] < 0
    assert fact.snapshot.idle["WETH"] == 10**18 + 7


def test_a_leg_that_came_or_went_is_told_with_all_of_it():
    known = picture(chain_at(worlds.state(posted=1)))
    without = replace(known, supplied={}, idle={})
    appeared = reconcile(LOOP, without, known)[0]
    gone = reconcile(LOOP, known, without)[0]

    assert appeared.changes["supplied:WETH"] == known.supplied["WETH"]
    assert gone.changes["supplied:WETH"] == -known.supplied["WETH"]
