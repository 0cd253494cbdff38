"""A devnet at rest: the chain's state, kept small, and what its residents remember."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from leverd.devnet.recipe import Recipe
from leverd.devnet.rpc import Rpc
from leverd.errors import NonsenseError

_BLOCKS_KEPT: Final = 2048  # of the newest; the genesis block is kept besides


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved moment; written whole or not at all."""

    recipe: Recipe
    generation: int
    at: int  # the head's time
    number: int
    borrowers: tuple[str, ...]
    looked_to: int  # the last block searched for borrowers
    chain: Mapping[str, Any]  # as anvil loads it

    def write(self, path: Path) -> None:
        """Put it at `path`, in place of an older one."""
        body = {
            "recipe": self.recipe.as_data(),
            "generation": self.generation,
            "at": self.at,
            "number": self.number,
            "borrowers": self.borrowers,
            "looked_to": self.looked_to,
            "chain": self.chain,
        }
        part = path.with_suffix(".part")
        part.write_bytes(gzip.compress(json.dumps(body).encode(), compresslevel=1))
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what stands at `path`, None if nothing does.

        Raises:
            NonsenseError: it cannot be read.
        """
        if not path.exists():
            return None
        try:
            body = json.loads(gzip.decompress(path.read_bytes()))
            body["recipe"] = Recipe.from_data(body["recipe"])
            body["borrowers"] = tuple(body["borrowers"])
            return cls(**body)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise NonsenseError(
                f"{path} is no saved devnet", number=44, remedy="leverd devnet reset"
            ) from error


def dump(rpc: Rpc) -> Mapping[str, Any]:
    """Return the node's whole state with its newest blocks: older ones would grow without end."""
    packed = rpc.ask("anvil_dumpState")
    state: dict[str, Any] = json.loads(gzip.decompress(bytes.fromhex(packed.removeprefix("0x"))))
    oldest = int(state["best_block_number"]) - _BLOCKS_KEPT
    numbers = {0, *range(max(0, oldest), int(state["best_block_number"]) + 1)}
    state["blocks"] = [
        block for block in state["blocks"] if int(block["header"]["number"], 16) in numbers
    ]
    state["transactions"] = [
        each for each in state["transactions"] if int(each["block_number"]) in numbers
    ]
    for each in state["transactions"]:
        each["info"]["traces"] = []  # nine tenths of the whole, and nobody asks for them again
    return state
