"""AWS Secrets Manager on loopback: moto's server, and one that only says no."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REGION = "eu-central-1"
ENV = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
}
"""Who asks: nobody's key, from AWS's own documentation."""


@contextmanager
def managed() -> Iterator[str]:
    """Yield the URL of a manager that keeps what it is given."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- heavy

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Refusing:
    """A server that gives one answer to everything, or none."""

    def __init__(self, status: int, code: str, message: str = "", *, hangs: bool = False) -> None:
        self.asked, self._free = 0, threading.Event()
        body = json.dumps({"__type": code, "message": message}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805 -- `self` is the server that counts
                self.asked += 1
                handler.rfile.read(int(handler.headers["Content-Length"]))
                if hangs:
                    self._free.wait(60)
                    return
                handler.send_response(status)
                handler.send_header("Content-Type", "application/x-amz-json-1.1")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it, and let go of whoever waits."""
        self._free.set()
        self._server.shutdown()
        self._server.server_close()
