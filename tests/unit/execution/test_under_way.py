"""Whose balances may change by what is under way: its own position's, and its address's."""

from __future__ import annotations

from tests import worlds
from tests.unit.execution.stage import LEVERED, Stage, second, second_at

from leverd.execution.under_way import touched

ALONE, HERE, THERE = (
    worlds.mandate(position_id=name, account=account)
    for name, account in (("alone", "0xA"), ("here", "0xB"), ("there", "0xB"))
)
KNOWN = {each.position_id: each for each in (ALONE, HERE, THERE)}


def test_only_its_own_position_is_touched():
    assert touched([("alone",)], KNOWN) == {"alone": 1}
    assert touched([], KNOWN) == {}


def test_positions_at_one_address_are_touched_together():
    assert touched([("here",)], KNOWN) == {"here": 1, "there": 1}


def test_each_transaction_is_counted_and_one_that_took_a_place_for_both():
    assert touched([("here", "alone"), ("alone",)], KNOWN) == {"here": 1, "there": 1, "alone": 2}


def test_what_nobody_knows_may_be_anybodys():
    assert touched([("left the settings",)], KNOWN) == {"alone": 1, "here": 1, "there": 1}


async def test_an_executor_says_whose_transactions_are_under_way():
    stage = Stage(LEVERED, more=(second_at("2.5"),), mandates=[worlds.mandate(), second()])
    assert stage.executor.touched() == {}
    await stage.begin("1.5", urgent=True)
    assert stage.executor.touched() == {"loop": 1}
    await stage.begin("1.5", urgent=True, mandate=second())
    assert stage.executor.touched() == {"loop": 1, "other": 1}
    await stage.settle()
    assert stage.executor.touched() == {}


async def test_a_step_that_is_due_is_under_way_too():
    stage = Stage(atomic=False)
    await stage.begin("1.5")
    stage.chain.mine()
    await stage.executor.tend()
    assert stage.executor.touched() == {"loop": 1}
