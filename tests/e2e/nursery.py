"""Runs `run_agent` in children that signal themselves at a given line.

One process imports everything once and forks for each run, so that a start costs what a start
costs and not its imports. Each order is a line of JSON on stdin, each answer one on stdout:
first the child's pid, then how it ended (a signal's number is negative).
"""

from __future__ import annotations

import functools
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import leverd.bootstrap.service
from leverd.adapters.evm.venue import EvmVenue
from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap import daemon
from leverd.cli import run_agent
from leverd.execution.executor import Executor

LOADED = leverd.bootstrap.service  # imported for its imports

POINTS: dict[str, tuple[type, str]] = {
    "append": (SqlJournal, "append"),
    "sign": (EvmVenue, "sign"),
    "send": (EvmVenue, "send"),
    "observe": (EvmVenue, "observe"),
    "look": (EvmVenue, "look"),
    "fills": (EvmVenue, "fills"),
    "recover": (Executor, "recover"),
    "overrule": (Executor, "overrule"),
}


def _spot(name: str) -> tuple[type, str]:
    """Return a call of the trader's, imported only where one is wanted."""
    from leverd.adapters.injective.venue import InjectiveSpot  # noqa: PLC0415 -- see above

    return InjectiveSpot, name


SPOT_POINTS: dict[str, Callable[[], tuple[type, str]]] = {
    "spot_sign": lambda: _spot("sign"),
    "spot_send": lambda: _spot("send"),
}


def signal_at(point: str, when: str, nth: int, number: int = signal.SIGKILL) -> None:
    """Have the process signal itself before the nth call of `point`, or after the nth answer."""
    owner, name = SPOT_POINTS[point]() if point in SPOT_POINTS else POINTS[point]
    inner = getattr(owner, name)
    calls = answers = 0

    @functools.wraps(inner)
    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, answers
        calls += 1
        if when == "before" and calls == nth:
            os.kill(os.getpid(), number)
        result = await inner(*args, **kwargs)
        answers += 1  # one that was refused is none: a slow machine's lease may run out
        if when == "after" and answers == nth:
            os.kill(os.getpid(), number)
        return result

    setattr(owner, name, counted)


def count_into(file: str) -> None:
    """Have every call of a point written to `file` by its name, one a line."""
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for point, (owner, name) in POINTS.items():
        setattr(owner, name, _counted(getattr(owner, name), out, f"{point}\n".encode()))


def _counted(inner: Any, out: int, line: bytes) -> Any:
    @functools.wraps(inner)
    async def counted(*args: Any, **kwargs: Any) -> Any:
        os.write(out, line)
        return await inner(*args, **kwargs)

    return counted


def make_stepwise() -> None:
    """Make every account out to be one that does single steps only."""
    inner = EvmVenue.observe

    @functools.wraps(inner)
    async def observe(self: EvmVenue, mandates: Any) -> Any:
        seen = await inner(self, mandates)
        plain = {name: replace(each, atomic=False) for name, each in seen.positions.items()}
        return replace(seen, positions=plain)

    EvmVenue.observe = observe  # type: ignore[method-assign]  # in this child alone


def break_at_signing(message: str) -> None:
    """Have a bug raise `message` where the key is used."""

    async def sign(*_: Any, **__: Any) -> Any:
        raise RuntimeError(message)

    EvmVenue.sign = sign  # type: ignore[method-assign]  # in this child alone


def wish_for_cores() -> None:
    """Have the system write a core where we are, unless the agent forbids it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell's background jobs ignore it


def run(order: dict[str, Any]) -> None:
    """Be `run_agent`, with what the order adds."""
    sys.argv = ["run_agent", *order["arguments"]]
    os.environ.update(order.get("env", {}))
    out = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if order.get("folder"):
        os.chdir(order["folder"])
    if order.get("cores"):
        wish_for_cores()
    if order.get("bug"):
        break_at_signing(order["bug"])
    if order.get("stepwise"):
        make_stepwise()
    if order.get("die"):
        signal_at(*order["die"])
    if order.get("tally"):
        count_into(order["tally"])
    if order.get("grace"):
        vars(daemon)["STOP_GRACE_S"] = order["grace"]
    run_agent.main()


def main() -> None:
    """Take orders until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                run(json.loads(line))
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
            finally:
                sys.stdout.flush()
                os._exit(code)
        tell(child)
        _, status = os.waitpid(child, 0)
        tell(os.waitstatus_to_exitcode(status))


def tell(number: int) -> None:
    """Answer with one number."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
