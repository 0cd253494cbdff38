"""A `Venue` over a chain in memory, with everything that can go wrong on a real one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from leverd.adapters.simulated.chain import BLOCK_S, Mined, SimulatedChain
from leverd.adapters.simulated.faults import Fault, Faults, NoFaults
from leverd.adapters.simulated.ledger import EMPTY_GAS, Ledger, Revert, play
from leverd.adapters.simulated.transaction import Transaction, of_payload
from leverd.domain import loans
from leverd.domain.fills import Fill
from leverd.domain.gas_use import step_gas
from leverd.domain.plan import Step, StepKind
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.domain.view import Gas, Stamp
from leverd.errors import ForgottenError, NonsenseError, OwnerError, RevertedError, UnreachableError
from leverd.interfaces.venue import (
    Attempt,
    Fees,
    Inclusion,
    Observation,
    Observed,
    Order,
    Sighting,
)

SIGNER: Final = "0x5151515151515151515151515151515151515151"
_TIP: Final = 10**9


class SimulatedVenue:
    """Acts on a `SimulatedChain` through one key; `faults` stands between the two."""

    def __init__(
        self,
        chain: SimulatedChain,
        *,
        faults: Faults | None = None,
        atomic: bool = True,
        native_price: int = 3_000 * 10**8,
    ) -> None:
        self.chain = chain
        self.faults: Faults = faults or NoFaults()
        self._atomic, self._native_price = atomic, native_price

    @property
    def name(self) -> str:
        """The venue's name; see `Venue`."""
        return "simulated"

    @property
    def signer(self) -> str:
        """The address whose nonces are the slots; see `Venue`."""
        return SIGNER

    async def observe(self, mandates: Sequence[Mandate]) -> Observation:
        """Return every mandate's position from the newest block; see `Venue`."""
        self._reach("observe")
        head = self.chain.head
        stamp = Stamp(
            self.name,
            head.number,
            head.block_hash,
            head.ledger.at,
            datetime.fromtimestamp(head.ledger.at, UTC),
        )
        gas = Gas(self.chain.base_fee, _TIP, self._native_price, head.ledger.native)
        positions = {
            mandate.position_id: self._observed(head.ledger, mandate) for mandate in mandates
        }
        return Observation(stamp, gas, head.ledger.nonce, positions)

    async def fees(self, *, urgency: float) -> Fees:
        """Return a bid; see `Venue`."""
        self._reach("fees")
        tip = _TIP + int(_TIP * 4 * urgency)
        return Fees(2 * self.chain.base_fee + tip, tip)

    async def rehearse(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> int:
        """Return the gas limit `step` needs if sent now; see `Venue`."""
        self._reach("rehearse")
        self._check_possible(step)
        pending = self._pending()
        try:
            play(pending, mandate, step, sequence, deadline)
        except Revert as error:
            raise RevertedError(error.reason, number=1) from error
        return step_gas(step) * 5 // 4

    async def sign(self, order: Order) -> Attempt:
        """Return `order` as a signed payload; see `Venue`."""
        self._check_possible(order.step)
        return _attempt(
            Transaction(
                order.slot,
                order.gas_limit,
                order.fees,
                order.mandate.account,
                order.step,
                order.sequence,
                order.deadline,
            )
        )

    async def sign_cancel(self, slot: int, fees: Fees) -> Attempt:
        """Return a payload that spends `slot` and does nothing; see `Venue`."""
        return _attempt(Transaction(slot, EMPTY_GAS, fees))

    async def send(self, payload: bytes, *, private: bool = False) -> None:
        """Hand a signed payload over, privately by a call named `relay`; see `Venue`."""
        fault = self.faults.next("relay" if private else "send")
        if fault is Fault.UNREACHABLE:
            raise _no_answer("send")
        if fault is Fault.DROPPED:
            return
        sent = of_payload(payload)
        self.chain.send(sent)
        if fault is Fault.DUPLICATED:
            self.chain.send(sent)
        if fault is Fault.ANSWER_LOST:
            raise _no_answer("send")

    async def look(self, slot: int, tx_hashes: Sequence[str]) -> Sighting:
        """Return what became of `slot`; see `Venue`."""
        self._reach("look")
        receipts = [self.chain.receipt(tx_hash) for tx_hash in tx_hashes]
        found = next((receipt for receipt in receipts if receipt is not None), None)
        head = self.chain.head
        return Sighting(
            head_block=head.number,
            head_at=head.ledger.at,
            final_block=self.chain.final_number,
            spent=head.ledger.nonce > slot,
            inclusion=None if found is None else found.inclusion,
            known=frozenset(filter(self.chain.holds, tx_hashes)),
        )

    async def replaced(self, block: int, block_hash: str) -> bool:
        """Return whether another block stands at that height; see `Venue`."""
        self._reach("replaced")
        heights = {each.number: each.block_hash for each in self.chain.blocks}
        return heights.get(block, block_hash) != block_hash

    async def fills(self, mandate: Mandate, step: Step, inclusion: Inclusion) -> tuple[Fill, ...]:  # noqa: ARG002 - the receipt has it all
        """Return what each action of a mined step really did; see `Venue`."""
        self._reach("fills")
        return self._receipt(inclusion).fills

    async def state_before(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the parent block; see `Venue`."""
        self._reach("state_before")
        return self._state(self._place(inclusion) - 1, mandate)

    async def state_after(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the block that included a step; see `Venue`."""
        self._reach("state_after")
        return self._state(self._place(inclusion), mandate)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _reach(self, call: str) -> None:
        if self.faults.next(call) is not Fault.NONE:
            raise _no_answer(call)

    def _observed(self, ledger: Ledger, mandate: Mandate) -> Observed:
        state = ledger.state(mandate)
        health = loans.summarise(state.market, state.position.loan, ledger.at).health
        holder = ledger.holders[mandate.account]
        return Observed(
            state,
            holder.sequence,
            atomic=self._atomic,
            trusted=not holder.closes_only,
            health_reported=health,
            closes_only=holder.closes_only,
        )

    def _pending(self) -> Ledger:
        ledger = self.chain.head.ledger
        return Ledger(
            ledger.at + BLOCK_S,
            ledger.lending,
            ledger.pools,
            ledger.holders,
            ledger.nonce,
            ledger.native,
        )

    def _check_possible(self, step: Step) -> None:
        if step.kind is not StepKind.SINGLE and not self._atomic:
            raise OwnerError("this account cannot do several things in one transaction", number=61)

    def _receipt(self, inclusion: Inclusion) -> Mined:
        found = self.chain.receipt(inclusion.tx_hash)
        if found is None or found.inclusion.block_hash != inclusion.block_hash:
            said = f"no receipt of {inclusion.tx_hash} in block {inclusion.block}"
            raise NonsenseError(f"{said}, which included it", number=10)
        return found

    def _state(self, place: int, mandate: Mandate) -> State:
        if place < len(self.chain.blocks) - self.chain.states_max:
            number = self.chain.blocks[place].number
            raise ForgottenError(f"the state of block {number} is kept no more", number=13)
        return self.chain.blocks[place].ledger.state(mandate)

    def _place(self, inclusion: Inclusion) -> int:
        place = self.chain.block(inclusion.block_hash)
        if place is None:
            raise NonsenseError(f"no block {inclusion.block_hash}", number=3)
        return place


def _attempt(made: Transaction) -> Attempt:
    return Attempt(made.nonce, made.tx_hash, made.payload, made.gas_limit, made.fees)


def _no_answer(call: str) -> UnreachableError:
    return UnreachableError(f"no answer to {call}; the outcome is unknown", number=1)
