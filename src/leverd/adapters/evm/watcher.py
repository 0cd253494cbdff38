"""Looking at positions: which calls to make, again when they were not enough, at which block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from leverd.adapters.evm import codes
from leverd.adapters.evm.client import EvmClient, Snapshot
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.reads import each
from leverd.adapters.evm.scope import Scope, ScopeReader, World, begin
from leverd.adapters.evm.survey import Survey, ask, survey
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.errors import NonsenseError
from leverd.interfaces.chain_client import Head

_READS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What one block showed."""

    survey: Survey
    snapshot: Snapshot
    world: World


class Watcher:
    """Keeps the survey and the list of reads from one look to the next."""

    def __init__(self, config: EvmVenueConfig, client: EvmClient, signer: str) -> None:
        self._config = config
        self._client = client
        self._signer = signer
        self._survey: Survey | None = None
        self._reader: ScopeReader | None = None
        self._lent: set[str] = set()  # markets whose pool was ever seen to keep something of ours
        self._native_price = 0  # the last that was told

    @property
    def config(self) -> EvmVenueConfig:
        """What it looks at."""
        return self._config

    def hold(self, pools: Mapping[str, str]) -> None:
        """Look for what is ours in `pools`, by market, whatever their providers name."""
        self._config, self._survey = self._config.holding(pools), None

    async def survey(self) -> Survey:
        """Return the parts of the venues, read from the chain when first asked for."""
        if self._survey is None:
            self._survey = await survey(self._client, self._config)
        return self._survey

    async def look(self, mandates: Sequence[Mandate]) -> Look:
        """Return every mandate's world of the newest block.

        Raises:
            NonsenseError: the venue changes faster than it can be read.
        """
        found = await self.survey()
        reader = await self._reader_for(found, mandates)
        for _ in range(_READS_MAX):
            reading = reader.reading()
            snapshot = await self._client.snapshot(reading.calls, self._signer)
            world = reader.world(reading, snapshot.batch.replies, snapshot.batch.head.at)
            reader = self._next(found, world.next)
            self._native_price = world.native_price or self._native_price
            if world.complete:
                self._lent |= {
                    mandate.lending
                    for mandate in mandates
                    if world.holdings[mandate.position_id].account.is_lent
                }
                if not all(world.unchanged.values()):  # the next look finds the parts anew
                    self.hold({name: found.markets[name].pool for name in self._lent})
                return Look(found, snapshot, replace(world, native_price=self._native_price))
        raise NonsenseError("the venue changes faster than it is read", number=codes.MALFORMED)

    async def state_at(self, mandate: Mandate, head: Head) -> State:
        """Return one position as of block `head`."""
        found = await self.survey()
        present = self._reader
        if present is None or mandate not in present.scope.mandates:
            present = await self._reader_for(found, (mandate,))
        scope = replace(present.scope, mandates=(mandate,))
        for _ in range(_READS_MAX):
            reader = ScopeReader(self._config, found, scope, self._signer)
            reading = reader.reading()
            read = await self._client.read(reading.calls, head=head)
            world = reader.world(reading, read.replies, head.at)
            if world.complete:
                return world.state(mandate)
            scope = world.next
        raise NonsenseError("a block that does not stand still", number=codes.MALFORMED)

    async def _reader_for(self, found: Survey, mandates: Sequence[Mandate]) -> ScopeReader:
        """Return the reader for `mandates`, the one of the last look if they are the same."""
        reader = self._reader
        same = reader is not None and reader.survey is found
        if reader is not None and same and reader.scope.mandates == tuple(mandates):
            return reader
        pools = sorted({mandate.pool for mandate in mandates})
        prices = await ask(
            self._client, each({name: uniswap_pools.price(found.pools[name]) for name in pools})
        )
        return self._next(
            found, begin(found, mandates, {name: tick for name, (_, tick) in prices.items()})
        )

    def _next(self, found: Survey, scope: Scope) -> ScopeReader:
        """Return the reader of `scope`, keeping the present one if nothing changed."""
        reader = self._reader
        if reader is None or reader.scope is not scope or reader.survey is not found:
            reader = ScopeReader(self._config, found, scope, self._signer)
            self._reader = reader
        return reader
