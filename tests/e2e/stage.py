"""A whole world for tests: a devnet in this process, settings, and the daemon on it.

Nothing happens between two blocks: where the daemon sleeps, the market moves on. So a day of
chain time passes in seconds, and the same seed plays the same play.
"""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from leverd.adapters.sql_journal import SqlLedger, SqlRequests
from leverd.bootstrap import service
from leverd.bootstrap.daemon import Care, Opened
from leverd.cli.given import settings_of
from leverd.devnet.chain import Chain
from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.driver import Block
from leverd.devnet.recipe import Recipe
from leverd.devnet.rpc import Rpc
from leverd.devnet.throwaway_keys import write_keystores
from leverd.interfaces.requests import RequestKind

CONFIG = Path(__file__).parents[2] / "config" / "settings.yaml"
POSITION = "eth-loop"
DUST_USD = 10**8  # 1e8: what the planner leaves alone
STEPWISE: dict[str, Any] = {"engine": {"gap": 0.08}, "limits": {"health_step_min": 1.1}}
"""What a position in single steps has to say: its health is lower between two of them."""

_BALANCE = "balanceOf(address)->(uint256)"
_DATA = "getUserAccountData(address)->(uint256,uint256,uint256,uint256,uint256,uint256)"
_PRICE = "getAssetPrice(address)->(uint256)"


@dataclass(frozen=True)
class Truth:
    """What the chain itself says about the account; USD 1e8, health in wad."""

    collateral: int
    debt: int
    health: int
    idle: dict[str, int]  # symbol -> USD 1e8
    raw: dict[str, int]  # symbol -> raw units idle
    sequence: int
    operator_nonce: int

    @property
    def equity(self) -> int:
        return self.collateral + sum(self.idle.values()) - self.debt

    @property
    def leverage(self) -> Decimal:
        """As leverd counts it: exposure over equity, with idle collateral exposed too."""
        return Decimal(self.collateral + self.idle["WETH"]) / self.equity


@dataclass
class MarketClock:
    """Sleeping moves the market; everything else is the machine's own time.

    With a stride, blocks between two looks are left out, but none at a time in `stops`.
    """

    devnet: Devnet
    stride: int | None = None
    stops: Sequence[int] = ()  # chain times, rising
    after_block: Callable[[Block], None] = lambda _: None
    after_sleep: Callable[[], None] = lambda: None
    liquidated: list[tuple[int, str]] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 -- a clock is what asks

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 -- a clock is what asks

    async def sleep(self, seconds: float) -> None:
        ahead = max(int(seconds), self.devnet.driver.habits.block_s)
        await asyncio.to_thread(self.walk_to, self.devnet.driver.now + ahead)
        self.after_sleep()

    def walk_to(self, at: int) -> None:
        """Move the market on to chain time `at`."""
        driver = self.devnet.driver
        first, last = bisect_right(self.stops, driver.now), bisect_left(self.stops, at)
        for goal in (*self.stops[first:last], at):
            while driver.now < goal:
                stride = self.stride or driver.habits.block_s
                block = self.devnet.step(min(stride, goal - driver.now))
                self.liquidated += [(block.at, who) for who in block.liquidated]
                self.after_block(block)


ROOMY = {"warn_mb": 100_000, "stop_mb": 200_000}
"""Bounds of memory for a daemon inside the process of all tests."""


@dataclass
class Stage:
    """One devnet, one folder, one position."""

    devnet: Devnet
    folder: Path
    speed: float = 1.0

    def __post_init__(self) -> None:
        self.clock = MarketClock(self.devnet)
        self.deployment = self.devnet.deployment
        self.account = self.deployment.accounts[POSITION]
        self.journal = self.folder / "journal.db"
        self.deployment.save(self.folder / "deployment.json")
        self.announce(self.devnet.url)
        write_keystores(self.folder)

    def announce(self, url: str) -> None:
        """Say where the chain answers."""
        where = {"url": url, "speed": self.speed}
        part = self.folder / "endpoint.part"
        part.write_text(json.dumps(where))
        part.replace(self.folder / "endpoint.json")  # a child may be reading it

    def files(self, **sections: Any) -> list[Path]:
        """Return settings files: the shipped ones, with this world's places and `sections`."""
        places: dict[str, Any] = {
            "chain": {"devnet": str(self.folder)},
            "journal": {"path": str(self.journal)},
            "key": {
                "keystore": str(self.folder / "operator.json"),
                "password": {"file": str(self.folder / "operator.password")},
            },
            "logs": {"console": True, "file": str(self.folder / "leverd.log")},
        }
        own = self.folder / "own.yaml"
        own.write_text(yaml.safe_dump(merged(places, sections)))
        return [CONFIG, own]

    async def play(
        self,
        *,
        seconds: int = 0,
        until: Callable[[Opened], bool] | None = None,
        begun: Callable[[], None] = lambda: None,
        stepwise: bool = False,
        **sections: Any,
    ) -> list[Any]:
        """Run the daemon for `seconds` of chain time, or until `until`; return the journal.

        `begun` is called when its start is over. With `stepwise` the account is made out to be one
        that does single steps only.
        """
        own = merged(STEPWISE if stepwise else {}, {"memory": ROOMY})
        settings = settings_of(self.files(**merged(own, sections)))
        stop, end = asyncio.Event(), self.devnet.driver.now + seconds
        opened = await service.begun(settings, self.clock, service.Start(60), stop, Care())
        assert opened is not None, "nobody told it to stop"
        begun()

        def look() -> None:
            if until(opened) if until else self.devnet.driver.now >= end:
                stop.set()

        self.clock.after_sleep = look
        try:
            if stepwise:
                _make_stepwise(opened)
                await service._check(settings, opened)
            await opened.daemon.run(stop)
        finally:
            self.clock.after_sleep = lambda: None
            await opened.close()
        return self.events()

    def deposit(self, symbol: str, raw: int) -> None:
        """Have the owner put money into the account, in a block of its own."""
        token = self.deployment.tokens[symbol].address
        signature, owner = "transfer(address,uint256)", self.deployment.roles.owner
        self.devnet.chain.send(owner, token, signature, self.account, raw, gas=100_000)
        self.devnet.step()

    def ask(self, kind: RequestKind) -> None:
        """Put an owner's request into the journal's letter box."""
        requests = SqlRequests(self.journal, self.clock)
        requests.put(kind, POSITION, "test")
        requests.close()

    def events(self, *kinds: type) -> list[Any]:
        """Return what the journal holds, of `kinds` if any are named."""
        ledger = SqlLedger(self.journal)
        try:
            found = [entry.event for entry in ledger.entries(limit=10**6)]
        finally:
            ledger.close()
        return [event for event in found if not kinds or isinstance(event, kinds)]

    def truth(self) -> Truth:
        """Ask the chain, not the agent."""
        chain = Chain(Rpc(self.devnet.node.url))
        try:
            return self._truth(chain)
        finally:
            chain.rpc.close()

    def _truth(self, chain: Chain) -> Truth:
        deployment = self.deployment
        data = chain.read(deployment.pool, _DATA, self.account)
        raw, idle = {}, {}
        for symbol in ("WETH", "USDC"):
            token = deployment.tokens[symbol]
            raw[symbol] = chain.read(token.address, _BALANCE, self.account)
            price = chain.read(deployment.oracle, _PRICE, token.address)
            idle[symbol] = raw[symbol] * price // 10**token.decimals
        return Truth(
            collateral=data[0],
            debt=data[1],
            health=data[5],
            idle=idle,
            raw=raw,
            sequence=self._sequence(chain),
            operator_nonce=Chain(chain.rpc).nonce(deployment.roles.operator),
        )

    def _sequence(self, chain: Chain) -> int:
        if self.account == self.deployment.roles.operator:
            return 0  # a plain address has none
        return int(chain.read(self.account, "sequence()->(uint256)"))

    def operator_hashes(self) -> list[str]:
        """Return the hash of every mined transaction of the operator, in order."""
        rpc = Rpc(self.devnet.node.url)
        operator = self.deployment.roles.operator.lower()
        try:
            head = int(rpc.ask("eth_blockNumber"), 16)
            first = self.deployment.block + 1
            asks = [("eth_getBlockByNumber", [hex(n), True]) for n in range(first, head + 1)]
            blocks = rpc.ask_all(asks)
        finally:
            rpc.close()
        sent = [tx for block in blocks for tx in block["transactions"]]
        return [tx["hash"] for tx in sent if tx["from"].lower() == operator]


@contextmanager
def staged(
    folder: Path, recipe: Recipe | None = None, conduct: Conduct | None = None, *, speed: float = 1
) -> Iterator[Stage]:
    """Yield a stage on a new devnet, and end it."""
    devnet = Devnet.begin(recipe or Recipe(), conduct or Conduct())
    try:
        yield Stage(devnet, folder, speed)
    finally:
        devnet.stop()


def loop(target: str, width: str = "0.3", **others: Any) -> dict[str, Any]:
    """Return the settings section of a leverage loop at `target`."""
    band = Decimal(width)
    section = {
        "target": Decimal(target),
        "boost_below": max(Decimal(target) - band, Decimal("1.05")),
        "repay_above": Decimal(target) + band,
        **others,
    }
    plain = {name: float(value) if isinstance(value, Decimal) else value
             for name, value in section.items()}  # fmt: skip
    return {POSITION: {"agents": {"leverage_loop": plain}}}


def _make_stepwise(opened: Opened) -> None:
    venue = opened.chain.venue
    observe = venue.observe

    async def without_atomic(mandates: Any) -> Any:
        seen = await observe(mandates)
        positions = {
            name: replace(position, atomic=False) for name, position in seen.positions.items()
        }
        return replace(seen, positions=positions)

    venue.observe = without_atomic  # type: ignore[method-assign]  # a test's own account


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return `one` with what `other` says, section by section."""
    made = dict(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = merged(made[key], value) if both else value
    return made
