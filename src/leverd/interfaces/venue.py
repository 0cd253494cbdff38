"""A place where positions live and plans act, for one signing key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from leverd.domain.fills import Fill
from leverd.domain.money import Asset
from leverd.domain.plan import Step
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.domain.view import Gas, Stamp


@dataclass(frozen=True, slots=True)
class Observed:
    """One position as the venue shows it."""

    state: State
    sequence: int  # the account's next sequence number, 0 where it has none
    atomic: bool  # it can open, adjust and close in one transaction
    trusted: bool  # known revision, code and pool
    health_reported: int  # wad, the venue's own figure; 0 if not asked this time
    plain: bool = False  # held by a plain address, which must approve what it spends
    closes_only: bool = False  # its owner knew another market: it can be closed, in one call
    allowances: Mapping[tuple[str, Asset], int] = field(default_factory=dict)
    """What a plain address lets a venue take already, raw, by venue and asset."""
    moved_to: str = ""  # the pool that the market names now, where this one is kept by another


@dataclass(frozen=True, slots=True)
class Observation:
    """Every position of a venue, from one block."""

    stamp: Stamp
    gas: Gas
    nonce: int  # mined transactions of the signing key at that block
    positions: Mapping[str, Observed]  # by position id
    sources_agree: int = 1


@dataclass(frozen=True, slots=True)
class Fees:
    """What we bid for inclusion, wei per gas."""

    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True)
class Order:
    """One step, to be signed for one slot."""

    mandate: Mandate
    step: Step
    slot: int  # nonce
    sequence: int
    deadline: int  # chain time, unix seconds
    gas_limit: int
    fees: Fees
    repeats: bytes = b""  # an earlier payload for this slot that does the same, b"" for none


@dataclass(frozen=True, slots=True)
class Attempt:
    """A signed payload for a slot; its hash is known before it is sent."""

    slot: int
    tx_hash: str
    payload: bytes
    gas_limit: int
    fees: Fees


@dataclass(frozen=True, slots=True)
class Inclusion:
    """One attempt, found in a block."""

    tx_hash: str
    block: int
    block_hash: str
    at: int
    succeeded: bool
    reason: str  # decoded revert reason, "" on success
    gas_used: int
    gas_price: int  # wei per gas, effective
    l1_fee: int = 0  # wei beside gas, for its data on Ethereum; a rollup's alone

    @property
    def paid(self) -> int:
        """Return what it cost in all, wei."""
        return self.gas_used * self.gas_price + self.l1_fee


@dataclass(frozen=True, slots=True)
class Trace:
    """One attempt that a block of the chain holds, where its receipt is kept no more."""

    tx_hash: str
    block: int
    block_hash: str
    at: int
    gas_price: int  # wei per gas, effective


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the chain says about a slot, all from one consistent look.

    `spent` without any `inclusion` or `trace` means a transaction that is not ours took the slot.
    """

    head_block: int
    head_at: int  # chain time
    final_block: int  # blocks at or below no longer change
    spent: bool  # the signing key's mined nonce is past the slot
    inclusion: Inclusion | None
    canonical: bool = True  # the inclusion's block is in the chain we see
    known: frozenset[str] = field(default_factory=frozenset)  # attempt hashes a pool holds
    trace: Trace | None = None  # never beside an inclusion


class Venue(Protocol):
    """Reads are retried inside; sends never are. Every method may raise `UnreachableError`."""

    @property
    def name(self) -> str:
        """The venue's name in settings and stamps."""
        ...

    @property
    def signer(self) -> str:
        """The address whose nonces are the slots."""
        ...

    async def observe(self, mandates: Sequence[Mandate]) -> Observation:
        """Return every mandate's position from one block."""
        ...

    async def fees(self, *, urgency: float) -> Fees:
        """Return a bid; `urgency` runs from 0 (calm) to 1 (save the position)."""
        ...

    async def rehearse(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> int:
        """Return the gas limit `step` needs if sent now.

        Raises:
            RevertedError: it would revert; nothing was sent.
        """
        ...

    async def sign(self, order: Order) -> Attempt:
        """Return `order` as a signed payload, without sending it.

        One that repeats an earlier payload differs from it in its fees alone.

        Raises:
            SigningRefusedError: the allow-list says no.
        """
        ...

    async def sign_cancel(self, slot: int, fees: Fees) -> Attempt:
        """Return a payload that spends `slot` and does nothing."""
        ...

    async def send(self, payload: bytes, *, private: bool = False) -> None:
        """Hand a signed payload over. Sending the same one twice has one effect.

        `private` hands it to the relay only, which shows it to block builders and nobody else.

        Raises:
            RefusedError: it was not taken.
            UnreachableError: it may or may not have been taken.
        """
        ...

    async def look(self, slot: int, tx_hashes: Sequence[str]) -> Sighting:
        """Return what became of `slot`, given the hashes of all its attempts."""
        ...

    async def replaced(self, block: int, block_hash: str) -> bool:
        """Return whether the chain has another block at that height than the one of that hash.

        A height that the node keeps no block of counts as not replaced.
        """
        ...

    async def fills(self, mandate: Mandate, step: Step, inclusion: Inclusion) -> tuple[Fill, ...]:
        """Return what each action of a mined, successful step really did, from its receipt.

        Raises:
            NonsenseError: the receipt is of another block than `inclusion`, on another branch.
        """
        ...

    async def state_before(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the parent of the block that included a step.

        Raises:
            ForgottenError: no node keeps it any more; receipts and the present are still told.
        """
        ...

    async def state_after(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the block that included a step.

        Raises:
            ForgottenError: no node keeps it any more; receipts and the present are still told.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
