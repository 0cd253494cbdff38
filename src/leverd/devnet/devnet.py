"""A whole devnet in one object: node, market, driver, pool and front; stepped by its holder."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from leverd.devnet import market
from leverd.devnet.chain import Chain
from leverd.devnet.delays import Congestion, Delay, Delays
from leverd.devnet.deployment import Deployment
from leverd.devnet.driver import Block, Driver, Habits, described
from leverd.devnet.front import Front
from leverd.devnet.market import Opening
from leverd.devnet.mempool import Mempool
from leverd.devnet.node import Node, NodeOptions
from leverd.devnet.path import PricePath
from leverd.devnet.recipe import Recipe
from leverd.devnet.saved import Saved, dump
from leverd.devnet.traffic import Traffic

_BLOCKS_MAX: Final = 10_000  # a node's memory grows by some 17 kB a block: then it begins afresh


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a devnet runs today; unlike the recipe it may differ from one start to the next."""

    habits: Habits = field(default_factory=Habits)
    delay_chance: float = 0.1  # that a block leaves out an outside transaction it could take
    delay_blocks_max: int = 3
    congestion: tuple[int, int] | None = None  # instead: least and most blocks each nonce waits
    port: int = 0  # of the front; 0: any free one


class Devnet:
    """A running devnet. Nothing happens on it unless `step` or `advance_to` is called."""

    def __init__(
        self,
        node: Node,
        deployment: Deployment,
        recipe: Recipe,
        path: PricePath,
        conduct: Conduct,
    ) -> None:
        self.node = node
        self.deployment = deployment
        self.recipe = recipe
        self.last: Block | None = None
        self.chain = Chain(node.rpc)
        self._traffic = Traffic()
        self.mempool = Mempool(node.url, _delays(recipe.seed, conduct))
        self.driver = Driver(
            self.chain, deployment, path, conduct.habits, self.mempool, self._traffic
        )
        self.driver.gas_days = recipe.gas_days
        self._born = self.driver.number
        self._front = Front(node.url, self.mempool, self._traffic, self.status, port=conduct.port)

    @classmethod
    def begin(cls, recipe: Recipe, conduct: Conduct, *, generation: int = 0) -> Devnet:
        """Return a new devnet at the first moment of its path.

        Raises:
            OwnerError: the path is no path, or set-up has not fetched node and contracts.
            UnreachableError: the node did not come up.
        """
        path = recipe.prices()
        opening = Opening(recipe.seed, path.prices[0], path.start, generation)
        node, deployment = market.start(opening)
        try:
            return cls(node, deployment, recipe, path, conduct)
        except BaseException:
            node.stop()
            raise

    @classmethod
    def resume(cls, saved: Saved, deployment: Deployment, conduct: Conduct) -> Devnet:
        """Return the devnet that was saved, at the moment it was saved at; raises as `begin`."""
        path = saved.recipe.prices()
        node = _load(saved, genesis_at=_genesis_at(deployment))
        try:
            devnet = cls(node, deployment, saved.recipe, path, conduct)
        except BaseException:
            node.stop()
            raise
        devnet.driver.liquidator.borrowers = dict.fromkeys(saved.borrowers)
        devnet.driver.liquidator.looked_to = saved.looked_to
        return devnet

    @property
    def url(self) -> str:
        """Where the outside meets this chain; anvil's own powers are at `node.url`."""
        return self._front.url

    def step(self, seconds: int | None = None) -> Block:
        """Mine one block as the driver does, and return it."""
        self.last = self.driver.step(seconds)
        return self.last

    def advance_to(self, at: int, *, stride: int | None = None) -> list[Block]:
        """Step until chain time `at`, a block each `stride` seconds."""
        blocks = self.driver.advance_to(at, stride=stride)
        self.last = blocks[-1]
        return blocks

    def saved(self) -> Saved:
        """Return this moment, to be resumed from."""
        driver = self.driver
        return Saved(
            recipe=self.recipe,
            generation=self.deployment.generation,
            at=driver.now,
            number=driver.number,
            borrowers=tuple(driver.liquidator.borrowers),
            looked_to=driver.liquidator.looked_to,
            chain=dump(self.node.rpc),
        )

    def due_for_renewal(self) -> bool:
        """Return whether the node has grown enough to begin afresh."""
        return self.driver.number - self._born >= _BLOCKS_MAX

    def renew(self, saved: Saved) -> None:
        """Put a fresh node holding `saved`, which must be this moment, in the old one's place."""
        with self._traffic.mining(), self.mempool.node_away():
            self.node.stop()
            self.node = _load(saved, genesis_at=_genesis_at(self.deployment), port=self.node.port)
        self.chain.rpc = self.node.rpc
        self.driver.resync()
        self._born = self.driver.number

    def status(self) -> dict[str, Any]:
        """Return what `leverd devnet status` shows beside where it runs."""
        path = self.driver.path
        return {
            "block": self.driver.number,
            "at": self.driver.now,
            "path_start": path.start,
            "path_end": path.end,
            "path_over": self.driver.now >= path.end,
            "waiting": len(self.mempool),
            "last": described(self.last),
        }

    def stop(self) -> None:
        """End the node and close the front; what was not saved is gone."""
        self._front.close()
        self.mempool.close()
        self.node.stop()


def _delays(seed: int, conduct: Conduct) -> Delays:
    if conduct.congestion is not None:
        return Congestion(seed, *conduct.congestion)
    return Delay(seed, conduct.delay_chance, conduct.delay_blocks_max)


def _genesis_at(deployment: Deployment) -> int:
    return Opening(deployment.seed, 0, deployment.at, deployment.generation).genesis_at


def _load(saved: Saved, *, genesis_at: int, port: int = 0) -> Node:
    with tempfile.TemporaryDirectory(prefix="leverd-state-") as folder:
        state = Path(folder) / "state.json"
        state.write_text(json.dumps(saved.chain))
        return Node.start(NodeOptions(genesis_at, state=state, port=port))
