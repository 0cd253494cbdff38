"""The key signs orders of its own account at a bounded fee, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from eth_keys.datatypes import Signature
from eth_utils.crypto import keccak
from pyinjective.proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from pyinjective.proto.cosmos.tx.v1beta1 import tx_pb2
from pyinjective.wallet import PrivateKey

from leverd.adapters.injective import messages
from leverd.adapters.injective.signer import Bid, InjectiveSigner, Onlooker, Seat, tx_hash
from leverd.errors import SecretError, SigningRefusedError
from leverd.interfaces.secrets import Secret
from leverd.interfaces.spot_venue import Manner, Side, SpotOrder

KEY = "1" * 64
SEAT = Seat("injective-1", 7, 3, 100)
ORDER = SpotOrder("c", "0xab", Side.BUY, Manner.TAKE, Decimal(20), Decimal(5))
OTHER = InjectiveSigner(Secret("2" * 64), fee_max=1)


@pytest.fixture
def signer() -> InjectiveSigner:
    return InjectiveSigner(Secret(KEY), fee_max=1000)


def placed(signer: InjectiveSigner, order: SpotOrder = ORDER):
    return messages.placing(order, signer.address, signer.subaccount(0), signer.address)


def test_address_and_subaccounts_are_those_of_the_venues_own_library(signer):
    address = PrivateKey.from_hex(KEY).to_public_key().to_address()
    assert signer.address == address.to_acc_bech32()
    assert [signer.subaccount(n) for n in (0, 5)] == [address.get_subaccount_id(n) for n in (0, 5)]


@pytest.mark.parametrize("manner", Manner)
def test_an_order_is_signed_for_its_slot_and_the_same_each_time(signer, manner):
    message = placed(signer, SpotOrder("c", "0xab", Side.SELL, manner, Decimal(20), Decimal(5)))
    payload = signer.signed((message,), SEAT, Bid(500, fee=1000))
    assert payload == signer.signed((message,), SEAT, Bid(500, fee=1000))
    raw = tx_pb2.TxRaw.FromString(payload)
    body, auth = tx_pb2.TxBody.FromString(raw.body_bytes), tx_pb2.AuthInfo()
    auth.ParseFromString(raw.auth_info_bytes)
    assert body.timeout_height == 100
    assert auth.signer_infos[0].sequence == 3
    assert (auth.fee.gas_limit, auth.fee.amount[0].amount) == (500, "1000")
    document = tx_pb2.SignDoc(
        body_bytes=raw.body_bytes,
        auth_info_bytes=raw.auth_info_bytes,
        chain_id="injective-1",
        account_number=7,
    ).SerializeToString()
    signers = {
        Signature(raw.signatures[0] + bytes([parity]))
        .recover_public_key_from_msg_hash(keccak(document))
        .to_canonical_address()
        .hex()
        for parity in (0, 1)
    }
    assert signer.subaccount(0)[2:42] in signers
    assert len(tx_hash(payload)) == 64


def test_what_is_rehearsed_is_the_same_without_a_signature(signer):
    message, bid = placed(signer), Bid(500, fee=1000)
    rehearsed, signed = (
        tx_pb2.TxRaw.FromString(made((message,), SEAT, bid))
        for made in (signer.unsigned, signer.signed)
    )
    assert list(rehearsed.signatures) == [b""]
    assert len(signed.signatures[0]) == 64
    for part in ("body_bytes", "auth_info_bytes"):
        assert getattr(rehearsed, part) == getattr(signed, part)


def test_who_only_looks_neither_signs_nor_rehearses():
    for made in (Onlooker().signed, Onlooker().unsigned):
        with pytest.raises(SigningRefusedError):
            made((placed(OTHER),), SEAT, Bid(500, fee=1))


def test_cancels_deposits_and_withdrawals_of_its_own_are_signed(signer):
    own = signer.address, signer.subaccount(1)
    for message in (
        messages.cancelling(ORDER, *own),
        messages.depositing(*own, "usdt", 5),
        messages.withdrawing(*own, "usdt", 5),
    ):
        assert signer.signed((message,), SEAT, Bid(500, fee=1))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (MsgSend(from_address=OTHER.address, to_address=OTHER.address), "LVD-SGN-090"),
        (placed(OTHER), "LVD-SGN-091"),
        (messages.depositing(OTHER.address, OTHER.subaccount(0), "usdt", 1), "LVD-SGN-091"),
    ],
)
def test_what_does_anything_else_is_refused(signer, message, code):
    with pytest.raises(SigningRefusedError) as caught:
        signer.signed((message,), SEAT, Bid(500, fee=1))
    assert caught.value.code == code


def test_money_for_anothers_subaccount_is_refused(signer):
    message = messages.depositing(signer.address, OTHER.subaccount(0), "usdt", 1)
    with pytest.raises(SigningRefusedError):
        signer.signed((message,), SEAT, Bid(500, fee=1))


def test_one_bad_message_among_good_ones_is_refused(signer):
    with pytest.raises(SigningRefusedError):
        signer.signed((placed(signer), placed(OTHER)), SEAT, Bid(500, fee=1))


def test_a_fee_above_the_limit_is_refused(signer):
    with pytest.raises(SigningRefusedError) as caught:
        signer.signed((placed(signer),), SEAT, Bid(500, fee=1001))
    assert caught.value.code == "LVD-SGN-092"


@pytest.mark.parametrize("key", ["", "1" * 63, "g" * 64, "0x" + "1" * 63, "0" * 64, "f" * 64])
def test_what_is_no_key_is_refused_and_never_shown(key):
    with pytest.raises(SecretError) as caught:
        InjectiveSigner(Secret(key), fee_max=1)
    assert caught.value.code == "LVD-KEY-090"
    assert not key or key not in str(caught.value)


def test_it_does_not_show_its_key(signer):
    assert KEY not in repr(signer)
    assert KEY not in str(vars(signer)["_key"])
