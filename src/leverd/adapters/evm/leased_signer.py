"""Signing by turns: several machines have the key, and only the holder of a lease may use it.

Without the lease only that is signed, and only that is sent, which the account contract lets
happen once whoever asks for it, and only while it is needed: a deleverage that carries the
account's next sequence number and the health below which it acts, or what puts idle money to
use. A plain address has no such fence: for it nothing is signed without the lease.
"""

from __future__ import annotations

from typing import Final

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from leverd.adapters.evm import abi, account_calls, codes
from leverd.adapters.evm.allow_list import AllowList
from leverd.adapters.evm.signer import GasBudget, LocalSigner
from leverd.errors import RefusedError, SigningRefusedError
from leverd.interfaces.lease import Lease
from leverd.interfaces.signer import SignedTransaction, UnsignedTransaction

UNLEASED: Final = "without_lease"
"""The reason of a refusal to send."""

_SELECTOR: Final = 4
_DYNAMIC_FEE: Final = b"\2"
_HEALTH_BELOW: Final = {account_calls.LOWER.selector: 4, account_calls.CLOSE.selector: 2}
"""Which argument says below what health the call acts."""

_IDLE: Final = frozenset({account_calls.SUPPLY.selector, account_calls.REPAY.selector})
"""What posts or repays idle money of the account: its health can only rise, whoever asks and when.

A rescue that finds enough of it sells nothing: were it not signed, nothing would be done at all.
"""


class LeasedSigner(LocalSigner):
    """A `LocalSigner` that asks for the lease before each signature, and before each sending."""

    __slots__ = ("_lease",)

    def __init__(
        self,
        account: LocalAccount,
        allow: AllowList,
        budget: GasBudget | None,
        lease: Lease,
    ) -> None:
        super().__init__(account, allow, budget)
        self._lease = lease

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Return `transaction`, signed; see `Signer`.

        Raises:
            SigningRefusedError: also where another daemon may have the lease by now.
        """
        if not (is_fenced(transaction.data) or self._lease.holds()):
            raise SigningRefusedError(
                "another daemon may act for this key by now, and this could happen twice",
                number=codes.NO_LEASE,
                place="standby",
                remedy="nothing was signed; leverd db lease says who holds the lease",
            )
        return super().sign(transaction)

    def check_sending(self, payload: bytes) -> None:
        """Check that `payload` may leave this process now; to be asked right before it does.

        Raises:
            RefusedError: another daemon may have the lease by now.
        """
        if self._lease.holds() or is_fenced(_data_of(payload)):
            return
        text = "not sent: another daemon may act for this key by now"
        raise RefusedError(UNLEASED, text, number=codes.SEND_UNLEASED)


def is_fenced(data: bytes) -> bool:
    """Return whether a call does no harm twice or late: the account contract sees to it."""
    selector = data[:_SELECTOR]
    if selector in _IDLE:
        return True
    if selector not in _HEALTH_BELOW:
        return False
    begin = _SELECTOR + _HEALTH_BELOW[selector] * abi.WORD
    word = data[begin : begin + abi.WORD]
    return len(word) == abi.WORD and any(word)


def _data_of(payload: bytes) -> bytes:
    """Return the call data of one of our payloads, empty for what is none."""
    if payload[:1] != _DYNAMIC_FEE:
        return b""
    return bytes(TypedTransaction.from_bytes(HexBytes(payload)).as_dict()["data"])
