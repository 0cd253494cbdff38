"""The one place that can spend a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Access:
    """A contract that a transaction will touch, and which of its storage slots."""

    address: str
    slots: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """An EIP-1559 transaction, whole but for its signature."""

    chain_id: int
    nonce: int
    to: str  # checksum address; never empty: leverd's daemon creates no contracts
    data: bytes
    value: int  # wei
    gas: int
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas
    access_list: tuple[Access, ...] = ()  # paid beforehand, for less (EIP-2930)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A payload ready to send; its hash is known before it is sent."""

    tx_hash: str  # 0x-prefixed
    payload: bytes


class Signer(Protocol):
    """Signs what its allow-list covers and nothing else. The key never leaves it."""

    @property
    def address(self) -> str:
        """The checksum address that pays for gas."""
        ...

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Return `transaction`, signed.

        Raises:
            SigningRefusedError: chain, target, selector, value, approval, fee or the length of
                the access list is not allowed.
        """
        ...
