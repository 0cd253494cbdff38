"""What a receipt says the account did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.account_contract.vault import Vault

from leverd.devnet import abi

ACTED = abi.topic("Acted(uint256,uint256,uint256,uint256)")
RAISE, LOWER, CLOSE, SWAP, SUPPLY, WITHDRAW, BORROW, REPAY, EMODE = range(1, 10)


@dataclass(frozen=True)
class Acted:
    sequence: int
    kind: int
    amount: int
    bought: int


def acted(vault: Vault, receipt: Any) -> Acted:
    """Return the one `Acted` event of a call."""
    ours = [log for log in receipt["logs"] if log["address"] == vault.address.lower()]
    (log,) = [log for log in ours if log["topics"][0] == ACTED]
    data = bytes.fromhex(log["data"][2:])
    words = [int.from_bytes(data[place : place + 32], "big") for place in range(0, len(data), 32)]
    return Acted(int(log["topics"][1], 16), *words)
