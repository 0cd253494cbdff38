"""One keep-alive HTTP connection to a local node, with nothing on it but what JSON-RPC needs.

A devnet asks its node half a dozen things a block; the library's client spends longer on each
answer's headers than the node on the answer.
"""

from __future__ import annotations

import socket
from io import BufferedReader
from typing import Final
from urllib.parse import urlsplit

_LINE_MAX: Final = 65_536
_LENGTH: Final = b"content-length:"
_OK: Final = b"200"


class Wire:
    """Posts bodies and returns what comes back. Not for use by two threads at once."""

    def __init__(self, url: str, *, deadline_s: float) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        path = parts.path or "/"
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._deadline_s = deadline_s
        self._socket: socket.socket | None = None
        self._reader: BufferedReader | None = None

    def post(self, body: bytes) -> bytes:
        """Return the answer's body.

        Raises:
            OSError: there is no connection, it broke, or what came is not an answer.
        """
        try:
            return self._exchange(body)
        except (OSError, ValueError) as error:
            self.close()
            raise OSError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Hang up; the next post connects again."""
        if self._reader is not None:
            self._reader.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._reader = None

    def _exchange(self, body: bytes) -> bytes:
        if self._socket is None or self._reader is None:
            self._socket = socket.create_connection(self._place, timeout=self._deadline_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = self._socket.makefile("rb")
        self._socket.sendall(self._head + b"%d\r\n\r\n" % len(body) + body)
        return _answer(self._reader)


def _answer(reader: BufferedReader) -> bytes:
    status = reader.readline(_LINE_MAX).split(b" ", 2)
    length = -1
    while (line := reader.readline(_LINE_MAX)) not in (b"\r\n", b"\n", b""):
        if line[: len(_LENGTH)].lower() == _LENGTH:
            length = int(line[len(_LENGTH) :])
    if len(status) < 2 or status[1] != _OK or length < 0:  # noqa: PLR2004 -- version and code
        raise ConnectionError("hung up, or not an answer of a stated length")
    answer = reader.read(length)
    if len(answer) < length:
        raise ConnectionError("hung up in the middle of an answer")
    return answer
