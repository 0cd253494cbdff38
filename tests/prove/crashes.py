"""Great crashes as they were: their prices, the gas of their days, and how chains were then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.e2e.stage import POSITION

from leverd.devnet.devnet import Conduct
from leverd.devnet.driver import Habits
from leverd.devnet.feeds import OracleRule
from leverd.devnet.recipe import Recipe
from leverd.devnet.recorded import Columns

DATA = os.environ.get("LEVERD_DATA", "")
PRICES, GAS = Path(DATA) / "crash_fine.parquet", Path(DATA) / "gas_eth_1d.parquet"

WIDTH = "0.3"
LIMITS = {"leverage_max": 5}  # what limits leverage here is the market, not this


@dataclass(frozen=True)
class Window:
    """A stretch of the past, UTC."""

    name: str
    since: str
    until: str
    equity: int = 10  # whole WETH in the account

    @property
    def recipe(self) -> Recipe:
        where = {"venue": "binance", "market": "spot", "symbol": "ETHUSDT", "bar": "5m"}
        columns = Columns(
            price="bar", where=where, since=_unix(self.since), until=_unix(self.until)
        )
        return Recipe(path=str(PRICES), columns=columns, gas_days=gas_days())


# Ether stood at 196 dollars then: ten of it would be hardly worth the gas of that week.
MARCH_2020 = Window("March 2020", "2020-03-11T12:00", "2020-03-14T12:00", equity=100)
MAY_2022 = Window("May 2022", "2022-05-08T12:00", "2022-05-13T00:00")
JUNE_2022 = Window("June 2022", "2022-06-12T00:00", "2022-06-16T00:00")
AUGUST_2024 = Window("August 2024", "2024-08-02T12:00", "2024-08-06T12:00")
CRASHES = [MARCH_2020, MAY_2022, JUNE_2022, AUGUST_2024]
NIGHT = Window("the night of 12 March 2020", "2020-03-12T22:00", "2020-03-13T03:00")


@dataclass(frozen=True)
class World:
    """How the chain is: what its oracle and its blocks do to who waits for them."""

    name: str
    conduct: Conduct
    engine: Mapping[str, Any] = field(default_factory=dict)  # what settings must say of it


FAIR = World("usual chain", Conduct(Habits(oracle=OracleRule(lag_s=12)), delay_chance=0.1))
CLOGGED = World(
    "clogged chain",
    Conduct(Habits(oracle=OracleRule(lag_s=60)), congestion=(1, 20)),
    {"inclusion_delay_s": 240, "gap": None},
)


def sections(
    world: World, positions: Mapping[str, Any], *, trigger: float | None = None, **engine: Any
) -> dict[str, Any]:
    """Return what a settings file says beside what is shipped."""
    own = {name: dict(each) for name, each in positions.items()}
    if trigger is not None:
        agents = dict(own[POSITION]["agents"])
        own[POSITION]["agents"] = {**agents, "guardian": {"deleverage_below": trigger}}
    return {
        "limits": LIMITS,
        "positions": own,
        "engine": {**world.engine, **engine},
        "logs": {"console": False},
    }


@cache
def gas_days() -> Mapping[str, str]:
    """Return the mean gas price of each day on record, gwei by ISO day."""
    from pyarrow import parquet  # noqa: PLC0415 -- an extra; without data nobody comes here

    rows = parquet.ParquetFile(GAS).read(columns=["ts", "avg_gas_price_gwei"]).to_pylist()
    return {row["ts"].date().isoformat(): str(row["avg_gas_price_gwei"]) for row in rows}


def _unix(moment: str) -> int:
    return int(datetime.fromisoformat(moment + "+00:00").timestamp())
