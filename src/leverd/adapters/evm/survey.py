"""What start-up finds on the chain: the parts of each market and pool, and their versions.

Addresses, parameters and revisions are read, never remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from leverd.adapters.evm import codes, erc20
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.aave import market as aave_market
from leverd.adapters.evm.aave import reserves as aave_reserves
from leverd.adapters.evm.aave.market import Market, ReserveTokens
from leverd.adapters.evm.aave.reserves import ReserveData
from leverd.adapters.evm.account import AccountKind, behind, kind_of
from leverd.adapters.evm.config import EvmVenueConfig, LendingVenue, PoolVenue
from leverd.adapters.evm.reads import Read, T, address, each, number, optional, together
from leverd.adapters.evm.uniswap import functions as uniswap
from leverd.adapters.evm.uniswap import pools as uniswap_pools
from leverd.adapters.evm.uniswap.pools import PoolPlace
from leverd.domain.money import Asset
from leverd.errors import NonsenseError
from leverd.interfaces.chain_client import Call, ChainClient

_NOBODY: Final = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything about the venues that only governance changes."""

    markets: Mapping[str, Market]
    pools: Mapping[str, PoolPlace]
    accounts: Mapping[str, AccountKind]  # by lower-case address


async def survey(client: ChainClient, config: EvmVenueConfig) -> Survey:
    """Return what `config` names, as found on the chain.

    Raises:
        NonsenseError: something is not where it should be, or not what it should be.
    """
    markets = {venue.name: await market(client, config, venue) for venue in config.lending}
    pools = {venue.name: await pool(client, config, venue) for venue in config.pools}
    return Survey(markets, pools, await accounts(client, config))


async def market(client: ChainClient, config: EvmVenueConfig, venue: LendingVenue) -> Market:
    """Return a lending market's parts: every reserve it lists, ours under our names.

    A pool of the same provider that keeps something of ours is the market, whichever it names.
    """
    named, oracle = await ask(client, aave_market.places(venue.provider))
    pool = await _kept_at(client, venue, named)
    revision, features, strategy = await ask(client, aave_market.identity(pool))
    listed = await ask(client, _listed(pool))
    data = await ask(
        client, each({token: aave_reserves.reserve_data(pool, token) for token in listed})
    )
    assets = await _assets(client, config, data)
    reserves = {
        assets[token]: aave_reserves.tokens_of(assets[token], token, one, strategy)
        for token, one in data.items()
    }
    return Market(
        name=venue.name,
        provider=venue.provider,
        pool=pool,
        oracle=oracle,
        revision=revision,
        features=features,
        rules=aave_market.rules_of(revision, features),
        reserves=reserves,
        moved_to="" if pool == named else named,
    )


async def _kept_at(client: ChainClient, venue: LendingVenue, named: str) -> str:
    """Return the pool to look into: the one that is held, if it is the provider's own."""
    if venue.held in {"", named}:
        return named
    provider = await ask(client, optional(address(venue.held, aave.PROVIDER)))
    is_its_own = provider is not None and provider.lower() == venue.provider.lower()
    return venue.held if is_its_own else named


async def pool(client: ChainClient, config: EvmVenueConfig, venue: PoolVenue) -> PoolPlace:
    """Return a swap pool's place and order of tokens."""
    return await pool_of(client, venue, config.addresses)


async def pool_of(
    client: ChainClient, venue: PoolVenue, addresses: Mapping[Asset, str]
) -> PoolPlace:
    """Return a pool's place as its factory and it itself say, its tokens at `addresses`.

    Raises:
        NonsenseError: there is no such pool.
    """
    one, other = (addresses[asset] for asset in venue.tokens)
    found = await ask(client, address(venue.factory, uniswap.GET_POOL, one, other, venue.fee))
    if found == _NOBODY:
        raise NonsenseError(
            f"the factory knows no pool of {venue.tokens[0].symbol} and {venue.tokens[1].symbol}"
            f" with fee {venue.fee}",
            number=codes.NO_POOL,
            place=venue.name,
            remedy="check tokens, fee (500 is 0.05 %) and factory in the settings",
        )
    token0, token1, fee, spacing = await ask(
        client,
        together(
            [
                address(found, uniswap.TOKEN0),
                address(found, uniswap.TOKEN1),
                number(found, uniswap.FEE),
                number(found, uniswap.TICK_SPACING),
            ]
        ),
    )
    by_address = {addresses[asset].lower(): asset for asset in venue.tokens}
    if {token0.lower(), token1.lower()} != set(by_address) or fee != venue.fee:
        raise NonsenseError(
            "the pool holds other tokens, or another fee, than its factory says",
            number=codes.NO_POOL,
            place=venue.name,
            remedy="check the factory's address",
        )
    return uniswap_pools.PoolPlace(
        venue.name, found, by_address[token0.lower()], by_address[token1.lower()], fee, spacing
    )


async def accounts(client: ChainClient, config: EvmVenueConfig) -> dict[str, AccountKind]:
    """Return what each configured account is, by its lower-case address."""
    kinds = {}
    for account in config.accounts:
        code = await client.code(account)
        implementation = behind(code)
        implemented = await client.code(implementation) if implementation else code
        kinds[account.lower()] = kind_of(account, code, implemented, config.account_code_hashes)
    return kinds


async def ask(client: ChainClient, read: Read[T]) -> T:
    """Return what `read` finds on the newest block."""
    return read.decode((await client.read(read.calls)).replies)


def tokens_by_id(market: Market) -> dict[int, ReserveTokens]:
    """Return a market's reserves by their id."""
    return {tokens.reserve_id: tokens for tokens in market.reserves.values()}


def _listed(pool: str) -> Read[tuple[str, ...]]:
    function = aave.RESERVES_LIST
    call = Call(pool, function.selector)
    return Read((call,), lambda replies: tuple(_checksummed(function.decode(replies[0].data)[0])))


def _checksummed(found: tuple[str, ...]) -> list[str]:
    return [str(to_checksum_address(one)) for one in found]


async def _assets(
    client: ChainClient, config: EvmVenueConfig, data: Mapping[str, ReserveData]
) -> dict[str, Asset]:
    """Return each listed token's asset: ours by our name, others by their own symbol."""
    ours = {token.address.lower(): token.asset for token in config.tokens}
    others = [token for token in data if token.lower() not in ours]
    symbols = await ask(client, each({token: erc20.symbol(token) for token in others}))
    taken = {asset.symbol for asset in ours.values()}
    assets = {}
    for token, one in data.items():
        decimals = aave_reserves.decimals_of(one.configuration)
        asset = ours.get(token.lower())
        if asset is None:
            symbol = symbols[token]
            asset = Asset(f"{symbol}@{token[:8]}" if symbol in taken else symbol, decimals)
            taken.add(asset.symbol)
        elif asset.decimals != decimals:
            raise wrong_decimals(asset, decimals)
        assets[token] = asset
    return assets


def wrong_decimals(asset: Asset, decimals: int) -> NonsenseError:
    """Return the error for a token whose decimals are not the configured ones."""
    return NonsenseError(
        f"{asset.symbol} has {decimals} decimals on the chain, not {asset.decimals}",
        number=codes.WRONG_DECIMALS,
        place="tokens",
        remedy=f"set tokens.{asset.symbol}.decimals to {decimals}, or fix its address",
    )
