"""Positions on an EVM chain: looked at in one batch, acted on through one signing key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leverd.adapters.evm import access_list, fees, fills, plain
from leverd.adapters.evm.access_list import AccessList
from leverd.adapters.evm.client import EvmClient, Snapshot
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.inclusions import Inclusions
from leverd.adapters.evm.past import Past
from leverd.adapters.evm.relay import NoRelay, Relay
from leverd.adapters.evm.scope import World
from leverd.adapters.evm.signer import LocalSigner
from leverd.adapters.evm.slot_look import SlotLook
from leverd.adapters.evm.sources import probing
from leverd.adapters.evm.steps import Steps
from leverd.adapters.evm.survey import Survey
from leverd.adapters.evm.watcher import Watcher
from leverd.domain import loans, valuation
from leverd.domain.fills import Fill
from leverd.domain.plan import Step, StepKind
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.domain.view import Gas, Stamp
from leverd.interfaces.chain_client import Call
from leverd.interfaces.clock import Clock
from leverd.interfaces.signer import UnsignedTransaction
from leverd.interfaces.venue import (
    Attempt,
    Fees,
    Inclusion,
    Observation,
    Observed,
    Order,
    Sighting,
    Trace,
)

_CANCEL_GAS: Final = 21_000

LOWERING: Final = frozenset({StepKind.LOWER, StepKind.CLOSE})
"""Steps of one transaction that lower risk, and nothing else."""


class EvmVenue:
    """A `Venue` on one chain, for one key."""

    def __init__(
        self,
        config: EvmVenueConfig,
        client: EvmClient,
        signer: LocalSigner,
        clock: Clock,
        relay: Relay | None = None,
    ) -> None:
        self._relay = relay or NoRelay()
        self._config = config
        self._client = client
        self._signer = signer
        self._clock = clock
        self._watcher = Watcher(config, client, signer.address)
        self._admitted: Survey | None = None
        self._inclusions = Inclusions(client)
        self._past = Past(client, self._watcher, self._inclusions)
        self._lists = access_list.Kept()
        self._first = b""  # the payload signed last, if nothing presses it and it was not sent

    @property
    def name(self) -> str:
        """The venue's name; see `Venue`."""
        return self._config.name

    @property
    def signer(self) -> str:
        """The address whose nonces are the slots; see `Venue`."""
        return self._signer.address

    @property
    def config(self) -> EvmVenueConfig:
        """What it was told of the chain, and where things of ours are kept."""
        return self._watcher.config

    def hold(self, pools: Mapping[str, str]) -> None:
        """Look for what is ours in `pools`, by market, whatever their providers name now."""
        self._watcher.hold(pools)

    async def survey(self) -> Survey:
        """Return the parts of the venues, read from the chain when first asked for."""
        found = await self._watcher.survey()
        if found is not self._admitted and _held_by(found, self.signer):
            self._signer.admit(
                plain.rules(found, self._config),
                tokens=frozenset(self._config.addresses.values()),
                spenders=plain.spenders(found, self._config),
            )
        self._admitted = found
        return found

    async def observe(self, mandates: Sequence[Mandate]) -> Observation:
        """Return every mandate's position from one block; see `Venue`."""
        with probing():
            look = await self._watcher.look(mandates)
            snapshot, world = look.snapshot, look.world
            head = snapshot.batch.head
            agree = await self._client.witnesses(head, self.signer, snapshot.nonce)
        self._signer.at(head.at)
        return Observation(
            stamp=Stamp(
                self._client.source, head.number, head.block_hash, head.at, self._clock.now()
            ),
            gas=self._gas(snapshot, world),
            nonce=snapshot.nonce,
            positions={
                mandate.position_id: self._observed(mandate, world, look.survey)
                for mandate in mandates
            },
            sources_agree=agree,
        )

    async def fees(self, *, urgency: float) -> Fees:
        """Return a bid; see `Venue`."""
        base_fee, tips = await self._client.recent_fees(fees.BLOCKS)
        return fees.bid(
            base_fee,
            tips,
            urgency,
            profile=self._config.profile,
            price_max=self._config.gas_price_wei_max,
        )

    async def rehearse(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> int:
        """Return the gas limit `step` needs if sent now; see `Venue`.

        It is tried on the newest block, not the pending one: an attempt of ours that waits in
        the pool for the same slot would be played first there, and hide what this one does.
        """
        call = await self._call(mandate, step, sequence, deadline)
        # Where calldata is paid for on Ethereum too, a list would cost more than it saves.
        listing = not self._config.profile.l1_data_fee
        tried = await self._client.try_out(call, sender=self.signer, listing=listing)
        self._lists.keep(call, tried.access_list)
        return tried.limit

    async def sign(self, order: Order) -> Attempt:
        """Return `order` as a signed payload; see `Venue`."""
        steps = Steps(self._config, await self.survey(), self._client)
        call = await steps.call(order.mandate, order.step, order.sequence, order.deadline)
        needed = await steps.needed(order.mandate, order.step)
        if needed is not None:
            self._signer.need(*needed)
        listed = self._lists.of(call)
        if order.repeats:
            listed = access_list.repeated(order.repeats, call)
        signed = self._signed(call, order.slot, order.gas_limit, order.fees, listed)
        calm = order.step.kind not in LOWERING and not order.repeats
        self._first = signed.payload if calm else b""
        return signed

    async def sign_cancel(self, slot: int, fees: Fees) -> Attempt:
        """Return a payload that spends `slot` and does nothing; see `Venue`."""
        return self._signed(Call(self.signer, b""), slot, _CANCEL_GAS, fees)

    async def send(self, payload: bytes, *, private: bool = False) -> None:
        """Hand a signed payload over; see `Venue`.

        A node may take a transaction and show it to nobody. So only the first public payload for
        a slot goes to one node; what is sent again, bids more, cancels or lowers goes to all.
        """
        is_first, self._first = payload == self._first, b""
        if private:
            await self._relay.send(payload)
        else:
            await self._client.send(payload, to_all=not is_first)

    async def look(self, slot: int, tx_hashes: Sequence[str]) -> Sighting:
        """Return what became of `slot`; see `Venue`."""
        with probing():
            seen = await self._client.look(self.signer, slot, tx_hashes)
            inclusion, canonical, trace = None, True, None
            if seen.receipts:
                receipt = seen.receipts[0]
                block = await self._client.block(receipt.block)
                canonical = block is not None and block.block_hash == receipt.block_hash
                inclusion = await self._inclusions.of(receipt)
                self._signer.cost(slot, receipt.paid)
            elif seen.nonce > slot:
                trace = await self._trace(seen)
        return Sighting(
            head_block=seen.head.number,
            head_at=seen.head.at,
            final_block=seen.final_number,
            spent=seen.nonce > slot,
            inclusion=inclusion,
            canonical=canonical,
            known=seen.known,
            trace=trace,
        )

    async def _trace(self, seen: SlotLook) -> Trace | None:
        """Return where an attempt is of which no receipt is kept, None if it is in no block."""
        for tx_hash, place in seen.placed.items():
            block = await self._client.block(place.block)
            if block is not None and block.block_hash == place.block_hash:
                return Trace(tx_hash, place.block, place.block_hash, block.at, place.gas_price)
        return None

    async def replaced(self, block: int, block_hash: str) -> bool:
        """Return whether another block stands at that height; see `Venue`."""
        found = await self._client.block(block)
        return found is not None and found.block_hash != block_hash

    async def fills(self, mandate: Mandate, step: Step, inclusion: Inclusion) -> tuple[Fill, ...]:
        """Return what each action of a mined step really did; see `Venue`."""
        receipt = await self._inclusions.receipt(inclusion)
        return fills.fills(await self.survey(), mandate, step, receipt, inclusion.at)

    async def state_before(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the parent block; see `Venue`."""
        return await self._past.before(mandate, inclusion)

    async def state_after(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the block that included a step; see `Venue`."""
        return await self._past.after(mandate, inclusion)

    async def close(self) -> None:
        """Release connections; see `Venue`."""
        await self._relay.close()
        await self._client.close()

    def _gas(self, snapshot: Snapshot, world: World) -> Gas:
        tip = max(snapshot.priority_fee, self._config.profile.priority_fee_min)
        # In a spike full blocks return at once: a fee that is about to fall is not counted on.
        base_fee = max(snapshot.base_fee, snapshot.batch.head.base_fee)
        return Gas(
            base_fee=base_fee,
            priority_fee=tip,
            native_price=world.native_price,
            operator_balance=world.native_balance,
        )

    def _observed(self, mandate: Mandate, world: World, found: Survey) -> Observed:
        holding = world.holdings[mandate.position_id]
        kind = found.accounts[mandate.account.lower()]
        market = found.markets[mandate.lending]
        contract = holding.contract
        now = world.lendings[mandate.lending]
        moved = now[0] != market.pool
        known = contract is None or (contract.lending_pool, contract.lending_revision) == now
        ours = contract is not None and contract.operator.lower() == self.signer.lower() and known
        plain = contract is None and mandate.account.lower() == self.signer.lower()
        return Observed(
            state=world.state(mandate),
            sequence=0 if contract is None else contract.sequence,
            atomic=contract is not None,
            trusted=(
                market.trusted
                and world.unchanged[mandate.lending]
                and world.sequencer_up
                and kind.trusted
                and _agrees(mandate, world)
                and (ours or plain)
            ),
            health_reported=holding.health_reported or 0,
            plain=contract is None,
            closes_only=not known,
            allowances=holding.allowances,
            moved_to=now[0] if moved else "",
        )

    async def _call(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> Call:
        steps = Steps(self._config, await self.survey(), self._client)
        return await steps.call(mandate, step, sequence, deadline)

    def _signed(
        self, call: Call, slot: int, gas_limit: int, bid: Fees, listed: AccessList = ()
    ) -> Attempt:
        signed = self._signer.sign(
            UnsignedTransaction(
                chain_id=self._config.chain_id,
                nonce=slot,
                to=call.to,
                data=call.data,
                value=0,
                gas=gas_limit,
                max_fee=bid.max_fee,
                priority_fee=bid.priority_fee,
                access_list=listed,
            )
        )
        return Attempt(slot, signed.tx_hash, signed.payload, gas_limit, bid)


def _agrees(mandate: Mandate, world: World) -> bool:
    """Return whether our health is the pool's own, to the wei, where the pool was asked.

    One that can tell none agrees with what cannot be valued, and with nothing else.
    """
    holding = world.holdings[mandate.position_id]
    if holding.health_reported is None:
        return valuation.unpriced(world.state(mandate)) is not None
    if not holding.health_reported:
        return True
    ours = loans.summarise(world.markets[mandate.lending], holding.account.loan, world.at)
    return ours.health == holding.health_reported


def _held_by(found: Survey, signer: str) -> bool:
    """Return whether a position is held by the key's own address."""
    own = found.accounts.get(signer.lower())
    return own is not None and own.state is None
