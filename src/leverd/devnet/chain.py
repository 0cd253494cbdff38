"""Calls and transactions on the devnet's own accounts, which its node holds unlocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from leverd.devnet import abi
from leverd.devnet.rpc import Rpc
from leverd.errors import RevertedError

_GAS: Final = 16_000_000  # below the limit of one transaction (EIP-7825)
_MAX_FEE: Final = 100_000 * 10**9  # wei per gas; the base fee never comes near
_BATCH: Final = 50
_RLP_STRING: Final = 0x80
_RLP_LIST: Final = 0xC0


@dataclass(slots=True)
class Chain:
    """Queues transactions with nonces of its own counting; `mine` makes them happen."""

    rpc: Rpc
    _nonces: dict[str, int] = field(default_factory=dict)
    _queued: list[dict[str, Any]] = field(default_factory=list)
    _sent: list[str] = field(default_factory=list)

    def read(self, to: str, signature: str, *args: Any, sender: str | None = None) -> Any:
        """Return what a call answers at the head: the value, or a tuple of several.

        Raises:
            RevertedError: the contract refused.
        """
        ask = {"to": to, "data": _hex(abi.encode_call(signature, *args))}
        answer = self.rpc.ask("eth_call", ask | ({"from": sender} if sender else {}), "latest")
        values = abi.decode_answer(signature, bytes.fromhex(answer.removeprefix("0x")))
        return values[0] if len(values) == 1 else values

    def read_address(self, to: str, signature: str, *args: Any, sender: str | None = None) -> str:
        """Return the one address that a call answers, with its checksum."""
        address: str = to_checksum_address(self.read(to, signature, *args, sender=sender))
        return address

    def send(
        self,
        sender: str,
        to: str,
        signature: str,
        *args: Any,
        value: int = 0,
        tip: int = 10**9,
        gas: int = _GAS,
    ) -> None:
        """Queue one call; `tip` is wei per gas and orders it within its block."""
        data = abi.encode_call(signature, *args) if signature else b""
        self._queue(sender, {"to": to, "data": _hex(data), "value": hex(value)}, tip, gas)

    def deploy(self, sender: str, creation: bytes, types: str = "()", *args: Any) -> str:
        """Queue a contract's creation; return the address it will have."""
        address = created(sender, self.nonce(sender))
        data = creation + abi.encode_words(types, *args)
        self._queue(sender, {"data": _hex(data)}, 10**9, _GAS)
        return address

    def nonce(self, sender: str) -> int:
        """Return the sender's next nonce, counting what is queued."""
        if sender not in self._nonces:
            self._nonces[sender] = int(
                self.rpc.ask("eth_getTransactionCount", sender, "latest"), 16
            )
        return self._nonces[sender]

    def hand_over(self) -> list[str]:
        """Send what is queued into the node's pool, unmined; return the hashes."""
        hashes: list[str] = []
        while self._queued:
            batch, self._queued = self._queued[:_BATCH], self._queued[_BATCH:]
            hashes += self.rpc.ask_all([("eth_sendTransaction", [sent]) for sent in batch])
        self._sent += hashes
        return hashes

    def mine(self) -> None:
        """Have everything queued happen, in as many blocks as it takes.

        Raises:
            RevertedError: one of them did not succeed.
        """
        self.hand_over()
        sent, self._sent = self._sent, []
        while sent:
            self.rpc.ask("evm_mine")
            receipts = self.rpc.ask_all([("eth_getTransactionReceipt", [sent_]) for sent_ in sent])
            for receipt in receipts:
                if receipt and int(receipt["status"], 16) == 0:
                    raise RevertedError(self._reason(receipt), number=41)
            sent = [hash_ for hash_, receipt in zip(sent, receipts, strict=True) if not receipt]

    def settle(self, mined: Sequence[str]) -> None:
        """Take back what was handed over and not mined, so that no nonce is left open behind it."""
        left = set(self._sent) - set(mined)
        self._sent.clear()
        for hash_ in left:
            self.rpc.ask("anvil_dropTransaction", hash_)
        if left:
            self._nonces.clear()

    def forget(self) -> None:
        """Drop what is queued and every nonce counted, after the chain was set back."""
        self._nonces.clear()
        self._queued.clear()
        self._sent.clear()

    def _queue(self, sender: str, fields: dict[str, Any], tip: int, gas: int) -> None:
        nonce = self.nonce(sender)
        self._nonces[sender] = nonce + 1
        fees = {"maxFeePerGas": hex(_MAX_FEE), "maxPriorityFeePerGas": hex(tip)}
        self._queued.append({"from": sender, "nonce": hex(nonce), "gas": hex(gas)} | fees | fields)

    def _reason(self, receipt: Any) -> str:
        sent = self.rpc.ask("eth_getTransactionByHash", receipt["transactionHash"])
        ask = {name: sent[name] for name in ("from", "to", "input", "value") if sent.get(name)}
        try:
            self.rpc.ask("eth_call", ask, hex(int(receipt["blockNumber"], 16) - 1))
        except RevertedError as error:
            return f"{error.reason} (to {sent['to']}, {sent['input'][:10]})"
        return f"out of gas, or by what came before it in its block (to {sent['to']})"


def created(sender: str, nonce: int) -> str:
    """Return the address that `sender` creates with its transaction `nonce`."""
    size = (nonce.bit_length() + 7) // 8
    number = nonce.to_bytes(size, "big")
    counted = number if 0 < nonce < _RLP_STRING else bytes([_RLP_STRING + size]) + number
    body = bytes([_RLP_STRING + 20]) + bytes.fromhex(sender.removeprefix("0x")) + counted
    address: str = to_checksum_address(keccak(bytes([_RLP_LIST + len(body)]) + body)[12:])
    return address


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
