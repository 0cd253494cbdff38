"""The devnet's public door: a node as the outside meets one, with none of anvil's own powers.

Calls pass through as bytes. Transactions go into our pool, and what waits there is told of.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from leverd.devnet import wall
from leverd.devnet.mempool import Mempool, PoolRefusal, pending_form
from leverd.devnet.traffic import Traffic
from leverd.devnet.wire import Wire
from leverd.errors import LeverdError

_OPEN: Final = ("eth_", "net_", "web3_")
_CLOSED: Final = frozenset(
    {"eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_sendUnsignedTransaction",
     "eth_accounts", "eth_signTypedData_v4", "eth_signTypedData"}
)  # fmt: skip
_SEND: Final = "eth_sendRawTransaction"
_FIND: Final = "eth_getTransactionByHash"
_COUNT: Final = "eth_getTransactionCount"
_STATUS: Final = "leverd_devnet"
_BODY_MAX: Final = 16 * 1024 * 1024
_HEADERS_MAX: Final = 100
_CLIENTS_MAX: Final = 128
_RENEWAL_S: Final = 5.0


class Front:
    """Serves JSON-RPC over HTTP on a loopback port, a thread for each connection."""

    def __init__(
        self,
        node_url: str,
        mempool: Mempool,
        traffic: Traffic,
        status: Callable[[], Any],
        *,
        port: int = 0,
    ) -> None:
        self._node_url = node_url
        self._mempool = mempool
        self._traffic = traffic
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, name="devnet-front", daemon=True).start()

    def close(self) -> None:
        """Stop listening and hang up on every client."""
        # shutdown wakes the thread that waits in accept; close alone would leave it there
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for client in self._clients:
                _hang_up(client)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                full = len(self._clients) >= _CLIENTS_MAX
                if not full:
                    self._clients.add(client)
            if full:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upstream = _Upstream(self._node_url)
        try:
            with client, client.makefile("rb") as reader:
                while (body := _read_request(reader)) is not None:
                    with self._traffic.reading():
                        answer = self._answer(upstream, body)
                    client.sendall(_HEAD % len(answer) + answer)
        except (OSError, ValueError):  # the client went, or does not speak HTTP
            pass
        finally:
            upstream.close()
            with self._lock:
                self._clients.discard(client)

    def _answer(self, upstream: _Upstream, body: bytes) -> bytes:
        try:
            asked = json.loads(body)
        except ValueError:
            return _error(None, -32700, "parse error")
        if isinstance(asked, dict):
            return self._answer_one(upstream, asked, body)
        if not isinstance(asked, list) or not asked:
            return _error(None, -32600, "invalid request")
        if all(_passes(each) for each in asked):
            return upstream.post(body)
        parts = [self._answer_one(upstream, each, None) for each in asked]
        return b"[" + b",".join(parts) + b"]"

    def _answer_one(self, upstream: _Upstream, asked: Any, body: bytes | None) -> bytes:
        """Return one answer; `body` is the request's own bytes if it came alone."""
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            return _error(None, -32600, "invalid request")
        method, number = asked["method"], asked.get("id")
        if method == _STATUS:
            return _result(number, self._status())
        if method in _CLOSED or not method.startswith(_OPEN):
            return _error(number, -32601, f"the method {method} does not exist/is not available")
        ours = {
            _SEND: self._send,
            _FIND: self._find,
            _COUNT: self._count,
        }.get(method)
        raw = body or json.dumps(asked).encode()
        try:
            return ours(upstream, asked, raw) if ours else upstream.post(raw)
        except LeverdError as error:  # the node went away while our pool asked it
            return _error(number, -32603, error.message)

    def _send(self, _: _Upstream, asked: Any, __: bytes) -> bytes:
        try:
            return _result(asked.get("id"), self._mempool.accept(asked["params"][0]))
        except PoolRefusal as refusal:
            return _error(asked.get("id"), -32000, str(refusal))
        except (LookupError, TypeError, AttributeError):
            return _error(asked.get("id"), -32602, "invalid argument 0")

    def _find(self, upstream: _Upstream, asked: Any, raw: bytes) -> bytes:
        answer = upstream.post(raw)
        parsed = json.loads(answer)
        if parsed.get("result") is None and "error" not in parsed:
            waiting = self._mempool.find(str(asked["params"][0]))
            if waiting:
                return _result(asked.get("id"), pending_form(waiting))
        return answer

    def _count(self, upstream: _Upstream, asked: Any, raw: bytes) -> bytes:
        params = asked.get("params") or []
        if len(params) < 2 or params[1] != "pending":  # noqa: PLR2004 -- address and block
            return upstream.post(raw)
        latest = json.dumps(asked | {"params": [params[0], "latest"]}).encode()
        parsed = json.loads(upstream.post(latest))
        if "result" not in parsed:
            return json.dumps(parsed).encode()
        mined = int(parsed["result"], 16)
        return _result(asked.get("id"), hex(self._mempool.pending_nonce(params[0], mined)))


def _passes(asked: Any) -> bool:
    """Return whether a request is one that only the node has something to say to."""
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        return False
    method = asked["method"]
    if method == _COUNT:
        return "pending" not in (asked.get("params") or [])
    return method.startswith(_OPEN) and method not in _CLOSED | {_SEND, _FIND}


_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class _Upstream:
    """One keep-alive connection to the node."""

    def __init__(self, url: str) -> None:
        self._wire = Wire(url, deadline_s=60)

    def post(self, body: bytes) -> bytes:
        deadline = wall.monotonic() + _RENEWAL_S
        while True:
            try:
                return self._wire.post(body)
            except OSError:
                pass
            if wall.monotonic() > deadline:
                return _error(None, -32603, "the node behind the devnet does not answer")
            wall.pause(0.02)  # it is being renewed, and is back in a moment

    def close(self) -> None:
        self._wire.close()


def _read_request(reader: Any) -> bytes | None:
    """Return the next request's body, None when the client hung up."""
    if not reader.readline(65536):
        return None
    length = 0
    for _ in range(_HEADERS_MAX):
        line = reader.readline(65536)
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not 0 <= length <= _BODY_MAX:
        raise ValueError("body too large")
    body: bytes = reader.read(length)
    return body if len(body) == length else None


def _result(number: Any, result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()


def _error(number: Any, code: int, message: str) -> bytes:
    error = {"code": code, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": error}).encode()


def _hang_up(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:  # already gone
        return
