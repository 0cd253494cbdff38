"""What the EVM venue must be told; bootstrap builds it from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from leverd.adapters.evm.batch import MULTICALL3
from leverd.adapters.evm.profiles import ChainProfile
from leverd.domain.money import Asset


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its address."""

    asset: Asset
    address: str
    staking_rate: str = ""  # its function that says what it stands for, as stEthPerToken()


@dataclass(frozen=True, slots=True)
class LendingVenue:
    """An Aave market by its addresses provider."""

    name: str
    provider: str
    held: str = ""  # the pool of it that keeps something of ours, "" where nobody knows


@dataclass(frozen=True, slots=True)
class PoolVenue:
    """A Uniswap V3 pool by its factory, tokens and fee."""

    name: str
    tokens: tuple[Asset, Asset]  # in any order
    fee: int  # hundredths of a basis point
    factory: str
    quoter: str
    router: str = ""  # SwapRouter (v3-periphery), for positions of plain addresses


@dataclass(frozen=True, slots=True)
class EvmVenueConfig:
    """One chain, what we use on it, and how we ask it."""

    name: str
    chain_id: int
    profile: ChainProfile
    rpc: tuple[str, ...]
    tokens: tuple[Token, ...]
    lending: tuple[LendingVenue, ...]
    pools: tuple[PoolVenue, ...]
    native: Asset  # the wrapped native token, whose price is gas's price
    accounts: tuple[str, ...]  # account contracts and plain addresses
    gas_price_wei_max: int  # wei per gas, the most that is ever bid
    account_code_hashes: frozenset[str] = frozenset()  # keccak of the code behind the clones
    multicall: str = MULTICALL3
    relay: str = ""  # URL of a private relay, "" without one
    relay_method: str = "eth_sendRawTransaction"
    final_depth: int = 2  # blocks, where the profile has no finality tag
    read_deadline_s: float = 5.0
    gas_day_wei_max: int = 0  # wei a UTC day of chain time the key may promise, 0 is no bound
    gas_day_guardian_wei: int = 0  # its part that only lowering risk may use
    addresses: Mapping[Asset, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "addresses", {token.asset: token.address for token in self.tokens})

    def holding(self, pools: Mapping[str, str]) -> EvmVenueConfig:
        """Return the same, where `pools` keep something of ours, by market."""
        lending = tuple(
            replace(each, held=pools.get(each.name, each.held)) for each in self.lending
        )
        return replace(self, lending=lending)

    def token(self, asset: Asset) -> Token:
        """Return the token of a configured asset."""
        return next(token for token in self.tokens if token.asset == asset)
