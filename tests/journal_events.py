"""Journal events for tests: strategies for every kind, and handy ones by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from leverd.domain.events import DecisionTaken, Event
from leverd.domain.snapshot import Snapshot

KINDS = get_args(Event)
WAD = 10**18
RAY = 10**27


class SteadyClock:
    """Wall time that moves a second at each look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def values_of(declared):
    """Return a strategy for values of one declared type, huge integers and odd text included."""
    if is_dataclass(declared):
        hints = get_type_hints(declared)
        return st.builds(declared, **{name: values_of(kind) for name, kind in hints.items()})
    if declared is int:
        return st.integers() | st.integers(-(2**300), 2**300)
    if declared is bool:
        return st.booleans()
    if declared is str:
        return st.text(max_size=20)
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    assert origin is Mapping, declared
    return st.dictionaries(st.text(max_size=5), values_of(arguments[1]), max_size=3)


def events():
    """Return a strategy for any event."""
    return st.one_of([values_of(kind) for kind in KINDS])


def snapshot(block=1, *, equity=30_000 * 10**8, at=None):
    """Return the snapshot of a 2.5x WETH position of 10 WETH at 3,000 USD."""
    return Snapshot(
        block=block,
        block_hash=f"0x{block:064x}",
        at=1_700_000_000 + block * 12 if at is None else at,
        idle={},
        supplied={"WETH": 25 * WAD},
        owed={"USDC": 45_000 * 10**6},
        prices={"WETH": 3000 * 10**8, "USDC": 10**8},
        supply_indexes={"WETH": RAY, "USDC": RAY},
        borrow_indexes={"WETH": RAY, "USDC": RAY},
        health=1_383 * 10**15,
        equity=equity,
        decimals={"WETH": 18, "USDC": 6},
    )


def decision(number):
    """Return a decision that carries `number`, so that tests can tell entries apart."""
    return DecisionTaken("eth-loop", "leverage_loop", "hold", "", f"reason {number}", snapshot())
