"""What every `Venue` promises. A module per implementation inherits the suite."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from leverd.domain.apply import apply_step
from leverd.domain.money import Amount, Asset
from leverd.domain.plan import Borrow, Repay, Step, StepKind, Supply, Swap, Withdraw
from leverd.domain.position import Mandate
from leverd.errors import RefusedError, RevertedError
from leverd.interfaces.venue import Attempt, Inclusion, Order, Venue

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)
FOREVER = 2**40
WAD = 10**18


class Chain(Protocol):
    """What the suite may do to the chain behind a venue."""

    def mine(self) -> None:
        """Make one block."""
        ...


@dataclass(frozen=True)
class World:
    """A venue whose mandate's account holds 10 idle WETH and nothing else."""

    venue: Venue
    chain: Chain
    mandate: Mandate

    async def sequence(self) -> int:
        seen = await self.venue.observe([self.mandate])
        return seen.positions[self.mandate.position_id].sequence

    async def nonce(self) -> int:
        return (await self.venue.observe([self.mandate])).nonce

    async def signed(self, step: Step, *, deadline: int = FOREVER, gas_limit: int = 0) -> Attempt:
        """Rehearse and sign `step` for the next slot."""
        sequence = await self.sequence()
        venue = self.venue
        limit = gas_limit or await venue.rehearse(self.mandate, step, sequence, deadline)
        bid = await venue.fees(urgency=0.5)
        slot = await self.nonce()
        return await venue.sign(Order(self.mandate, step, slot, sequence, deadline, limit, bid))

    async def done(self, step: Step) -> Inclusion:
        """Carry `step` out."""
        attempt = await self.signed(step)
        await self.venue.send(attempt.payload)
        self.chain.mine()
        found = (await self.venue.look(attempt.slot, [attempt.tx_hash])).inclusion
        assert found is not None
        assert found.succeeded, found.reason
        return found


def single(action) -> Step:
    return Step(StepKind.SINGLE, (action,), health_min=0)


SUPPLY = single(Supply("aave", Amount(WETH, 10 * WAD)))
SOME = single(Supply("aave", Amount(WETH, WAD)))


class VenueSuite:
    """Inherit it and give a `world` fixture."""

    async def test_a_position_is_seen_with_its_sequence_and_the_keys_nonce(self, world: World):
        seen = await world.venue.observe([world.mandate])
        one = seen.positions[world.mandate.position_id]
        assert one.state.position.idle[WETH] == 10 * WAD
        assert one.state.at == seen.stamp.at
        before = (one.sequence, seen.nonce)
        await world.done(SUPPLY)
        assert (await world.sequence(), await world.nonce()) == (before[0] + 1, before[1] + 1)

    async def test_receipts_fed_to_apply_give_the_chains_own_position(self, world: World):
        raised = (
            Swap(world.mandate.pool, Amount(USDC, 9_000 * 10**6), Amount(WETH, 2 * WAD)),
            Supply("aave", Amount(WETH, WAD), all_idle=True),
            Borrow("aave", Amount(USDC, 9_000 * 10**6)),
        )
        for step in (
            Step(StepKind.RAISE, raised, health_min=12 * WAD // 10),
            single(Borrow("aave", Amount(USDC, 500 * 10**6))),
            single(Repay("aave", Amount(USDC, 200 * 10**6))),
            single(Withdraw("aave", Amount(WETH, WAD))),
            single(Swap(world.mandate.pool, Amount(USDC, 100 * 10**6), Amount(WETH, 1))),
        ):
            found = await world.done(step)
            fills = await world.venue.fills(world.mandate, step, found.tx_hash)
            before = await world.venue.state_before(world.mandate, found)
            after = await world.venue.state_after(world.mandate, found)
            told = apply_step(before, step, fills, verified=True)
            assert list(told.position.legs()) == list(after.position.legs())

    async def test_a_signed_attempt_is_known_by_its_hash_before_and_after_it_is_mined(
        self, world: World
    ):
        attempt = await world.signed(SUPPLY)
        unsent = await world.venue.look(attempt.slot, [attempt.tx_hash])
        assert (unsent.spent, unsent.inclusion, unsent.known) == (False, None, frozenset())
        await world.venue.send(attempt.payload)
        waiting = await world.venue.look(attempt.slot, [attempt.tx_hash])
        assert (waiting.spent, waiting.inclusion) == (False, None)
        assert attempt.tx_hash in waiting.known
        world.chain.mine()
        mined = await world.venue.look(attempt.slot, [attempt.tx_hash])
        assert mined.spent
        assert mined.canonical
        assert mined.inclusion is not None
        assert mined.inclusion.tx_hash == attempt.tx_hash
        assert mined.inclusion.gas_used <= attempt.gas_limit

    async def test_an_inclusion_becomes_final(self, world: World):
        found = await world.done(SUPPLY)
        slot = await world.nonce() - 1
        assert (await world.venue.look(slot, [found.tx_hash])).final_block < found.block
        for _ in range(3):
            world.chain.mine()
        assert (await world.venue.look(slot, [found.tx_hash])).final_block >= found.block

    async def test_the_same_payload_sent_twice_has_one_effect(self, world: World):
        attempt = await world.signed(SOME)
        await world.venue.send(attempt.payload)
        await world.venue.send(attempt.payload)
        world.chain.mine()
        with suppress(RefusedError):
            await world.venue.send(attempt.payload)
        world.chain.mine()
        seen = await world.venue.observe([world.mandate])
        state = seen.positions[world.mandate.position_id].state
        assert state.position.idle[WETH] == 9 * WAD
        assert seen.nonce == attempt.slot + 1

    async def test_a_higher_bid_takes_the_slot_and_a_lower_one_is_refused(self, world: World):
        first = await world.signed(SOME)
        await world.venue.send(first.payload)
        bid = first.fees
        lower = await world.venue.sign_cancel(
            first.slot, replace(bid, max_fee=bid.max_fee - 1, priority_fee=bid.priority_fee - 1)
        )
        with pytest.raises(RefusedError) as refused:
            await world.venue.send(lower.payload)
        assert refused.value.reason in {"replacement_underpriced", "underpriced"}
        higher = await world.venue.sign_cancel(
            first.slot,
            replace(bid, max_fee=bid.max_fee * 2, priority_fee=bid.priority_fee * 2),
        )
        await world.venue.send(higher.payload)
        world.chain.mine()
        seen = await world.venue.look(first.slot, [first.tx_hash, higher.tx_hash])
        assert seen.inclusion is not None
        assert seen.inclusion.tx_hash == higher.tx_hash

    async def test_a_cancel_spends_the_slot_and_leaves_the_position(self, world: World):
        slot = await world.nonce()
        cancel = await world.venue.sign_cancel(slot, await world.venue.fees(urgency=0.0))
        await world.venue.send(cancel.payload)
        world.chain.mine()
        seen = await world.venue.observe([world.mandate])
        assert seen.nonce == slot + 1
        one = seen.positions[world.mandate.position_id]
        assert one.state.position.idle[WETH] == 10 * WAD

    async def test_a_spent_nonce_is_refused_by_its_word(self, world: World):
        late = await world.signed(SOME)
        cancel = await world.venue.sign_cancel(late.slot, await world.venue.fees(urgency=1.0))
        await world.venue.send(cancel.payload)
        world.chain.mine()
        with pytest.raises(RefusedError) as refused:
            await world.venue.send(late.payload)
        assert refused.value.reason == "nonce_too_low"

    async def test_a_slot_taken_by_nothing_of_ours_is_spent_without_inclusion(self, world: World):
        cancel = await world.venue.sign_cancel(
            await world.nonce(), await world.venue.fees(urgency=0.0)
        )
        await world.venue.send(cancel.payload)
        world.chain.mine()
        seen = await world.venue.look(cancel.slot, ["0x" + "11" * 32])
        assert (seen.spent, seen.inclusion) == (True, None)

    async def test_what_would_revert_is_said_before_it_is_signed(self, world: World):
        too_much = single(Borrow("aave", Amount(USDC, 10**6)))
        with pytest.raises(RevertedError) as refused:
            await world.venue.rehearse(world.mandate, too_much, await world.sequence(), FOREVER)
        assert refused.value.reason

    async def test_a_step_past_its_deadline_or_sequence_is_mined_and_does_nothing(
        self, world: World
    ):
        for deadline, gap in ((1, 0), (FOREVER, 7)):
            bid = await world.venue.fees(urgency=0.5)
            sequence = await world.sequence() + gap
            slot = await world.nonce()
            order = Order(world.mandate, SOME, slot, sequence, deadline, 400_000, bid)
            attempt = await world.venue.sign(order)
            await world.venue.send(attempt.payload)
            world.chain.mine()
            seen = await world.venue.look(slot, [attempt.tx_hash])
            assert seen.inclusion is not None
            assert not seen.inclusion.succeeded
            assert seen.inclusion.reason
        after = await world.venue.observe([world.mandate])
        state = after.positions[world.mandate.position_id].state
        assert state.position.idle[WETH] == 10 * WAD

    async def test_a_more_urgent_bid_is_not_lower(self, world: World):
        bids = [await world.venue.fees(urgency=urgency) for urgency in (0.0, 0.5, 1.0)]
        assert [one.max_fee for one in bids] == sorted(one.max_fee for one in bids)
        assert all(0 < one.priority_fee <= one.max_fee for one in bids)
