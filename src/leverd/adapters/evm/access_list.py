"""What a transaction says beforehand that it will touch, at a discount (EIP-2930).

Whatever is on the list costs at least 100 gas less than when it is met on the way, and is paid
for even if it is never met. A list that is wrong therefore costs gas, at most its price, and
changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from leverd.adapters.evm import wire
from leverd.adapters.evm.abi import malformed
from leverd.adapters.evm.transport import Answer
from leverd.errors import NonsenseError
from leverd.interfaces.chain_client import Call
from leverd.interfaces.signer import Access

AccessList = tuple[Access, ...]

ADDRESSES_MAX: Final = 64
SLOTS_MAX: Final = 256
"""What the signer signs at most. Closing a position takes 24 addresses and 61 slots."""

_ADDRESS_GAS: Final = 2_400
_SLOT_GAS: Final = 1_900
_SAVED_GAS: Final = 100  # at least, with each address or slot that would else be met cold
_ADDRESS_BYTES: Final = 20
_PRECOMPILES: Final = 2**16  # addresses below are the chain's own, and never cold
_DYNAMIC_FEE: Final = b"\2"
_KEPT: Final = 32


def price(listed: Sequence[Access]) -> int:
    """Return what a list costs up front, gas."""
    return len(listed) * _ADDRESS_GAS + _slots(listed) * _SLOT_GAS


def is_bounded(listed: Sequence[Access]) -> bool:
    """Return whether a list is short enough to be signed."""
    return len(listed) <= ADDRESSES_MAX and _slots(listed) <= SLOTS_MAX


def proposed(answer: Answer, call: Call, sender: str, used: int) -> AccessList:
    """Return the part that saves gas of the list a node proposes for `call`.

    Empty when it proposes none, when by its own word it saves nothing of the `used` gas, or when
    it cannot be true: what is on it would be met cold, for more than its price. Called contract
    and sender are warm from the start, and so are listed only for the sake of their slots.
    """
    try:
        found, with_it = _parsed(answer)
    except NonsenseError:
        return ()
    warm = {call.to.lower(), sender.lower()}
    saving = tuple(one for one in found if not _wasted(one, warm))
    with_it -= sum(_wasted(one, warm) for one in found)
    worth_it = with_it < used and price(saving) < used and is_bounded(saving)
    return saving if worth_it else ()


def repeated(payload: bytes, call: Call) -> AccessList:
    """Return the list that an earlier payload carries for the very same `call`, else none."""
    if payload[:1] != _DYNAMIC_FEE:
        return ()
    fields = TypedTransaction.from_bytes(HexBytes(payload)).as_dict()
    same = "0x" + bytes(fields["to"]).hex() == call.to.lower() and fields["data"] == call.data
    if not same:
        return ()
    return tuple(
        Access("0x" + bytes(one["address"]).hex(), tuple(one["storageKeys"]))
        for one in fields["accessList"]
    )


class Kept:
    """The lists of calls that were rehearsed and may be signed next; the newest few."""

    def __init__(self) -> None:
        self._lists: dict[Call, AccessList] = {}

    def keep(self, call: Call, listed: AccessList) -> None:
        """Note `listed` for `call`, in place of what was noted before."""
        self._lists.pop(call, None)
        self._lists[call] = listed
        while len(self._lists) > _KEPT:
            del self._lists[next(iter(self._lists))]

    def of(self, call: Call) -> AccessList:
        """Return the list of `call`, empty if there is none."""
        return self._lists.get(call, ())


def _parsed(answer: Answer) -> tuple[AccessList, int]:
    """Return a proposed list, each address and slot once, and the gas used with it.

    Raises:
        NonsenseError: it is none, or of a call that failed.
    """
    if not isinstance(answer, dict) or answer.get("error") is not None:
        raise malformed("no access list")
    found: dict[str, dict[int, None]] = {}
    for entry in _items(answer.get("accessList")):
        if not isinstance(entry, dict):
            raise malformed("an access list's entry")
        address = wire.data(entry.get("address"))
        if len(address) != _ADDRESS_BYTES:
            raise malformed("an access list's address")
        slots = found.setdefault("0x" + address.hex(), {})
        slots.update((wire.quantity(slot), None) for slot in _items(entry.get("storageKeys")))
    listed = tuple(Access(address, tuple(slots)) for address, slots in found.items())
    return listed, wire.quantity(answer.get("gasUsed"))


def _items(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > SLOTS_MAX:
        raise malformed("an access list's part")
    return value


def _wasted(one: Access, warm: set[str]) -> int:
    """Return the gas that an entry loses on its address beyond what its slots save."""
    if one.address not in warm and int(one.address, 16) >= _PRECOMPILES:
        return 0
    return max(_ADDRESS_GAS - len(one.slots) * _SAVED_GAS, 0)


def _slots(listed: Sequence[Access]) -> int:
    return sum(len(one.slots) for one in listed)
