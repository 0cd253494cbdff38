"""A thin JSON-RPC client over one keep-alive connection, for anvil's own methods and set-up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from leverd.devnet.wire import Wire
from leverd.errors import NonsenseError, RefusedError, RevertedError, UnreachableError

_REVERTED: Final = 3  # JSON-RPC error code of a call the chain executed and refused


class Rpc:
    """Blocking calls to one node; not for use by two threads at once."""

    def __init__(self, url: str, *, deadline_s: float = 60.0) -> None:
        self.url = url
        self._wire = Wire(url, deadline_s=deadline_s)

    def ask(self, method: str, *params: Any) -> Any:
        """Return the node's result.

        Raises:
            RevertedError: the call was executed and refused.
            RefusedError: any other error answer.
            UnreachableError: no answer.
        """
        reply = self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return _result(method, reply)

    def ask_all(self, asks: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the results of several methods, sent as one batch; raises as `ask` does."""
        if not asks:
            return []
        batch = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
            for place, (method, params) in enumerate(asks)
        ]
        replies = self._post(batch)
        if not isinstance(replies, list) or len(replies) != len(batch):
            raise NonsenseError("the node answered a batch with something else", number=40)
        by_id = {reply["id"]: reply for reply in replies}
        return [_result(method, by_id[place]) for place, (method, _) in enumerate(asks)]

    def block(self, tag: str = "latest") -> Any:
        """Return a block's header and transaction hashes; raises as `ask` does."""
        hashes_only = False
        return self.ask("eth_getBlockByNumber", tag, hashes_only)

    def close(self) -> None:
        """Drop the connection; the next ask opens another."""
        self._wire.close()

    def _post(self, payload: object) -> Any:
        body = json.dumps(payload, separators=(",", ":")).encode()
        try:
            answer = self._wire.post(body)
        except OSError as error:
            raise UnreachableError(f"no answer from {self.url}: {error}", number=40) from error
        try:
            return json.loads(answer)
        except ValueError as error:
            raise NonsenseError("the node's answer is no JSON", number=41) from error


def _result(method: str, reply: Any) -> Any:
    if "error" not in reply:
        return reply.get("result")
    error = reply["error"]
    message = str(error.get("message", ""))
    if error.get("code") == _REVERTED:
        raise RevertedError(f"{message} {error.get('data', '')}".strip(), place=method, number=40)
    raise RefusedError("other", f"{method}: {message}", number=40)
