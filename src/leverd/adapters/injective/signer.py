"""The one place that holds the key: it signs orders of its own account, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from pyinjective.proto.cosmos.base.v1beta1.coin_pb2 import Coin
from pyinjective.proto.injective.exchange.v2 import tx_pb2
from pyinjective.transaction import Transaction
from pyinjective.wallet import PrivateKey

from leverd.adapters.injective import codes
from leverd.errors import SecretError, SigningRefusedError
from leverd.interfaces.secrets import Secret

FEE_DENOM: Final = "inj"
_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_ALLOWED: Final = (
    tx_pb2.MsgCreateSpotLimitOrder,
    tx_pb2.MsgCreateSpotMarketOrder,
    tx_pb2.MsgCancelSpotOrder,
    tx_pb2.MsgDeposit,
    tx_pb2.MsgWithdraw,
)
"""Of these, none pays anybody but the account itself and the chain."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a transaction sits: its account, its slot, and until when it may be included."""

    chain_id: str
    account_number: int
    sequence: int
    timeout_height: int


@dataclass(frozen=True, slots=True)
class Bid:
    """What is offered for inclusion."""

    gas: int
    fee: int  # smallest units; all of it is paid, however little gas is used


class Onlooker:
    """Stands where a signer does for whoever only looks: an account that nobody has."""

    address: Final = ""

    @staticmethod
    def subaccount(number: int) -> str:
        """Return the id of one of nobody's subaccounts."""
        return "0x" + bytes(20).hex() + number.to_bytes(12).hex()

    @staticmethod
    def signed(messages: Sequence[Any], _seat: Seat, _bid: Bid) -> bytes:
        """Refuse to sign.

        Raises:
            SigningRefusedError: always.
        """
        raise SigningRefusedError(
            f"{len(messages)} message(s), and nobody to sign them", number=codes.FOREIGN_SENDER
        )

    unsigned = signed


class InjectiveSigner:
    """Signs for one account, each payload at most for `fee_max`."""

    def __init__(self, key: Secret, *, fee_max: int) -> None:
        found = _KEY.fullmatch(key.reveal().strip())
        if found is None:
            raise _no_key()
        try:
            self._key = PrivateKey.from_hex(found[1])
        except Exception:  # noqa: BLE001  # the curve's error quotes the number it refuses
            raise _no_key() from None
        self._public = self._key.to_public_key()
        address = self._public.to_address()
        self.address = str(address.to_acc_bech32())
        self._raw = bytes.fromhex(str(address.to_hex()))
        self._fee_max = fee_max

    def __repr__(self) -> str:
        return f"InjectiveSigner({self.address})"

    def subaccount(self, number: int) -> str:
        """Return the id of one of the account's subaccounts; 0 trades straight from the bank."""
        return "0x" + self._raw.hex() + number.to_bytes(12).hex()

    def signed(self, messages: Sequence[Any], seat: Seat, bid: Bid) -> bytes:
        """Return a transaction that may be sent.

        Raises:
            SigningRefusedError: it does more than trade for this account, or pays too much.
        """
        for message in messages:
            self._allow(message)
        if bid.fee > self._fee_max:
            raise SigningRefusedError(
                f"a fee of {bid.fee} {FEE_DENOM}, at most {self._fee_max}",
                number=codes.TOO_HIGH_FEE,
            )
        transaction = _transaction(messages, seat, bid)
        document = transaction.get_sign_doc(self._public).SerializeToString()
        return bytes(transaction.get_tx_data(self._key.sign(document), self._public))

    def unsigned(self, messages: Sequence[Any], seat: Seat, bid: Bid) -> bytes:
        """Return a transaction to rehearse: without a signature no block can include it."""
        return bytes(_transaction(messages, seat, bid).get_tx_data(b"", self._public))

    def _allow(self, message: Any) -> None:
        if not isinstance(message, _ALLOWED):
            raise SigningRefusedError(
                f"a {type(message).__name__} is not signed", number=codes.OTHER_MESSAGE
            )
        ids = (
            [message.order.order_info.subaccount_id]
            if hasattr(message, "order")
            else [message.subaccount_id]
        )
        own = all(one.startswith("0x" + self._raw.hex()) for one in ids)
        if message.sender != self.address or not own:
            raise SigningRefusedError("a message for another account", number=codes.FOREIGN_SENDER)


def _transaction(messages: Sequence[Any], seat: Seat, bid: Bid) -> Transaction:
    return (
        Transaction()
        .with_messages(*messages)
        .with_sequence(seat.sequence)
        .with_account_num(seat.account_number)
        .with_chain_id(seat.chain_id)
        .with_gas(bid.gas)
        .with_fee([Coin(amount=str(bid.fee), denom=FEE_DENOM)])
        .with_timeout_height(seat.timeout_height)
    )


def _no_key() -> SecretError:
    return SecretError(
        "the key is no private key of 64 hexadecimal digits",
        number=codes.KEY_MALFORMED,
        remedy="give the private key of the trading account",
    )


def tx_hash(payload: bytes) -> str:
    """Return the hash a payload is found by, in capitals as the chain writes it."""
    return sha256(payload).hexdigest().upper()
