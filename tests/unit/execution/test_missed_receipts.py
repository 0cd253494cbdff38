"""A node that counts a nonce and misses its receipt says nothing yet about a mined slot."""

from __future__ import annotations

from dataclasses import replace

from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.execution.slots import (
    Finalise,
    Include,
    Policy,
    Reorganise,
    Signed,
    Slot,
    Wait,
    next_move,
)
from leverd.interfaces.venue import Inclusion, Sighting

SIGNED = AttemptSigned(3, "0xKey", "plan", "loop", 0, "act", "0xaa", "", 100, 10, 1, 10**12)
INCLUDED = SlotIncluded(3, "0xKey", "0xaa", 10, "0xb10", 500, True, "", 90, 5)
SLOT = Slot(3, (Signed(SIGNED, 400),), INCLUDED)
FOUND = Inclusion("0xaa", 10, "0xb10", 500, True, "", 90, 5)
SEEN = Sighting(
    head_block=12, head_at=524, final_block=8, spent=True, inclusion=FOUND, known=frozenset()
)
MISSED = replace(SEEN, inclusion=None)


def move(seen, *, doubted=False, stands=False):
    return next_move(SLOT, seen, Policy(), doubted=doubted, stands=stands)


def test_without_a_word_a_look_is_not_doubted_and_a_block_does_not_stand():
    assert next_move(SLOT, MISSED, Policy()) == Wait()
    assert next_move(SLOT, MISSED, Policy(), doubted=True) == Reorganise()
    assert next_move(SLOT, MISSED, Policy(), stands=True) == Finalise()


def test_a_receipt_missed_once_undoes_nothing():
    assert move(MISSED) == Wait()


def test_a_receipt_missed_again_by_a_later_head_is_undone():
    assert move(MISSED, doubted=True) == Reorganise()


def test_a_receipt_of_a_final_block_may_be_kept_no_more():
    final = replace(MISSED, final_block=10)
    assert [move(final, doubted=each, stands=True) for each in (False, True)] == [Finalise()] * 2
    assert move(final, doubted=True) == Reorganise()
    assert move(replace(final, spent=False), doubted=True, stands=True) == Reorganise()


def test_a_nonce_that_is_free_again_is_undone_at_once():
    assert move(replace(MISSED, spent=False)) == Reorganise()


def test_a_receipt_of_a_block_that_is_gone_is_undone_at_once():
    assert move(replace(SEEN, canonical=False)) == Reorganise()
    assert move(replace(SEEN, inclusion=replace(FOUND, block_hash="0xother"))) == Reorganise()


def test_what_is_found_is_settled_as_before():
    assert move(SEEN) == Wait()
    assert move(replace(SEEN, final_block=10)) == Finalise()
    assert next_move(replace(SLOT, included=None), SEEN, Policy()) == Include(FOUND)
