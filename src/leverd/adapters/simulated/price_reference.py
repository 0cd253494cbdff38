"""A venue in memory that says what an asset is worth there: a path of pools, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leverd.domain.money import Asset
from leverd.domain.pool import Pool
from leverd.domain.reference import ReferenceQuote
from leverd.domain.route import executable
from leverd.errors import LeverdError


@dataclass(slots=True)
class PoolWorld:
    """What the venue is now; a test changes it."""

    pools: tuple[Pool, ...]
    at: int  # chain time, unix seconds
    block: int = 1
    failing: LeverdError | None = None  # raised in place of an answer
    looks: int = field(default=0, init=False)


class SimulatedReference:
    """See `PriceReference`."""

    def __init__(
        self, source: str, world: PoolWorld, base: Asset, *, size: int, error: int = 0
    ) -> None:
        self._source, self._world, self._base = source, world, base
        self._size, self._error = size, error

    @property
    def source(self) -> str:
        """The name settings and journal use."""
        return self._source

    async def look(self) -> ReferenceQuote:
        """Return what the pools would trade at now; see `PriceReference.look`."""
        world = self._world
        world.looks += 1
        if world.failing is not None:
            raise world.failing
        bid, middle, ask = executable(world.pools, self._base, self._size)
        return ReferenceQuote(
            self._source, bid, middle, ask, self._size, self._error, world.at, world.block
        )

    def circuits(self) -> Mapping[str, str]:
        """Return nothing: memory has no endpoint."""
        return {}

    async def close(self) -> None:
        """Release nothing."""
