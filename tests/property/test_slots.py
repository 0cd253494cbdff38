"""The slot machine: whatever happens and however often, no payload is forgotten or doubled."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.execution import slots
from leverd.execution.slots import (
    CANCEL,
    Bump,
    Cancel,
    Finalise,
    Include,
    Lose,
    Policy,
    Reorganise,
    Resend,
    Wait,
    fold,
    next_move,
    open_slots,
    replacement,
)
from leverd.interfaces.venue import Fees, Inclusion, Sighting

ME = "0xsigner"
POLICY = Policy()
DEADLINE = 600


def attempt(slot, name, *, purpose="act", fee=100, tip=10, urgent=False):
    return AttemptSigned(
        slot,
        ME,
        "plan",
        "loop",
        0,
        purpose,
        name,
        name.encode().hex(),
        500_000,
        fee,
        tip,
        DEADLINE,
        urgent,
    )


def inclusion(name, *, block=5, block_hash="0x5"):
    return Inclusion(name, block, block_hash, 60, True, "", 1, 1)


def included(slot, name, **where):
    found = inclusion(name, **where)
    return SlotIncluded(slot, ME, name, found.block, found.block_hash, found.at, True, "", 1, 1)


numbers = st.integers(0, 2)
names = st.sampled_from(["0xa", "0xb", "0xc"])
blocks = st.integers(1, 9)
purposes = st.sampled_from(["act", "bump", CANCEL])
fees = st.integers(0, 10**12)

attempts = st.builds(
    lambda slot, name, purpose, fee, urgent: attempt(
        slot, f"{name}{slot}", purpose=purpose, fee=fee, tip=fee // 7, urgent=urgent
    ),
    numbers,
    names,
    purposes,
    fees,
    st.booleans(),
)
events = st.one_of(
    attempts,
    st.builds(
        lambda slot, name, block: included(slot, f"{name}{slot}", block=block),
        numbers,
        names,
        blocks,
    ),
    st.builds(lambda slot, block: SlotReorganised(slot, ME, block, "0x5"), numbers, blocks),
    st.builds(lambda slot, block: SlotFinal(slot, ME, block, "0x5"), numbers, blocks),
    st.builds(lambda slot, block: SlotLost(slot, ME, block), numbers, blocks),
)
histories = st.lists(st.tuples(events, st.integers(0, 1_000)), max_size=25)


@st.composite
def sightings(draw, hashes):
    head = draw(st.integers(1, 12))
    found = None
    if hashes and draw(st.booleans()):
        block = draw(st.integers(1, head))
        found = inclusion(draw(st.sampled_from(hashes)), block=block, block_hash=f"0x{block}")
    return Sighting(
        head_block=head,
        head_at=draw(st.integers(0, 2_000)),
        final_block=draw(st.integers(0, head)),
        spent=found is not None or draw(st.booleans()),
        inclusion=found,
        canonical=draw(st.booleans()),
        known=frozenset(draw(st.lists(st.sampled_from(hashes)))) if hashes else frozenset(),
    )


def after(history):
    known = {}
    for event, at in history:
        known = fold(known, event, at)
    return known


@given(histories)
def test_an_event_that_comes_twice_changes_nothing(history):
    known = {}
    for event, at in history:
        once = fold(known, event, at)
        assert fold(once, event, at) == once
        known = once


@given(histories)
def test_a_payload_is_forgotten_only_when_its_slot_is_final(history):
    known, signed = {}, {}
    for event, at in history:
        known = fold(known, event, at)
        match event:
            case AttemptSigned(slot=slot):
                signed.setdefault(slot, set()).add(event.tx_hash)
            case SlotFinal(slot=slot):
                signed.pop(slot, None)
            case _:
                pass
        assert {number: set(slot.hashes) for number, slot in known.items()} == signed


@given(histories, st.data())
def test_nothing_new_is_signed_for_a_slot_that_may_be_spent(history, data):
    known = after(history)
    assume(known)
    slot = data.draw(st.sampled_from(sorted(known.values(), key=lambda each: each.number)))
    seen = data.draw(sightings(slot.hashes))
    wanted, doubted = data.draw(st.booleans()), data.draw(st.booleans())
    move = next_move(slot, seen, POLICY, wanted=wanted, doubted=doubted)
    if isinstance(move, Bump | Cancel | Resend):
        assert slot.waiting
        assert not seen.spent
    if isinstance(move, Bump | Cancel):
        newest = slot.newest
        assert move.least.max_fee * 100 >= newest.max_fee * 110
        assert move.least.max_fee > 0
        assert move.least.priority_fee * 100 >= newest.priority_fee * 110
    if isinstance(move, Bump):
        assert slot.newest.purpose != CANCEL
        assert seen.head_at < slot.newest.deadline
        assert wanted


@given(histories, st.data())
def test_a_slot_ends_only_when_what_spent_it_is_final(history, data):
    known = after(history)
    assume(known)
    slot = data.draw(st.sampled_from(sorted(known.values(), key=lambda each: each.number)))
    seen = data.draw(sightings(slot.hashes))
    move = next_move(slot, seen, POLICY, doubted=data.draw(st.booleans()))
    if isinstance(move, Finalise):
        spender = slot.included or slot.lost
        assert spender is not None
        assert spender.block <= seen.final_block
        assert seen.spent
    if isinstance(move, Lose):
        assert seen.spent
        assert seen.inclusion is None
        assert move.block == seen.head_block
    if isinstance(move, Include):
        assert seen.canonical
        assert move.inclusion.tx_hash in slot.hashes
    if isinstance(move, Reorganise):
        assert not slot.waiting


@given(histories, st.data())
def test_moves_depend_on_the_journal_alone_so_a_restart_makes_the_same(history, data):
    known = after(history)
    assume(known)
    number = data.draw(st.sampled_from(sorted(known)))
    seen = data.draw(sightings(known[number].hashes))
    again = after([(event, at) for event, at in history for _ in range(2)])
    assert next_move(known[number], seen, POLICY) == next_move(again[number], seen, POLICY)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_replacement_bids_a_tenth_more_on_both_and_at_least_one_wei(max_fee, priority_fee):
    bid = replacement(Fees(max_fee, priority_fee))
    assert bid.max_fee * 10 >= max_fee * 11
    assert bid.max_fee > max_fee
    assert bid.priority_fee * 10 >= priority_fee * 11
    assert bid.priority_fee > priority_fee
    assert bid.max_fee <= max_fee * 11 // 10 + 2, "and hardly more than it must"


class FairNode:
    """Takes what it is sent, mines the highest bid that pays `asks`, forgets now and then."""

    def __init__(self, asks, forgets):
        self.asks, self.forgets = asks, forgets
        self.pool, self.block, self.mined = {}, 1, None

    def send(self, sent):
        if not any(each.max_fee * 110 > sent.max_fee * 100 for each in self.pool.values()):
            self.pool = {sent.tx_hash: sent}

    def mine(self):
        self.block += 1
        best = max(self.pool.values(), key=lambda each: each.max_fee, default=None)
        if best is not None and best.max_fee >= self.asks and self.mined is None:
            self.mined = inclusion(best.tx_hash, block=self.block, block_hash=f"0x{self.block}")
            self.pool = {}
        if self.block in self.forgets:
            self.pool = {}

    def look(self):
        return Sighting(
            self.block,
            12 * self.block,
            max(self.block - 2, 0),
            self.mined is not None,
            self.mined,
            known=frozenset(self.pool),
        )


@given(
    st.integers(1, 300), st.sets(st.integers(2, 30)), st.booleans(), st.booleans(), st.booleans()
)
def test_on_a_fair_chain_every_slot_ends(asks, forgets, urgent, wanted, sent):
    node, known = FairNode(asks, forgets), {}
    first = attempt(0, "0x0", urgent=urgent)
    known = fold(known, first, 12)
    if sent:
        node.send(first)
    for turn in range(1, 400):
        slot = known.get(0)
        if slot is None:
            break
        move, now = next_move(slot, node.look(), POLICY, wanted=wanted), 12 * node.block
        match move:
            case Wait():
                pass
            case Resend():
                node.send(slot.newest)
            case Bump(least) | Cancel(least):
                more = replace(
                    slot.newest,
                    purpose=CANCEL if isinstance(move, Cancel) else "bump",
                    tx_hash=f"0x{turn}",
                    max_fee=least.max_fee,
                    priority_fee=least.priority_fee,
                )
                known = fold(known, more, now)
                node.send(more)
            case Include(found):
                known = fold(
                    known,
                    included(0, found.tx_hash, block=found.block, block_hash=found.block_hash),
                    now,
                )
            case Finalise():
                known = fold(known, SlotFinal(0, ME, slot.included.block, ""), now)
            case _:
                raise AssertionError(move)
        node.mine()
    assert known == {}
    assert open_slots(known) == ()
    assert node.mined is not None


def test_one_look_at_a_spent_nonce_proves_nothing():
    known = fold({}, attempt(0, "0xa"), 10)
    seen = Sighting(9, 100, 7, True, None)
    assert next_move(known[0], seen, POLICY) == Wait()
    assert next_move(known[0], seen, POLICY, doubted=True) == Lose(9)


def test_what_a_stranger_spent_opens_again_when_the_chain_takes_it_back():
    known = slots.fold(fold({}, attempt(0, "0xa"), 10), SlotLost(0, ME, 9), 100)
    assert open_slots(known) == ()
    assert next_move(known[0], Sighting(10, 110, 8, True, None), POLICY) == Wait()
    assert next_move(known[0], Sighting(11, 120, 9, True, None), POLICY) == Finalise()
    assert next_move(known[0], Sighting(11, 120, 8, False, None), POLICY) == Reorganise()


def test_our_payload_that_comes_after_all_is_ours():
    known = slots.fold(fold({}, attempt(0, "0xa"), 10), SlotLost(0, ME, 9), 100)
    found = inclusion("0xa")
    assert next_move(known[0], Sighting(10, 110, 3, True, found), POLICY) == Include(found)
