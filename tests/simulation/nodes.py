"""Nodes: each shows the one chain, or what it was when the node got stuck."""

from __future__ import annotations

from leverd.adapters.simulated.chain import Block, SimulatedChain


class Node:
    """Reads like a `SimulatedChain`; stuck, it shows an old head, or one that was undone."""

    def __init__(self, chain: SimulatedChain) -> None:
        self.chain = chain
        self.stuck: list[Block] | None = None

    @property
    def blocks(self):
        return self.chain.blocks if self.stuck is None else self.stuck

    @property
    def head(self):
        return self.blocks[-1]

    def __getattr__(self, name):
        return getattr(self.chain, name)  # what it shows whether stuck or not

    @property
    def final_number(self):
        return SimulatedChain.final_number.fget(self)

    def receipt(self, tx_hash):
        return SimulatedChain.receipt(self, tx_hash)

    def block(self, block_hash):
        return SimulatedChain.block(self, block_hash)

    def get_stuck(self):
        self.stuck = list(self.chain.blocks)

    def catch_up(self):
        self.stuck = None


class Nodes:
    """Three sources of one chain."""

    def __init__(self, chain: SimulatedChain) -> None:
        self.all = tuple(Node(chain) for _ in range(3))

    @property
    def healthy(self):
        return all(node.stuck is None for node in self.all)

    def pick(self, dice):
        """Return the node that answers next."""
        return self.all[0] if self.healthy else dice.choice(self.all)

    def agreeing(self, node):
        """Return how many sources show the head and the nonce that `node` shows."""
        shown = (node.head.block_hash, node.head.ledger.nonce)
        return sum((each.head.block_hash, each.head.ledger.nonce) == shown for each in self.all)

    def catch_up(self):
        for node in self.all:
            node.catch_up()
