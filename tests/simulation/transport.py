"""The venue of one life of the daemon: every call crosses a network that a seed spoils.

What is asked is answered by the shipped simulated venue over the node that is picked; what is
signed is signed by the shipped signer. A call is two places to die at: before what it does
and after.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.simulation import signing
from tests.simulation.draws import Fault

from leverd.adapters.simulated.venue import SimulatedVenue
from leverd.errors import ForgottenError, NonsenseError, UnreachableError

PATIENCE_S = 20.0
"""Seconds after which a client of a node gives a call up; the executor's own limit is 30."""

USUAL_S = 0.2


class SimulatedNetwork(SimulatedVenue):
    """A `Venue` for one life."""

    def __init__(self, stage, life) -> None:
        draw = stage.draw
        super().__init__(stage.chain, atomic=draw.atomic)
        self._stage, self._life, self._dice = stage, life, stage.dice
        self._key = signing.signer([mandate.account for mandate in stage.mandates])
        self._half: set[int] = set()
        self.last_seen = None

    @property
    def signer(self):
        return self._key.address

    async def observe(self, mandates):
        node = await self._arrive("observe")
        seen = await self._at(node, super().observe, mandates)
        now = self._stage.clock.now()
        stamp = replace(seen.stamp, received_at=now)
        seen = replace(seen, stamp=stamp, sources_agree=self._stage.nodes.agreeing(node))
        self._key.at(seen.stamp.at)
        await self._answer("observe")
        self.last_seen = (seen, now)
        return seen

    async def fees(self, *, urgency):
        node = await self._arrive("fees")
        bid = await self._at(node, super().fees, urgency=urgency)
        await self._answer("fees")
        return bid

    async def rehearse(self, mandate, step, sequence, deadline):
        node = await self._arrive("rehearse")
        gas = await self._at(node, super().rehearse, mandate, step, sequence, deadline)
        await self._answer("rehearse")
        return gas

    async def sign(self, order):
        self._life.step("sign")
        self._check_possible(order.step)
        made = signing.signed(self._key, order)
        self._stage.story(f"signs {order.step.kind} for slot {order.slot}, {order.fees.max_fee}")
        return made

    async def sign_cancel(self, slot, fees):
        self._life.step("sign")
        self._stage.story(f"signs a cancel for slot {slot}, {fees.max_fee}")
        return signing.cancelled(self._key, slot, fees)

    async def send(self, payload, *, private=False):
        self._life.step("send")
        sent = signing.read(payload)
        self._stage.referee.sends(sent)
        fault = self._drawn("send")
        match fault:
            case Fault.UNREACHABLE:
                raise await self._silence()
            case Fault.SEND_DROPPED:
                return
            case Fault.SEND_LATE:
                asyncio.get_running_loop().call_later(
                    self._dice.uniform(1, 120), self._stage.deliver, sent
                )
                raise await self._silence()
            case _:
                pass
        await asyncio.sleep(self._latency(fault))
        self._life.step("sent")
        self._stage.deliver(sent, strictly=True)
        if fault is Fault.SEND_DOUBLED:
            asyncio.get_running_loop().call_later(
                self._dice.uniform(0, 60), self._stage.deliver, sent
            )
        if fault is Fault.ANSWER_LOST:
            raise await self._silence()
        self._life.step("answer to send")

    async def look(self, slot, tx_hashes):
        node = await self._arrive("look")
        seen = await self._at(node, super().look, slot, tx_hashes)
        await self._answer("look")
        if seen.inclusion is not None and self._turns_half(slot):
            return replace(seen, inclusion=None)
        return seen

    async def fills(self, mandate, step, inclusion):
        node = await self._arrive("fills")
        found = await self._at(node, super().fills, mandate, step, inclusion)
        await self._answer("fills")
        return found

    async def state_before(self, mandate, inclusion):
        node = await self._arrive("state_before")
        found = await self._at(node, super().state_before, mandate, inclusion)
        await self._answer("state_before")
        return found

    async def state_after(self, mandate, inclusion):
        node = await self._arrive("state_after")
        found = await self._at(node, super().state_after, mandate, inclusion)
        await self._answer("state_after")
        return found

    async def _arrive(self, call):
        """Return the node that a read reaches, if it reaches one."""
        self._life.step(call)
        fault = self._drawn(call)
        if fault is Fault.UNREACHABLE:
            raise await self._silence()
        if fault is Fault.NONSENSE:
            raise NonsenseError(f"nonsense for {call}", number=99)
        await asyncio.sleep(self._latency(fault))
        node = self._stage.nodes.pick(self._dice)
        if node.stuck is not None:
            self._stage.count(Fault.STALE_NODE, f"a stuck node answers {call}")
        return node

    async def _answer(self, call):
        """Bring the answer back, or lose it."""
        if self._happens(Fault.ANSWER_LOST):
            self._stage.count(Fault.ANSWER_LOST, call)
            raise await self._silence()
        late = self._happens(Fault.DELAYED)
        if late:
            self._stage.count(Fault.DELAYED, call)
        await asyncio.sleep(self._dice.uniform(1, PATIENCE_S) if late else USUAL_S)
        self._life.step(f"answer to {call}")

    async def _at(self, node, ask, *args, **kwargs):
        self.chain = node
        try:
            return await ask(*args, **kwargs)
        except ForgottenError:
            self._stage.count(Fault.PRUNED, "asked for an old state")
            raise
        except NonsenseError:
            if node.stuck is None and self._stage.nodes.healthy:
                raise
            raise UnreachableError("this source does not know it yet", number=1) from None

    def _drawn(self, call):
        """Return what goes wrong with a call on its way there."""
        kinds = (Fault.UNREACHABLE, Fault.NONSENSE, Fault.DELAYED)
        if call == "send":
            kinds = (
                Fault.UNREACHABLE,
                Fault.SEND_DROPPED,
                Fault.SEND_LATE,
                Fault.SEND_DOUBLED,
                Fault.ANSWER_LOST,
                Fault.DELAYED,
            )
        for kind in kinds:
            if self._happens(kind):
                self._stage.count(kind, call)
                return kind
        return None

    def _happens(self, kind):
        chance = self._stage.chances.get(kind, 0.0)
        return chance > 0 and self._dice.random() < chance

    def _latency(self, fault):
        return self._dice.uniform(1, PATIENCE_S) if fault is Fault.DELAYED else USUAL_S

    async def _silence(self):
        """Return the error of a call that nobody answers, once it was waited for."""
        await asyncio.sleep(self._dice.choice((0.0, 1.0, PATIENCE_S)))
        self._life.step("silence")
        return UnreachableError("no answer; the outcome is unknown", number=1)

    def _turns_half(self, slot):
        """Whether this look finds the nonce spent and no receipt: once in a row at most."""
        if slot in self._half:
            self._half.discard(slot)
            return False
        if not self._happens(Fault.HALF):
            return False
        self._half.add(slot)
        self._stage.count(Fault.HALF, f"slot {slot}")
        return True
