"""The whole executor against a chain that does everything a chain may do, in any order.

Networks fail, pools forget, blocks are undone, prices and fees move, strangers act and the
process restarts. Whatever happened: once the chain is fair again, every slot ends, every plan
ends once, nothing acts twice, and the journal knows what the account holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests import worlds
from tests.executions import StillClock, approve, executor_on, of_kind, wish
from tests.simulated import venue_at

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.faults import NoFaults, SeededFaults
from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.domain.events import ExternalChanged
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import AttemptSigned, SlotLost
from leverd.errors import NonsenseError, UnreachableError


class Chain(RuleBasedStateMachine):
    """One executor after another on one chain."""

    @initialize(atomic=st.booleans(), delay=st.integers(1, 4))
    def begin(self, atomic, delay):
        self.venue = venue_at(atomic=atomic, delay_blocks=delay)
        self.chain = self.venue.chain
        self.journal = MemoryJournal(StillClock())
        self.strangers = self.viewed_at = 0
        self.restart()

    def run(self, coroutine):
        return asyncio.run(coroutine)

    @rule()
    def restart(self):
        self.executor = executor_on(self.venue, self.journal)
        self.run(self.executor.recover())

    @rule()
    def tend(self):
        """Tend, then look at the position, as each turn of the daemon does."""
        self.run(self.executor.tend(self.viewed_at))
        with contextlib.suppress(UnreachableError, NonsenseError):
            self.viewed_at = self.run(self.venue.observe([worlds.mandate()])).stamp.at

    @rule(turns=st.integers(1, 5))
    def turn(self, turns):
        for _ in range(turns):
            self.tend()
            self.chain.mine()

    @rule(count=st.integers(1, 3))
    def mine(self, count):
        self.chain.mine(count)

    @rule(seconds=st.integers(100, 2_000))
    def wait(self, seconds):
        self.chain.mine(seconds=seconds)

    @rule(leverage=st.sampled_from(["1.5", "2", "2.5"]), urgent=st.booleans())
    def begin_plan(self, leverage, urgent):
        faults, self.venue.faults = self.venue.faults, NoFaults()
        decision = wish(leverage, urgent=urgent)
        try:
            approved, nonce = self.run(approve(self.venue, decision, may_deny=True))
        finally:
            self.venue.faults = faults
        if approved is not None:
            with contextlib.suppress(UnreachableError):
                self.run(self.executor.start(approved, nonce))

    @precondition(lambda self: any(block.mined for block in self.chain.blocks[-3:]))
    @rule(depth=st.integers(1, 2), forget=st.booleans())
    def reorganise(self, depth, forget):
        depth = min(depth, len(self.chain.blocks) - 1)
        self.chain.reorganise(depth, forget=forget)
        self.chain.mine(depth + 1)

    @rule()
    def forget(self):
        self.chain.forget()

    @rule(gwei=st.integers(5, 90))
    def move_base_fee(self, gwei):
        self.chain.base_fee = gwei * worlds.GWEI

    @rule(price=st.integers(2_900, 3_100))
    def move_price(self, price):
        self.chain.change(
            markets.priced(worlds.WETH, price), markets.traded("weth-usdc", worlds.WETH, price)
        )

    @rule(seed=st.integers(0, 10**6), chance=st.sampled_from([0.1, 0.4, 0.9]))
    def break_network(self, seed, chance):
        self.venue.faults = SeededFaults(Random(seed), chance)

    @rule()
    def mend_network(self):
        self.venue.faults = NoFaults()

    @precondition(lambda self: self.strangers < 1 and len(self.chain.blocks) > 12)
    @rule()
    def let_a_stranger_sign(self):
        self.strangers += 1
        self.chain.change(markets.spent)

    @invariant()
    def nothing_is_mined_that_the_journal_does_not_name(self):
        if not hasattr(self, "journal"):
            return
        named = {event.tx_hash for event in of_kind(self.journal, AttemptSigned)}
        mined = {each.inclusion.tx_hash for block in self.chain.blocks for each in block.mined}
        assert mined <= named

    def teardown(self):
        if not hasattr(self, "journal"):
            return
        self.venue.faults = NoFaults()
        self.chain.base_fee = 20 * worlds.GWEI
        for _ in range(250):
            self.tend()
            if not self.executor.open_slots:
                break
            self.chain.mine()
        assert self.executor.open_slots == 0, "a slot never ended"
        self.check_plans()
        self.check_holdings()

    def check_plans(self):
        approved = [each.plan_id for each in of_kind(self.journal, PlanApproved)]
        ended = [each.plan_id for each in of_kind(self.journal, PlanCompleted, PlanAborted)]
        assert len(ended) >= len(set(approved))
        assert set(ended) == set(approved)
        assert not of_kind(self.journal, StepMismatched)
        assert bool(of_kind(self.journal, SlotLost)) <= bool(self.strangers)

    def check_holdings(self):
        """What the journal last saw is what the account holds, and no act happened twice."""
        acts = [
            each.sent.sequence
            for block in self.chain.blocks
            for each in block.mined
            if each.sent.step is not None and each.inclusion.succeeded
        ]
        assert acts == list(range(len(acts))), "each sequence number acts once, in order"
        pictures = of_kind(self.journal, StepVerified, ExternalChanged)
        if not pictures:
            assert not acts
            return
        known, held = pictures[-1].snapshot, self.chain.head.ledger.state(worlds.mandate()).position
        assert dict(known.supplied) == {
            asset.symbol: raw for asset, raw in held.loan.supplies.items() if raw
        }
        assert dict(known.owed) == {
            asset.symbol: raw for asset, raw in held.loan.debts.items() if raw
        }
        assert dict(known.idle) == {asset.symbol: raw for asset, raw in held.idle.items() if raw}


TestChain = Chain.TestCase
TestChain.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)


def test_the_wish_of_these_tests_is_approved_at_all():
    approved, _ = asyncio.run(approve(venue_at(), wish(Decimal(2))))
    assert approved is not None
