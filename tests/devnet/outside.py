"""Someone outside the devnet, who signs and sends as an agent does."""

from __future__ import annotations

from typing import Any, Self

from eth_account import Account

from leverd.devnet.devnet import Devnet
from leverd.devnet.rpc import Rpc

GWEI = 10**9
KEY = bytes.fromhex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a")
ADDRESS = Account.from_key(KEY).address
SOMEBODY = "0x" + "11" * 20


def signed(nonce: int, max_fee: int, tip: int, **fields: Any) -> str:
    """A transfer of 1 wei by the operator, fees in gwei."""
    plain = {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "maxFeePerGas": max_fee * GWEI,
        "maxPriorityFeePerGas": tip * GWEI,
        "gas": 21_000,
        "to": SOMEBODY,
        "value": 1,
        "data": "0x",
    }
    return _payload({**plain, **fields})


def legacy(nonce: int, price: int) -> str:
    """The same with one gas price, as before EIP-1559."""
    plain = {
        "chainId": 31337,
        "nonce": nonce,
        "gasPrice": price * GWEI,
        "gas": 21_000,
        "to": SOMEBODY,
        "value": 1,
        "data": "0x",
    }
    return _payload(plain)


def _payload(fields: dict[str, Any]) -> str:
    return "0x" + bytes(Account.sign_transaction(fields, KEY).raw_transaction).hex()


class Outside:
    """Talks to the public door only."""

    def __init__(self, devnet: Devnet) -> None:
        self.rpc = Rpc(devnet.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rpc.close()

    def nonce(self, tag: str = "latest") -> int:
        return int(self.rpc.ask("eth_getTransactionCount", ADDRESS, tag), 16)

    def send(self, payload: str) -> str:
        return str(self.rpc.ask("eth_sendRawTransaction", payload))

    def mined(self, tx_hash: str) -> bool:
        return self.rpc.ask("eth_getTransactionReceipt", tx_hash) is not None
