"""What the service does for the money, and what the API beside it shows of that."""

from __future__ import annotations

import re
import time

from tests.prove.deployed import guide
from tests.prove.deployed.machine import until
from tests.prove.deployed.node import FALL, FALL_MIN
from tests.prove.deployed.service import Service

from leverd.adapters.system_clock import SystemClock

UNIT = "leverd-api"


def beside(service: Service) -> str:
    """The API is a service of its own: 401 without a token, 200 with one; its end ends nothing."""
    service.shell("install -m 0644 deploy/leverd-api.service /etc/systemd/system/")
    service.shell(f"systemctl daemon-reload && systemctl enable --now {UNIT}")
    made = service.shell(guide.the_one("Tokens, numbers and alarms", "my browser"))
    token = max(re.findall(r"[\w-]{30,}", made), key=len)
    until(lambda: _answer(service, "health/live") == "200", "answered")
    assert _answer(service, "positions") == "401"
    assert _answer(service, "positions", token) == "200"
    daemon, api = service.pid(), service.pid(UNIT)
    service.shell(f"kill -9 {api}")
    until(lambda: service.pid(UNIT) not in {0, api}, "started again")
    until(lambda: _answer(service, "positions", token) == "200", "answered again")
    assert service.pid() == daemon
    said = service.shell(f"systemd-analyze security {UNIT} --no-pager")
    return f"exposure {re.findall(r'leverd-api.service: ([0-9.]+)', said)[0]} of 10"


def fallen(service: Service) -> str:
    """Ether falls: leverage is lowered in time, and nobody liquidates."""
    over = service.installed.node.fall.timestamp() + FALL_MIN * 60
    wait = max(0.0, over - SystemClock().now().timestamp())
    until(lambda: _sold(service), "deleveraged", patience_s=wait + 600)
    until(lambda: _leverage(service.turns()[-1]) <= 2.8, "at rest", patience_s=wait + 600)
    time.sleep(max(0.0, over - SystemClock().now().timestamp()))  # noqa: TID251 -- the market's path
    until(lambda: "verdict=nothing_to_do slots=0" in service.turns()[-1], "at rest")
    (position,) = service.asked("positions")
    assert float(position["pnl"]["liquidation"]) == 0
    seen = [(_leverage(turn), _health(turn)) for turn in service.turns() if _health(turn)]
    highest, lowest = max(each for each, _ in seen), min(each for _, each in seen)
    assert lowest > 1
    last = _sold(service)[-1]
    (why,) = re.findall(r"approved:(\w+)", last)
    return (
        f"{FALL:.0%} in {FALL_MIN} minutes: {why} at health {_health(last):.3f}; leverage at most "
        f"{highest:.2f}, health at least {lowest:.3f}; then {service.position()}"
    )


def unwound(service: Service) -> str:
    """`leverd unwind --now` goes through the running daemon, and ends without debt.

    Without `--now` it would wait for gas, which is dear for an hour after the fall.
    """
    before = service.pid()
    began = time.perf_counter()
    service.asked("unwind eth-loop --now --yes")
    until(lambda: service.asked("positions")[0]["health"] is None, "without debt", patience_s=600)
    took = time.perf_counter() - began
    (position,) = service.asked("positions")
    assert position["leverage"] is None or float(position["leverage"]) <= 1
    assert service.pid() == before
    return f"{took:.0f} s; {float(position['equity']):,.0f} USD are left"


def _answer(service: Service, path: str, token: str = "") -> str:
    allowed = f"-H 'Authorization: Bearer {token}'" if token else ""
    url = f"http://127.0.0.1:{service.installed.port}/api/v1/{path}"
    form = "-s -m 20 -o /dev/null -w '%{http_code}'"
    return service.shell(f"curl {form} {allowed} {url}", code=None).strip()


def _sold(service: Service) -> list[str]:
    """Return the turns that lowered leverage."""
    return [turn for turn in service.turns() if re.search(r"approved:(reduce|deleverage)", turn)]


def _leverage(turn: str) -> float:
    found = re.search(r"leverage=([\d.]+)", turn)
    return float(found[1]) if found else 0.0


def _health(turn: str) -> float:
    found = re.search(r"health=([\d.]+)", turn)
    return float(found[1]) if found else 0.0
