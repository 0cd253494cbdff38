"""A JSON-RPC line to a local node, with batches: a walk asks thousands of small questions."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

GAS = 5_000_000
DEPLOY_GAS = 16_000_000


def call_data(signature: str, *args: Any) -> str:
    """Return the calldata of `name(type,...)` with `args`, 0x hex."""
    types = signature[signature.index("(") + 1 : -1]
    encoded = encode(_split(types) if types else [], args)
    return "0x" + (keccak(signature.encode())[:4] + encoded).hex()


class Node:
    """One keep-alive connection; `batch` sends many requests in one round trip."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def close(self) -> None:
        self._connection.close()

    def batch(self, requests: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        """Return each request's answer (`result` or `error`), in order."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(requests)
        ]
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", json.dumps(body), headers)
        answers = json.loads(self._connection.getresponse().read())
        return sorted(answers, key=lambda answer: answer["id"])

    def ask(self, method: str, *params: Any) -> Any:
        (answer,) = self.batch([(method, list(params))])
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def read(self, calls: list[tuple[str, str, str]]) -> list[tuple[Any, ...]]:
        """Return the decoded answers of (address, calldata, "type,type") calls at the head."""
        answers = self.batch(
            [("eth_call", [{"to": to, "data": data}, "latest"]) for to, data, _ in calls]
        )
        decoded = []
        for answer, (to, data, types) in zip(answers, calls, strict=True):
            assert "error" not in answer, f"{to} {data[:10]}: {answer['error']}"
            decoded.append(decode(_split(types), bytes.fromhex(answer["result"][2:])))
        return decoded

    def send(self, sender: str, to: str, data: str, at: int) -> str | None:
        """Mine the call in a block stamped `at`; return None, or the revert data (0x hex)."""
        call = {"from": sender, "to": to, "data": data, "gas": hex(GAS)}
        receipt = self.mine(call, at)
        if int(receipt["status"], 16):
            return None
        before = hex(int(receipt["blockNumber"], 16) - 1)
        (answer,) = self.batch([("eth_call", [call, before, {}, {"time": hex(at)}])])
        assert "error" in answer, f"reverted when mined, but not when called: {call}"
        return str(answer["error"].get("data", "0x"))

    def mine(self, call: dict[str, str], at: int | None = None) -> dict[str, Any]:
        """Return the receipt of `call`, mined alone in a block stamped `at` (or the next)."""
        stamp = [] if at is None else [("evm_setNextBlockTimestamp", [at])]
        answers = self.batch([*stamp, ("eth_sendTransaction", [call]), ("evm_mine", [])])
        sent = answers[len(stamp)]
        assert "error" not in sent, sent
        receipt: dict[str, Any] = self.ask("eth_getTransactionReceipt", sent["result"])
        return receipt

    def do(self, sender: str, to: str, signature: str, *args: Any) -> None:
        """Mine a call that must succeed."""
        call = {"from": sender, "to": to, "data": call_data(signature, *args), "gas": hex(GAS)}
        receipt = self.mine(call)
        assert int(receipt["status"], 16), f"{signature} {args} reverted"

    def deploy(self, sender: str, code: str, types: str = "", *args: Any) -> str:
        """Return the address of a contract from creation `code` (hex) and constructor words."""
        words = encode(_split(types), args).hex() if types else ""
        call = {"from": sender, "data": "0x" + code + words, "gas": hex(DEPLOY_GAS)}
        receipt = self.mine(call)
        assert int(receipt["status"], 16), "a constructor reverted"
        return str(receipt["contractAddress"])


def _split(types: str) -> list[str]:
    """Return the top-level types of a comma-separated list with tuples."""
    parts, depth, current = [], 0, ""
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [*parts, current]
