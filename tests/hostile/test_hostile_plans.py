"""Hostile steps, orders and calls at the signer: none off the list is signed, all on it are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]  # it has no stubs
from eth_account import Account
from tests.evm.test_signer import ALLOW, GOOD, KEY, ME, OTHER, POOL, TOKEN
from tests.prove.tally import tell

from leverd.adapters.evm import abi, erc20
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.access_list import is_bounded
from leverd.adapters.evm.allow_list import GAS_MAX
from leverd.adapters.evm.signer import LocalSigner
from leverd.errors import SigningRefusedError
from leverd.interfaces.signer import Access, UnsignedTransaction

NEEDED = 10**9
ZERO = "0x" + "00" * 20
PERMIT = abi.selector("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")
SELECTORS = (
    aave.SUPPLY.selector, aave.WITHDRAW.selector, aave.BORROW.selector, aave.REPAY.selector,
    erc20.APPROVE.selector, erc20.TRANSFER.selector, PERMIT,
    abi.selector("transferFrom(address,address,uint256)"),
    abi.selector("increaseAllowance(address,uint256)"),
    abi.selector("setApprovalForAll(address,bool)"),
    abi.selector("execute(address,uint256,bytes)"),
    abi.selector("multicall(bytes[])"),
    abi.selector("upgradeTo(address)"),
    abi.selector("approveDelegation(address,uint256)"),
)  # fmt: skip
NUMBERS = (0, 1, 5, NEEDED, NEEDED + 1, 2**128, 2**255, 2**256 - 1)
DELEGATION = bytes.fromhex("ef0100") + bytes.fromhex(OTHER[2:])
PAYLOADS = (b"\x04", b"\x03", b"\x01", DELEGATION, bytes.fromhex("60006000f3"), b"\x19\x01")

COUNTS = [
    pytest.param(range(5), id="500"),
    pytest.param(range(1_000), id="100000", marks=pytest.mark.prove),
]
BATCH = 100


def signer() -> LocalSigner:
    """Return one whose step at hand needs an approval of `NEEDED`."""
    made = LocalSigner(Account.from_key(KEY), ALLOW)
    made.need(TOKEN, POOL, NEEDED)
    return made


def word(draw: Random) -> bytes:
    numbers = (*NUMBERS, *(int(one, 16) for one in (ME, POOL, TOKEN, OTHER)), draw.getrandbits(256))
    found = abi.uint_word(draw.choice(numbers))
    return b"\xff" * 12 + found[12:] if draw.random() < 0.05 else found


def calldata(draw: Random) -> bytes:
    match draw.randrange(5):
        case 0:
            return draw.randbytes(draw.randrange(200))
        case 1:
            return draw.choice(PAYLOADS) + draw.randbytes(draw.randrange(40))
        case _:
            words = b"".join(word(draw) for _ in range(draw.randrange(7)))
            cut = draw.choice((0, 0, 0, 1, 31))
            whole = draw.choice(SELECTORS) + words
            return whole[: len(whole) - cut]


def legitimate(draw: Random) -> UnsignedTransaction:
    """Return what some step of the agent really asks for."""
    amount = draw.randrange(2**128)
    target, data = draw.choice(
        (
            (POOL, aave.SUPPLY.encode(TOKEN, amount, ME, 0)),
            (POOL, aave.WITHDRAW.encode(TOKEN, amount, ME)),
            (TOKEN, erc20.APPROVE.encode(POOL, draw.randrange(NEEDED + 1))),
            (ME, b""),
        )
    )
    fee = draw.randrange(1, ALLOW.max_fee + 1)
    return UnsignedTransaction(
        ALLOW.chain_id, draw.randrange(2**32), target, data, 0, draw.randrange(1, GAS_MAX + 1),
        fee, draw.randrange(fee + 1), draw.choice(((), (Access(POOL, (1, 2**255)),))),
    )  # fmt: skip


def access(draw: Random) -> tuple[Access, ...]:
    slots = tuple(range(draw.choice((0, 1, 20, 3_000))))
    return tuple(Access(OTHER, slots) for _ in range(draw.choice((0, 1, 5, 300))))


SPOIL: dict[str, Callable[[Random], Any]] = {
    "chain_id": lambda draw: draw.choice((0, 2, 5, 31337, 2**64, -1)),
    "to": lambda draw: draw.choice((POOL, TOKEN, OTHER, ME, ZERO, POOL[:-1] + "2", OTHER.upper())),
    "data": calldata,
    "value": lambda draw: draw.choice((-1, 0, 1, 10**18, 2**256 - 1)),
    "gas": lambda draw: draw.choice((-1, 0, 21_000, GAS_MAX, GAS_MAX + 1, 2**64)),
    "max_fee": lambda draw: draw.choice((-1, 0, 1, ALLOW.max_fee, ALLOW.max_fee + 1, 2**128)),
    "priority_fee": lambda draw: draw.choice((-1, 0, 1, ALLOW.max_fee + 1, 2**128)),
    "access_list": access,
}


def hostile(draw: Random) -> UnsignedTransaction:
    fields = draw.sample(sorted(SPOIL), draw.choice((1, 1, 2, 3, len(SPOIL))))
    return replace(legitimate(draw), **{name: SPOIL[name](draw) for name in fields})


def is_meant(asked: UnsignedTransaction) -> bool:
    """Return whether the owner meant this to be signed, told anew from the list's words."""
    fees = 0 <= asked.priority_fee <= asked.max_fee <= ALLOW.max_fee
    bounded = 0 < asked.gas <= GAS_MAX and is_bounded(asked.access_list)
    if asked.chain_id != 1 or asked.value or not fees or not bounded:
        return False
    called, words = asked.data[:4], asked.data[4:]
    mine = abi.address_word(ME)
    if asked.to.lower() == ME.lower():
        return asked.data == b""
    if asked.to == POOL:
        known = called in {aave.SUPPLY.selector, aave.WITHDRAW.selector}
        return known and words[64:96] == mine
    amount = int.from_bytes(words[32:64])
    pool = abi.address_word(POOL)
    is_approval = called == erc20.APPROVE.selector and len(words) >= 64 and words[:32] == pool
    return asked.to == TOKEN and is_approval and amount <= NEEDED


@pytest.mark.parametrize("seeds", COUNTS)
def test_hostile_plans_are_signed_exactly_where_they_are_meant(seeds):
    fates = Counter[str]()
    one = signer()
    for seed in seeds:
        draw = Random(seed)
        for _ in range(BATCH):
            asked = hostile(draw)
            try:
                signed = one.sign(asked)
            except SigningRefusedError as refusal:
                fates["refused"] += 1
                fates[refusal.code] += 1
                wrongly = is_meant(asked)
            else:
                fates["signed"] += 1
                wrongly = not is_meant(asked)
                check_signed(signed.payload, asked)
            assert not wrongly, (seed, asked)
    assert len([code for code in fates if code.startswith("LVD-SGN")]) >= 7
    assert fates["signed"] > 0
    tell("hostile plans", seeds=f"{seeds[0]}-{seeds[-1]}", refused=fates["refused"],
         meant=fates["signed"])  # fmt: skip


def check_signed(payload: bytes, asked: UnsignedTransaction) -> None:
    """Check that a payload is a plain EIP-1559 call of just what was asked."""
    assert payload[0] == 2
    fields = rlp.decode(payload[1:])
    assert len(fields) == 12
    assert int.from_bytes(fields[0]) == ALLOW.chain_id
    assert fields[5] == bytes.fromhex(asked.to[2:])
    assert len(fields[5]) == 20
    assert fields[6] == b""
    assert fields[7] == asked.data


@pytest.mark.parametrize("seeds", COUNTS)
def test_each_legitimate_step_is_signed(seeds):
    one = signer()
    for seed in seeds:
        draw = Random(seed)
        asked = legitimate(draw)
        payload = one.sign(asked).payload
        check_signed(payload, asked)
        assert Account.recover_transaction(payload) == ME


@pytest.mark.parametrize("to", ["", "0x", "0x1234", POOL + "00", "pool.eth", "0x" + "g" * 40])
def test_what_is_no_address_makes_no_contract(to):
    with pytest.raises(SigningRefusedError):
        signer().sign(replace(GOOD, to=to, data=bytes.fromhex("60006000f3")))


def test_the_signer_has_no_way_to_sign_anything_but_a_transaction():
    """No message, typed data, permit, authorization (EIP-7702) or bare hash."""
    ways = {name for name in dir(LocalSigner) if not name.startswith("_")}
    assert ways == {"address", "admit", "at", "cost", "need", "sign"}
    fields = set(UnsignedTransaction.__dataclass_fields__)
    assert not any("authorization" in name or "blob" in name for name in fields)
