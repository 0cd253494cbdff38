"""What Uniswap V3 pools say an asset is worth: one or more in a row, read in one block.

The quotes are the exact arithmetic of the pools, from their price, liquidity and ticks: the
same numbers their quoter gives, without asking it twice for each pool in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from leverd.adapters.evm import codes, erc20
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import PoolVenue
from leverd.adapters.evm.reads import each, together
from leverd.adapters.evm.survey import ask, pool_of
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.adapters.evm.uniswap.pools import Known, PoolPlace
from leverd.domain.money import Asset
from leverd.domain.reference import ReferenceQuote
from leverd.domain.route import executable
from leverd.errors import NonsenseError

_READS_MAX: Final = 5
_DECIMALS_MAX: Final = 36


@dataclass(frozen=True, slots=True)
class Route:
    """Which pools, and how much goes through them."""

    source: str  # the reference's name
    factory: str
    tokens: tuple[str, ...]  # from the asset to what counts as its quote
    fees: tuple[int, ...]  # of the pools between them, hundredths of a basis point
    size: int  # quote, 1e-18s
    error: int  # share, 1e-18s: one sigma of what its quote is worth in the traded one


@dataclass(frozen=True, slots=True)
class _Found:
    """What does not change: the asset, and its pools in order."""

    base: Asset
    places: tuple[PoolPlace, ...]


class UniswapReference:
    """See `PriceReference`. It owns its client: nobody else's reads wait for its own."""

    def __init__(self, client: EvmClient, route: Route) -> None:
        self._client, self._route = client, route
        self._found: _Found | None = None
        self._known: tuple[Known, ...] = ()

    @property
    def source(self) -> str:
        """The name settings and journal use."""
        return self._route.source

    async def look(self) -> ReferenceQuote:
        """Return what the pools would trade at in the newest block; see `PriceReference.look`."""
        found, route = await self._survey(), self._route
        for _ in range(_READS_MAX):
            wanted = zip(found.places, self._known, strict=True)
            read = together([uniswap_pools.pool(place, known) for place, known in wanted])
            batch = await self._client.read(read.calls)
            seen = read.decode(batch.replies)
            self._known = tuple(each.next for each in seen)
            if all(each.complete for each in seen):
                pools = [each.pool for each in seen]
                bid, middle, ask_ = executable(pools, found.base, route.size)
                head = batch.head
                return ReferenceQuote(
                    route.source, bid, middle, ask_, route.size, route.error, head.at, head.number
                )
        raise NonsenseError(
            "the pools change faster than they are read",
            number=codes.MALFORMED,
            place=route.source,
        )

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each node lets through now."""
        return self._client.circuits()

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _survey(self) -> _Found:
        """Return the asset and its pools, read from the chain when first asked for."""
        if self._found is None:
            assets = await self._assets()
            pairs = zip(pairwise(assets), self._route.fees, strict=True)
            places = [await self._place(pair, fee, assets) for pair, fee in pairs]
            prices = await ask(
                self._client, together([uniswap_pools.price(place) for place in places])
            )
            ticks = zip(places, prices, strict=True)
            self._known = tuple(uniswap_pools.around(place, tick) for place, (_, tick) in ticks)
            self._found = _Found(next(iter(assets)), tuple(places))
        return self._found

    async def _assets(self) -> dict[Asset, str]:
        """Return each token of the route as an asset, with its address."""
        read = each({token: erc20.decimals(token) for token in self._route.tokens})
        decimals = await ask(self._client, read)
        wrong = next((one for one, many in decimals.items() if many > _DECIMALS_MAX), None)
        if wrong is not None:
            raise NonsenseError(
                f"{wrong} says it has {decimals[wrong]} decimals",
                number=codes.WRONG_DECIMALS,
                place=self.source,
                remedy="check the tokens of the reference",
            )
        return {Asset(token, decimals[token]): token for token in self._route.tokens}

    async def _place(
        self, pair: tuple[Asset, Asset], fee: int, addresses: Mapping[Asset, str]
    ) -> PoolPlace:
        venue = PoolVenue(self.source, pair, fee, self._route.factory, quoter="")
        return await pool_of(self._client, venue, addresses)
