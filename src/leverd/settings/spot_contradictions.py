"""What cannot all be meant of the trading of spot. Form only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from leverd.domain.spot import SPOT
from leverd.settings.models import Settings
from leverd.settings.problems import CONTRADICTION, MISSING, Path, Problem
from leverd.settings.spot import SpotSection
from leverd.settings.types import LIVE, PAPER

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


def spot_contradictions(settings: Settings, spot: SpotSection) -> Iterator[Problem]:
    """Yield every contradiction of the section; the caller places it in the file."""
    limits = spot.limits
    if limits.trade_min > limits.trade_max:
        message = f"is above trade_max ({limits.trade_max})"
        yield _clash(("spot", "limits", "trade_min"), message)
    if limits.trade_max > limits.position_max:
        message = f"is above position_max ({limits.position_max})"
        yield _clash(("spot", "limits", "trade_max"), message)
    if SPOT in settings.positions:
        yield _clash(("positions", SPOT), "is what the trading of spot is called; name it anew")
    yield from _references(spot)
    if spot.orders == "paper":
        if spot.paper is None:
            remedy = "paper: {quote: 1000}, in whole quote tokens"
            yield Problem(
                MISSING, ("spot", "paper"), "is missing: it begins with it", remedy=remedy
            )
        return
    if spot.access is None:
        remedy = "access: {file: ...}, {credential: ...} or {environment: ...}"
        yield Problem(MISSING, ("spot", "access"), "is missing: orders are signed", remedy=remedy)
    if settings.mode == PAPER:
        yield _clash(("spot", "orders"), "mode paper sends nothing")
    elif settings.mode != LIVE and not _is_local(spot):
        message = f"mode {settings.mode} sends orders to a chain on this machine alone"
        yield _clash(("spot", "orders"), message)


def _references(spot: SpotSection) -> Iterator[Problem]:
    told, place = spot.mispricing, ("spot", "mispricing")
    if told is None:
        if spot.agent == "mispricing":
            remedy = "mispricing: {...} says which venues are listened to: docs/spot.md"
            yield Problem(MISSING, place, "is missing: agent mispricing goes by it", remedy=remedy)
        return
    if told.references_min > len(told.references):
        message = f"is above the {len(told.references)} references there are"
        yield _clash((*place, "references_min"), message)
    for name, each in told.references.items():
        at = (*place, "references", name)
        pools = len(each.tokens) - 1
        if len(each.fees) != pools:
            message = f"between {len(each.tokens)} tokens are {pools} pools, with a fee each"
            yield _clash((*at, "fees"), message)
        if len({token.lower() for token in each.tokens}) != len(each.tokens):
            yield _clash((*at, "tokens"), "names a token twice")


def _is_local(spot: SpotSection) -> bool:
    venue = spot.venue
    hosts = [each.rpartition(":")[0] for each in (venue.chain, venue.stream, venue.indexer)]
    if venue.rpc is not None:
        hosts.append(urlsplit(venue.rpc).hostname or "")
    return all(host in _LOOPBACK for host in hosts)


def _clash(path: Path, message: str) -> Problem:
    return Problem(CONTRADICTION, path, message)
