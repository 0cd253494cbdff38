"""A download from the chain that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from leverd.adapters.evm.aave import market
from leverd.adapters.evm.survey import ask
from leverd.adapters.system_clock import SystemClock
from leverd.backtest.download import chain
from leverd.backtest.download.chain import Sample
from leverd.backtest.download.partial import Partial, Request
from leverd.backtest.history import codes
from leverd.bootstrap.chain import open_client, venue_config
from leverd.bootstrap.places import NOWHERE, Places, resolve
from leverd.errors import DataError
from leverd.settings import Settings
from leverd.settings.problems import nearest

_CONNECT_S: Final = 10.0

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be read, where, and how a description names what comes of it."""

    settings: Settings
    places: Places
    kind: str
    what: Mapping[str, str]
    since: int
    until: int
    step: int
    sample: Sample  # of a reserve with its provider, until the pool is known
    request: Request
    sources: Mapping[str, dict[str, object]]


def prepare(
    settings: Settings, kind: str, what: Mapping[str, str], since: int, until: int, step: int
) -> Plan:
    """Return the plan of one download; nothing is asked of the chain yet.

    Raises:
        DataError: it names what the settings do not know.
        SettingsError: an address is missing.
    """
    places = resolve(settings, undeployed=NOWHERE)
    sample = _sample(kind, what, places)
    said: dict[str, str | int] = {**what, "since": since, "until": until, "step": step}
    request = chain.request(kind, places.chain_id, said, sample)
    sources = _sources(kind, what, places.profile)
    return Plan(settings, places, kind, what, since, until, step, sample, request, sources)


async def fetch(plan: Plan, partial: Partial, advance: Advance) -> None:
    """Read everything into `partial`; see `chain.download_samples`."""
    config = venue_config(plan.settings, plan.places, plan.settings.limits.limits())
    client = open_client(config, SystemClock())
    try:
        await client.connect(deadline_s=_CONNECT_S)
        sample = plan.sample
        if plan.kind == "reserve":
            provider = plan.places.lending[plan.what["venue"]]
            pool, _ = await ask(client, market.places(provider))
            sample = chain.reserve(pool, _token(plan.what["token"], plan.places))
        blocks = await chain.blocks_between(client, plan.since, plan.until, plan.step)
        await chain.download_samples(client, sample, blocks, partial, advance=advance)
    finally:
        await client.close()


def _sample(kind: str, what: Mapping[str, str], places: Places) -> Sample:
    match kind:
        case "reserve":
            if what["venue"] not in places.lending:
                raise _unknown("lending venue", what["venue"], places.lending)
            return chain.reserve(NOWHERE, _token(what["token"], places))
        case "oracle":
            return chain.oracle(what["feed"])
        case "lst":
            return chain.staking_rate(what["contract"], what["getter"])
        case _:
            return chain.base_fee()


def _sources(kind: str, what: Mapping[str, str], profile: str) -> dict[str, dict[str, object]]:
    """Return what a description says of each column that comes of it."""
    match kind:
        case "reserve":
            asset = what["token"]
            return {
                f"{asset}-{side}-{part}": {
                    "kind": part,
                    "side": side,
                    "venue": what["venue"],
                    "asset": asset,
                    "value": f"{side}_{part}",
                    "unit": "ray",
                }
                for part in ("rate", "index")
                for side in ("supply", "borrow")
            }
        case "oracle":
            said = {"kind": "oracle", "venue": "chainlink", "asset": what["token"], "unit": "e8"}
            return {"oracle": {**said, "value": "answer", "updated_at": "updated_at"}}
        case "lst":
            said = {"kind": "lst_rate", "venue": profile, "asset": what["token"], "unit": "wad"}
            return {"lst": {**said, "value": "rate"}}
        case _:
            said = {"kind": "gas", "side": "base_fee", "venue": profile, "unit": "wei"}
            return {"gas": {**said, "value": "base_fee"}}


def _token(symbol: str, places: Places) -> str:
    by_symbol = {asset.symbol: address for asset, address in places.tokens.items()}
    if symbol not in by_symbol:
        raise _unknown("token", symbol, by_symbol)
    return by_symbol[symbol]


def _unknown(what: str, name: str, known: Mapping[str, object]) -> DataError:
    return DataError(
        f"the settings know no {what} {name}",
        number=codes.REQUEST,
        remedy=nearest(name, known),
    )
