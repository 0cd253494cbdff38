"""A service that hears alerts on loopback, and can refuse them."""

from __future__ import annotations

import http.server
import json
import threading


class Service:
    """What it was told, in order; `refuses` so many first."""

    def __init__(self, refuses: int = 0) -> None:
        self.heard: list[dict[str, str]] = []
        self.asked = 0
        self._refuses = refuses
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                if outer.asked <= outer._refuses:
                    self.send_response(503)
                else:
                    outer.heard.append(json.loads(body))
                    self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
