"""The shipped signer, with its allow-list and gas budget, over what the simulated chain plays.

A payload is a real signed transaction. Its calldata begins with the account contract's own
selector, which the allow-list judges, and goes on with the step as the simulated chain reads
it: the one thing that is ours to invent is the account's ABI.
"""

from __future__ import annotations

import json
from functools import lru_cache

import rlp  # type: ignore[import-untyped]  # it has no stubs
from eth_account import Account
from eth_utils.crypto import keccak
from tests.worlds import GWEI

from leverd.adapters.evm import account_calls
from leverd.adapters.evm.allow_list import AllowList
from leverd.adapters.evm.signer import GasBudget, LocalSigner
from leverd.adapters.simulated.transaction import Transaction
from leverd.domain.plan import Borrow, Repay, StepKind, Supply, Swap, Withdraw
from leverd.domain.step_text import of_text, to_text
from leverd.interfaces.signer import UnsignedTransaction
from leverd.interfaces.venue import Attempt, Fees, Order

CHAIN_ID = 31_337
FEE_MAX = 3_000 * GWEI
DAY_WEI = 50 * 10**18

_KINDS = {
    StepKind.RAISE: account_calls.RAISE,
    StepKind.LOWER: account_calls.LOWER,
    StepKind.CLOSE: account_calls.CLOSE,
}
_SINGLE = {
    Supply: account_calls.SUPPLY,
    Withdraw: account_calls.WITHDRAW,
    Borrow: account_calls.BORROW,
    Repay: account_calls.REPAY,
    Swap: account_calls.SWAP,
}


@lru_cache(maxsize=1)
def account():
    """Return the key of every schedule, worth nothing anywhere."""
    return Account.from_key("0x" + "51" * 32)


def signer(accounts) -> LocalSigner:
    """Return a fresh signer for `accounts`, as a start makes one."""
    rules = tuple(rule for each in accounts for rule in account_calls.rules(each))
    allow = AllowList(CHAIN_ID, rules, max_fee=FEE_MAX)
    return LocalSigner(account(), allow, GasBudget(DAY_WEI, DAY_WEI // 2))


def signed(by: LocalSigner, order: Order) -> Attempt:
    """Return `order`, signed."""
    step = order.step
    function = _KINDS.get(step.kind) or _SINGLE.get(type(step.actions[0]))
    selector = account_calls.SWAP_EXACT.selector if function is None else function.selector
    body = {"step": to_text(step), "sequence": order.sequence, "deadline": order.deadline}
    data = selector + json.dumps(body).encode()
    return _signed(by, order.slot, order.mandate.account, data, order.gas_limit, order.fees)


def cancelled(by: LocalSigner, slot: int, fees: Fees) -> Attempt:
    """Return a payload that spends `slot`."""
    return _signed(by, slot, by.address, b"", 21_000, fees)


def read(payload: bytes) -> Transaction:
    """Return what the simulated chain makes of a signed payload."""
    found = rlp.decode(payload[1:])
    number = [int.from_bytes(each, "big") for each in found[:5]]
    fees, target, data = Fees(number[3], number[2]), "0x" + found[5].hex(), found[7]
    if not data:
        return Signed(payload, number[1], number[4], fees)
    body = json.loads(data[4:])
    step = of_text(body["step"])
    return Signed(
        payload, number[1], number[4], fees, target, step, body["sequence"], body["deadline"]
    )


class Signed(Transaction):
    """A transaction known by the hash of what was signed."""

    __slots__ = ("_hash",)

    def __init__(self, payload, *fields):
        super().__init__(*fields)
        object.__setattr__(self, "_hash", hash_of(payload))

    @property
    def tx_hash(self):
        return self._hash


def hash_of(payload: bytes) -> str:
    """Return the hash of a signed payload."""
    return "0x" + keccak(payload).hex()


def _signed(by, slot, target, data, gas, fees) -> Attempt:
    bare = UnsignedTransaction(
        CHAIN_ID, slot, target, data, 0, gas, fees.max_fee, fees.priority_fee
    )
    done = by.sign(bare)
    return Attempt(slot, done.tx_hash, done.payload, gas, fees)
