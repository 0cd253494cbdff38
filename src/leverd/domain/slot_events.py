"""Facts of a slot: one nonce of one signer, from its first signature to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AttemptSigned:
    """A payload for a slot is signed and about to be sent. Written before it is sent."""

    slot: int  # nonce
    signer: str  # address whose nonce it is
    plan_id: str  # "" for a cancel outside any plan
    position_id: str
    step: int
    purpose: str  # act | bump | cancel
    tx_hash: str
    payload: str  # hex of the raw transaction
    gas_limit: int
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas
    deadline: int  # chain time, unix seconds
    urgent: bool = False
    sequence: int = 0  # the account's sequence number it carries
    step_text: str = ""  # domain.step_text, so that its receipt can be verified; "" cancels
    fee_cap: int = 0  # wei per gas, the most to bid for this act
    bid_by: int = 0  # chain time by which it must bid that, 0 if it may wait
    way: str = "public"  # public | relay: who is shown it first
    block: int = 0  # newest block when it was signed


@dataclass(frozen=True, slots=True)
class AttemptPublished:
    """What only the relay had been shown is about to be shown to everybody."""

    slot: int
    signer: str
    tx_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class SlotIncluded:
    """One attempt of a slot is in a block. Provisional until `SlotFinal`."""

    slot: int
    signer: str
    tx_hash: str
    block: int
    block_hash: str
    at: int
    succeeded: bool
    reason: str  # decoded revert reason, "" on success
    gas_used: int
    gas_price: int  # wei per gas, effective
    l1_fee: int = 0  # wei beside gas, for its data on Ethereum; journals of before say none

    @property
    def paid(self) -> int:
        """Return what it cost in all, wei."""
        return self.gas_used * self.gas_price + self.l1_fee


@dataclass(frozen=True, slots=True)
class SlotReorganised:
    """The block that included a slot is no longer in the chain; the slot is open again."""

    slot: int
    signer: str
    block: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class SlotFinal:
    """A slot can no longer change."""

    slot: int
    signer: str
    block: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class SlotLost:
    """A slot was spent by a transaction that is not ours."""

    slot: int
    signer: str
    block: int


SlotEvent: TypeAlias = (
    AttemptSigned | AttemptPublished | SlotIncluded | SlotReorganised | SlotFinal | SlotLost
)
