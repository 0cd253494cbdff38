"""Which positions use a token, a venue or an account: what is wrong there is about no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leverd.adapters.evm.config import EvmVenueConfig
from leverd.domain.money import Asset
from leverd.domain.position import Mandate


class Users:
    """The positions of `mandates`, by what of `config` they use."""

    def __init__(self, config: EvmVenueConfig, mandates: Sequence[Mandate]) -> None:
        self._mandates, self._native = mandates, config.native
        self._traded = {venue.name: venue.tokens for venue in config.pools}

    def of_token(self, asset: Asset) -> frozenset[str] | None:
        """Return who uses `asset`, None for what gas is priced in: that is everybody."""
        if asset == self._native:
            return None
        return self._named(lambda each: asset in self._assets(each))

    def of_venue(self, name: str) -> frozenset[str]:
        """Return who lends or trades there."""
        return self._named(lambda each: name in {each.lending, each.pool})

    def of_account(self, address: str) -> frozenset[str]:
        """Return who is kept there."""
        return self._named(lambda each: each.account.lower() == address.lower())

    def _assets(self, mandate: Mandate) -> tuple[Asset, ...]:
        own = (mandate.collateral, mandate.debt, mandate.share_class)
        return (*own, *self._traded.get(mandate.pool, ()))

    def _named(self, uses: Callable[[Mandate], bool]) -> frozenset[str]:
        return frozenset(each.position_id for each in self._mandates if uses(each))
