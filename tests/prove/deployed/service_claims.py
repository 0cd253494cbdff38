"""What docs/install.md promises of the unit, each as a function that says what it measured."""

from __future__ import annotations

import re
import time

from tests.prove.deployed.installed import SETTINGS
from tests.prove.deployed.machine import until
from tests.prove.deployed.service import Service

WATCHDOG_S = 60
"""Shorter than the unit's own, to be over sooner; leverd widens it to three looks and a minute."""


def malformed(service: Service) -> str:
    """Settings malformed before any ever ran: exit 2, said at alert level, tried again for ever."""
    inside = service.installed
    inside.unit()
    good = service.shell(f"cat {SETTINGS}")
    inside.write(good.replace("look_s_max", "look_s_mxa"))
    service.shell("systemctl start leverd", code=1)
    until(lambda: int(service.shown("NRestarts")) >= 2, "tried again")
    service.tells("look_s_mxa")
    service.tells("Main process exited, code=exited, status=2")
    service.tells("leverd ended: exit-code, exited 2", level="alert")
    inside.write(good)
    began = time.perf_counter()
    until(service.is_up, "up with settings that were mended")
    took, tries = time.perf_counter() - began, service.shown("NRestarts")
    service.shell("systemctl stop leverd")
    return f"started {tries} times more, up {took:.0f} s after the file was mended"


def start(service: Service) -> str:
    """`systemctl enable --now` returns once every position was seen, and says what it saw."""
    check, enable = service.installed.unit()
    service.shell(check)
    assert "enable --now" in enable
    began = time.perf_counter()
    service.shell(enable)
    took = time.perf_counter() - began
    assert service.is_up()
    assert service.shown("StatusText").startswith("eth-loop: leverage")
    return f"{took:.1f} s: {service.shown('StatusText')}"


def opened(service: Service) -> str:
    """It opens the position that its settings want, on what the owner paid in."""
    until(lambda: re.search(r"leverage 2\.\d+, health 1", service.shown("StatusText")), "open")
    return service.position()


def confined(service: Service) -> str:
    """The process has no capability, gains none and is filtered; others do not read its secrets."""
    status = service.shell(f"cat /proc/{service.pid()}/status")
    assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    secret = service.shell("cat /etc/leverd/operator.password").strip()
    handed = "/run/credentials/leverd.service/password"
    assert service.shell(f"sudo -u leverd cat {handed}").strip() == secret
    for file in (handed, "/etc/leverd/operator.password", "/var/lib/leverd/journal.db"):
        assert "Permission denied" in service.shell(f"sudo -u nobody cat {file}", code=1)
    assert secret not in service.shell(f"cat /proc/{service.pid()}/environ")
    assert "700 leverd" in service.shell("stat -c '%a %U' /var/lib/leverd")
    said = service.shell("systemd-analyze security leverd --no-pager")
    return f"exposure {re.findall(r'leverd.service: ([0-9.]+)', said)[0]} of 10"


def reloaded(service: Service) -> str:
    """`systemctl reload` takes a good change, refuses a typo whole, and ends nothing."""
    before, mark = service.pid(), service.mark()
    service.installed.fill_in(look_s_max=20)
    service.shell("systemctl reload leverd")
    service.tells("look_s_max", mark)
    good, mark = service.shell(f"cat {SETTINGS}"), service.mark()
    service.installed.write(good.replace("look_s_min", "look_s_mni"))
    service.shell("systemctl reload leverd", code=None)
    service.tells("look_s_mni", mark)
    code = re.findall(r"LVD-\w+-\d+", service.journal(mark))[0]
    service.installed.write(good)
    assert service.pid() == before
    turns = len(service.turns())
    until(lambda: len(service.turns()) > turns, "at its next turn")
    return f"the typo is {code}; the same process goes on, {service.position()}"


def killed(service: Service) -> str:
    """`kill -9`: it starts again by itself, settles first, and knows its position."""
    before, mark, known = service.pid(), service.mark(), service.position()
    began = time.perf_counter()
    service.shell(f"kill -9 {before}")
    service.comes_back(before)
    took = time.perf_counter() - began
    service.tells("recovery: 0 slot(s) to settle", mark)
    service.tells("leverd ended: signal, killed KILL", mark, "alert")
    return f"ready {took:.0f} s later; before {known}; after {service.position()}"


def hung(service: Service) -> str:
    """A process that hangs is ended by the watchdog and started again."""
    drop_in = "/run/systemd/system/leverd.service.d"
    words = f"[Service]\\nWatchdogSec={WATCHDOG_S}\\n"
    service.shell(f"mkdir -p {drop_in} && printf '{words}' > {drop_in}/shorter.conf")
    service.shell("systemctl daemon-reload && systemctl restart leverd")
    before, mark, limit = service.pid(), service.mark(), service.shown("WatchdogUSec")
    began = time.perf_counter()
    service.shell(f"kill -STOP {before}")
    service.comes_back(before)
    took = time.perf_counter() - began
    service.tells("Watchdog timeout", mark)
    service.tells("leverd ended: watchdog", mark, "alert")
    service.shell(f"rm {drop_in}/shorter.conf && systemctl daemon-reload")
    service.shell("systemctl restart leverd")
    assert service.shown("WatchdogUSec") == "5min"
    return (
        f"{WATCHDOG_S} s in a drop-in, which leverd widened to {limit}: "
        f"ready again after {took:.0f} s, {service.position()}"
    )


def broken_while_open(service: Service) -> str:
    """Settings broken while a position is open: the guards run by those that last ran."""
    good = service.shell(f"cat {SETTINGS}")
    service.installed.write("position: {")
    service.shell("systemctl restart leverd")
    assert "GUARDS ONLY" in service.shown("StatusText")
    known = service.position()
    service.installed.write(good)
    service.shell("systemctl restart leverd")
    assert "GUARDS ONLY" not in service.shown("StatusText")
    return known


def stopped(service: Service) -> str:
    """`systemctl stop` ends in order, with 0, and says what it leaves unguarded."""
    mark, began = service.mark(), time.perf_counter()
    service.shell("systemctl stop leverd")
    took = time.perf_counter() - began
    assert (service.shown("Result"), service.shown("ExecMainStatus")) == ("success", "0")
    service.tells("left unguarded", mark)
    (left,) = re.findall(r"left unguarded: (.+?);", service.journal(mark))
    assert service.journal(mark, "alert") in {"", "-- No entries --\n"}
    service.shell("systemctl start leverd")
    return f"{took:.1f} s, “{left}”"


def dark(service: Service) -> str:
    """The power goes: at the next boot the service starts by itself and knows its position."""
    known = service.position()
    service.installed.machine.lose_power()
    began = time.perf_counter()
    service.installed.machine.boot()
    until(service.is_up, "up after the boot")
    took = time.perf_counter() - began
    whole = [each for each in service.asked("doctor") if each["code"] == "journal"]
    assert [each["status"] for each in whole] == ["good"]
    return f"ready {took:.0f} s after the power came; before {known}; after {service.position()}"


def examined(service: Service) -> str:
    """`leverd doctor`, as the service's user, finds nothing bad."""
    found = service.asked("doctor")
    assert {"systemd", "systemd-watchdog", "systemd-credential"} <= {each["code"] for each in found}
    assert [each for each in found if each["status"] == "bad"] == []
    notes = [each["code"] for each in found if each["status"] != "good"]
    return f"{len(found)} checks, none bad; noted: {', '.join(notes)}"
