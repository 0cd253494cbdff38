"""What spot is worth by the newest price that is known, for status and API alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from leverd.adapters.sight_file import read_spot_sight, spot_sight_path
from leverd.domain.spot import Spot
from leverd.interfaces.watcher import SpotSight

if TYPE_CHECKING:
    from leverd.settings import Settings
    from leverd.settings.spot import SpotSection

_BASE: Final = "base"
_QUOTE: Final = "quote"


def seen(settings: Settings, journal: Path) -> SpotSight | None:
    """Return the last look at the market of the settings, None where none is told of."""
    return of_market(settings, read_spot_sight(spot_sight_path(journal)))


def of_market(settings: Settings, sight: SpotSight | None) -> SpotSight | None:
    """Return `sight` unless it is of another market than that of the settings."""
    section = settings.spot
    if sight is None or section is None or sight.market_id == section.limits.market_id:
        return sight
    return None  # of what was traded before


def priced(spot: Spot, sight: SpotSight | None) -> tuple[int | None, int | None]:
    """Return the best bid and the profit at it, 1e-18s of quote, each None where it is unknown.

    A look's bid is the newest; a mark's profit holds while nothing was traded since.
    """
    if sight is not None and sight.bid:
        return sight.bid, spot.profit(sight.bid, sight.fee)
    mark = spot.marked
    if not spot.base:
        return None, spot.realised
    if mark is None or (mark.base, mark.realised) != (spot.base, spot.realised):
        return None, None
    return mark.bid, mark.profit


def units(section: SpotSection | None, sight: SpotSight | None) -> tuple[str, str]:
    """Return what base and quote are called: as the market does, once somebody looked."""
    if sight is not None and sight.ticker.count("/") == 1:
        base, quote = sight.ticker.split("/")
        return base.strip() or _BASE, quote.strip() or _QUOTE
    return (_BASE if section is None else section.subject), _QUOTE
