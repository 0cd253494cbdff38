"""The shared work and its series as every engine is given them, and what each of them tells.

Read in the peers' environments too: it needs no more than numpy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = Any  # float or Decimal: each engine's own

AMOUNT = "10"  # whole ETH to begin with
YEAR_S = 31_536_000


@dataclass(frozen=True)
class Terms:
    """What the position is kept by, in an engine's own numbers."""

    target: Number
    low: Number
    high: Number
    floor: Number
    threshold: Number
    fee: Number
    one: Number


@dataclass(frozen=True)
class Series:
    """One row for each bar. An index is whole units and 1e-18 of them."""

    ts: NDArray[np.int64]  # when the bar is over, unix seconds
    price: NDArray[np.int64]  # of ETH, USD 1e8
    supply: NDArray[np.int64]  # index of ETH, two columns
    borrow: NDArray[np.int64]  # index of USDC, two columns

    def save(self, path: Path) -> None:
        np.savez(path, ts=self.ts, price=self.price, supply=self.supply, borrow=self.borrow)


@dataclass(frozen=True)
class Run:
    """What one engine's run in a process of its own came to."""

    engine: str
    bars: int
    seconds: float  # CPU, of the run alone: series in the engine's own shape are there already
    acts: int
    equity: float  # USD at the end
    peak_mb: float  # resident at most
    imports_mb: float  # resident before the series was read

    def line(self) -> str:
        return json.dumps(asdict(self))


def load(path: Path) -> Series:
    with np.load(path) as held:
        return Series(held["ts"], held["price"], held["supply"], held["borrow"])


def terms(number: Callable[[str], Number]) -> Terms:
    """Return the shared work's figures as `number` reads them."""
    return Terms(*(number(each) for each in ("3", "2.5", "3.5", "1.3", "0.93", "0.0005", "1")))


def wanted(kept: Terms, owned: Number, owed: Number) -> Number:
    """Return the value to borrow (above zero), or of collateral to sell (below), zero for neither.

    A purchase for b leaves owned + b (1 - fee) against owed + b; a sale of x leaves owned - x
    against owed - x (1 - fee). Either ends at the target.
    """
    k, own, owe = kept, owned, owed
    equity = own - owe
    if own < k.low * equity:
        return (k.target * equity - own) / (k.one - k.fee + k.target * k.fee)
    if own > k.high * equity or own * k.threshold < k.floor * owe:
        return (k.target * equity - own) / (k.one - k.target * k.fee)
    return equity * 0


def resident_mb() -> float:
    return _status("VmRSS")


def told(engine: str, imports_mb: float, bars: int, run: Callable[[], tuple[int, float]]) -> None:
    """Print one line of what `run` came to; it returns acts and the equity at the end."""
    began = process_time()
    acts, equity = run()
    seconds = process_time() - began
    print(Run(engine, bars, seconds, acts, equity, _status("VmHWM"), imports_mb).line())


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1024
