"""Where things are: settings, and on a devnet its deployment record, as one set of addresses."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.errors import LeverdError, SettingsError, UnreachableError
from leverd.settings import AaveV3, Settings, UniswapV3

_DEVNET: Final = "devnet"
"""What stands in the settings where the devnet's own record says the address."""

_UNDEPLOYED: Final = "none"
"""What stands there before the account is deployed."""

PAPER: Final = "paper"
"""The mode of real markets and a position that is in the journal alone."""

NOWHERE: Final = "0x07735DE2CC4E5eE50194FD0a5C766a62B1767C9f"
"""Stands in for an account that is not deployed yet, where only the market is looked at.

It is the end of keccak("leverd: an account that is not deployed yet"): nobody's.
"""


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """A swap pool's whereabouts."""

    tokens: tuple[Asset, Asset]
    fee: int  # hundredths of a basis point
    factory: str
    quoter: str
    router: str


@dataclass(frozen=True, slots=True)
class Places:
    """Every address the settings lead to, and the positions kept there."""

    chain_id: int
    rpc: tuple[str, ...]
    profile: str
    native: Asset
    tokens: Mapping[Asset, str]
    lending: Mapping[str, str]  # venue name -> addresses provider
    pools: Mapping[str, PoolPlace]
    mandates: tuple[Mandate, ...]
    owner: str  # "" where the account itself says
    account_factory: str  # "" where there is none yet
    speed: float  # chain seconds a wall second
    staking: Mapping[Asset, str] = field(default_factory=dict)  # getters of their rates


def resolve(settings: Settings, *, undeployed: str = "", apart: Collection[str] = ()) -> Places:
    """Return the places that `settings` name, reading the devnet's record when they say so.

    `undeployed` stands in for accounts there are not yet; without it they are refused, but of the
    positions `apart`, which are not looked for.

    Raises:
        SettingsError: a token, venue or address is named nowhere.
        UnreachableError: the devnet has no record, because it does not run yet.
    """
    record = _record(Path(settings.chain.devnet)) if settings.chain.devnet else None
    tokens = _tokens(settings, record)
    by_symbol = {asset.symbol: asset for asset in tokens}
    lending, pools = _venues(settings, record, by_symbol)
    mandates = tuple(
        Mandate(
            name,
            _account(settings, name, record) or undeployed or _refuse(name),
            _known(position.lending, lending, f"positions.{name}.lending"),
            _known(position.pool, pools, f"positions.{name}.pool"),
            by_symbol[_known(position.collateral, by_symbol, f"positions.{name}.collateral")],
            by_symbol[_known(position.debt, by_symbol, f"positions.{name}.debt")],
            {**by_symbol, USD.symbol: USD}[
                _known(
                    position.share_class,
                    {**by_symbol, USD.symbol: USD},
                    f"positions.{name}.share_class",
                )
            ],
            position.emode,
        )
        for name, position in settings.positions.items()
        if name not in apart
    )
    return Places(
        chain_id=record["chain_id"] if record else _said(settings.chain.id, "chain.id"),
        rpc=(record["url"],) if record else settings.chain.rpc,
        profile="local" if record else settings.chain.profile or "ethereum",
        native=_native(by_symbol, settings),
        tokens=tokens,
        lending=lending,
        pools=pools,
        mandates=mandates,
        owner=record["roles"]["owner"] if record else "",
        account_factory=(record["account_factory"] or "") if record else "",
        speed=float(record["speed"]) if record else 1.0,
        staking=_staking(settings, record),
    )


def homeless(settings: Settings) -> dict[str, LeverdError]:
    """Return the positions that are said to have no account yet, each with what that means.

    Raises:
        SettingsError: none of them has one.
    """
    on_chain = {} if settings.mode == PAPER else settings.positions
    found: dict[str, LeverdError] = {
        name: _missing(name)
        for name, position in on_chain.items()
        if position.account == _UNDEPLOYED
    }
    if found and len(found) == len(on_chain):
        for error in found.values():
            raise error
    return found


def without(places: Places, names: Collection[str]) -> Places:
    """Return `places` without the positions `names`, and without what only they, or nobody, use.

    Without any names all of it stays; "" is the name of nobody.
    """
    if not names:
        return places
    kept = tuple(each for each in places.mandates if each.position_id not in names)
    venues = {name for each in kept for name in (each.lending, each.pool)}
    pools = {name: pool for name, pool in places.pools.items() if name in venues}
    assets = {places.native, *(asset for pool in pools.values() for asset in pool.tokens)}
    assets |= {asset for each in kept for asset in (each.collateral, each.debt, each.share_class)}
    return replace(
        places,
        tokens={asset: at for asset, at in places.tokens.items() if asset in assets},
        lending={name: at for name, at in places.lending.items() if name in venues},
        pools=pools,
        mandates=kept,
    )


def _record(folder: Path) -> dict[str, Any]:
    """Return the devnet's deployment record, with the endpoint it answers at."""
    try:
        found: dict[str, Any] = json.loads((folder / "deployment.json").read_text("utf-8"))
        endpoint = json.loads((folder / "endpoint.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"no devnet runs in {folder}",
            number=20,
            place="chain.devnet",
            remedy="leverd devnet up --detach",
        ) from error
    return {**found, "url": endpoint["url"], "speed": endpoint["speed"]}


def _tokens(settings: Settings, record: Mapping[str, Any] | None) -> dict[Asset, str]:
    if record is not None:
        return {
            Asset(symbol, token["decimals"]): token["address"]
            for symbol, token in record["tokens"].items()
        }
    return {
        Asset(symbol, token.decimals): token.address for symbol, token in settings.tokens.items()
    }


def _staking(settings: Settings, record: Mapping[str, Any] | None) -> dict[Asset, str]:
    """Return the function by which each staked token says what it stands for."""
    if record is not None:
        return {
            Asset(symbol, token["decimals"]): token["staking_rate"]
            for symbol, token in record["tokens"].items()
            if token.get("staking_rate")
        }
    return {
        Asset(symbol, token.decimals): token.staking_rate
        for symbol, token in settings.tokens.items()
        if token.staking_rate
    }


def _venues(
    settings: Settings, record: Mapping[str, Any] | None, assets: Mapping[str, Asset]
) -> tuple[dict[str, str], dict[str, PoolPlace]]:
    lending: dict[str, str] = {}
    pools: dict[str, PoolPlace] = {}
    devnet = record or {"provider": None, "factory": None, "quoter": None, "router": ""}
    for name, venue in settings.venues.items():
        place = f"venues.{name}"
        match venue:
            case AaveV3(provider=provider):
                lending[name] = _said(provider or devnet["provider"], f"{place}.provider")
            case UniswapV3(tokens=(one, other), fee=fee):
                pair = (
                    assets[_known(one, assets, f"{place}.tokens")],
                    assets[_known(other, assets, f"{place}.tokens")],
                )
                pools[name] = PoolPlace(
                    pair,
                    fee,
                    _said(venue.factory or devnet["factory"], f"{place}.factory"),
                    _said(venue.quoter or devnet["quoter"], f"{place}.quoter"),
                    venue.router or devnet["router"],
                )
    return lending, pools


def _account(settings: Settings, position: str, record: Mapping[str, Any] | None) -> str:
    """Return the position's account, "" where there is none yet."""
    said = settings.positions[position].account
    if settings.mode == PAPER:
        return f"paper:{position}"  # no address at all: nothing real can be meant by it
    if said == _UNDEPLOYED:
        return ""
    if said != _DEVNET:
        return said
    found: str = record["accounts"].get(position, "") if record else ""
    return found


def _missing(position: str) -> SettingsError:
    return SettingsError(
        f"{position} has no account yet",
        number=75,
        place=f"positions.{position}.account",
        remedy=f"leverd account deploy {position}, then put its address there",
    )


def _refuse(position: str) -> NoReturn:
    raise _missing(position)


def _native(assets: Mapping[str, Asset], settings: Settings) -> Asset:
    if "WETH" in assets:
        return assets["WETH"]
    raise SettingsError(
        "the wrapped native token WETH is not among the tokens",
        number=76,
        place="tokens",
        remedy=f"name it; {settings.chain.profile or 'the chain'} pays gas in it",
    )


def _known(name: str, among: Mapping[str, object], place: str) -> str:
    if name in among:
        return name
    raise SettingsError(
        f"{name} is not one of {', '.join(sorted(among)) or 'none'}", number=72, place=place
    )


def _said(value: Any, place: str) -> Any:
    if value is None:
        raise SettingsError("must be said where no devnet says it", number=73, place=place)
    return value
