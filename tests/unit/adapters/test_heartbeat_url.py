"""A dead man's switch: asked after turns with a fresh view, and no turn waits for it."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from loguru import logger
from tests.worlds import view

from leverd.adapters.heartbeat_url import HeartbeatUrl
from leverd.interfaces.watcher import Nobody, Several, Turned

pytestmark = pytest.mark.sockets

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def turned(seconds=0.0, *, fresh=True):
    at = NOW + timedelta(seconds=seconds)
    return Turned(1, at, 0.5, {}, 12.0, fresh, {"eth-loop": view()})


class Service:
    """What counts beats, and answers as it is told."""

    def __init__(self):
        self.beats, self.heard, self.status, self.gate = (
            [],
            threading.Event(),
            200,
            threading.Event(),
        )
        self.gate.set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                service.beats.append(self.path)
                service.heard.set()
                service.gate.wait(20)
                self.send_response(service.status)
                if service.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping/t0psecret"

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service():
    made = Service()
    yield made
    made.close()


def at_rest(beating):
    """Wait until no beat is under way."""
    assert beating._busy.acquire(timeout=20)
    beating._busy.release()


def test_a_fresh_turn_beats_and_the_next_one_waits_its_time(service):
    beating = HeartbeatUrl(service.url, every_s=30)
    for seconds in (0, 5, 29, 30, 61):
        beating.turned(turned(seconds))
        at_rest(beating)
    assert service.beats == ["/ping/t0psecret"] * 3


def test_a_blind_turn_does_not_beat(service):
    beating = HeartbeatUrl(service.url)
    beating.turned(turned(fresh=False))
    at_rest(beating)
    assert service.beats == []


def test_no_turn_waits_for_a_slow_service_and_beats_do_not_pile_up(service):
    service.gate.clear()
    beating = HeartbeatUrl(service.url, every_s=0)
    beating.turned(turned(0))
    assert service.heard.wait(20)
    for seconds in range(1, 50):
        beating.turned(turned(seconds))  # returns, or this test never ends
    assert len(service.beats) == 1
    service.gate.set()
    at_rest(beating)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_service_that_fails_is_said_once_without_its_address(service, status):
    lines = []
    sink = logger.add(lines.append, level="DEBUG")
    service.status = status
    beating = HeartbeatUrl(service.url, every_s=0)
    try:
        for seconds in range(3):
            beating.turned(turned(seconds))
            at_rest(beating)
    finally:
        logger.remove(sink)
    said = [line for line in lines if "heartbeat" in line]
    assert len(said) == 1
    assert "t0psecret" not in "".join(lines)
    assert "/elsewhere" not in service.beats


def test_nobody_there_is_no_error_of_the_turn(service):
    url = service.url
    service.server.server_close()
    beating = HeartbeatUrl(url)
    beating.turned(turned())
    at_rest(beating)


def test_a_clock_that_was_set_back_does_not_silence_it(service):
    beating = HeartbeatUrl(service.url, every_s=30)
    for seconds in (7_200, 0, 10, 31):
        beating.turned(turned(seconds))
        at_rest(beating)
    assert len(service.beats) == 3


def test_an_answer_that_is_not_http_is_a_failure_like_any_other():
    lines, door = [], socket.create_server(("127.0.0.1", 0))

    def answer():
        for _ in range(2):
            caller, _ = door.accept()
            with caller:
                caller.recv(4_096)
                caller.sendall(b"nonsense\r\n\r\n")

    answering = threading.Thread(target=answer)
    answering.start()
    sink = logger.add(lines.append)
    beating = HeartbeatUrl(f"http://127.0.0.1:{door.getsockname()[1]}/", every_s=0)
    for seconds in range(2):
        beating.turned(turned(seconds))
        at_rest(beating)
    logger.remove(sink)
    answering.join()
    door.close()
    assert len([line for line in lines if "does not answer: BadStatusLine" in line]) == 1


def test_several_watchers_are_each_told():
    told = []

    class Ear(Nobody):
        def turned(self, turned):
            told.append(turned.number)

    Several((Ear(), Nobody(), Ear())).turned(turned())
    assert told == [1, 1]
