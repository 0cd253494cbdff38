"""Which recorded series a replay reads, and from when on all of them say something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from leverd.backtest.history import codes
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import Kind, SeriesKey, Side
from leverd.backtest.history.words import moment
from leverd.backtest.replay.models import Models
from leverd.domain.money import USD, Asset
from leverd.domain.position import Mandate
from leverd.errors import DataError

_RATES: Final = ("assets.{}.rates_at:", "say supply_rate and borrow_rate instead")
_NAMED_BY: Final = {
    Kind.GAS: ("gas.fees_at:", "say base_fee_gwei instead"),
    Kind.LST_RATE: ("assets.{}.staked_at:", "leave that key out"),
    Kind.ORACLE: ("assets.{}.oracle_at:", "leave that key out"),
    Kind.RATE: _RATES,
    Kind.INDEX: _RATES,
}
"""Which setting names a series, and what may be said there instead."""


def assets_read(models: Models, mandate: Mandate) -> list[Asset]:
    """Return every asset whose numbers a replay of the position reads, in order."""
    priced = {mandate.collateral, mandate.debt, mandate.share_class, models.native}
    return sorted(priced - {USD})


def series_read(history: History, models: Models, assets: Iterable[Asset]) -> list[SeriesKey]:
    """Return every series that a replay of `assets` reads, whether or not the history has it.

    Rates and indexes are read where they are recorded.
    """
    found = []
    if models.chain.fees_at:
        found.append(SeriesKey(Kind.GAS, models.chain.fees_at, side=Side.BASE_FEE))
    for listing in (models.listings[each] for each in assets):
        name = listing.asset.symbol
        if listing.staked_at:
            found.append(SeriesKey(Kind.LST_RATE, listing.staked_at, name))
        if listing.oracle_at:
            found.append(SeriesKey(Kind.ORACLE, listing.oracle_at, name))
        rates = (
            SeriesKey(kind, listing.rates_at, name, side)
            for kind in (Kind.INDEX, Kind.RATE)
            for side in (Side.SUPPLY, Side.BORROW)
        )
        found += [each for each in rates if each in history.series]
    return found


def known_from(history: History, keys: Iterable[SeriesKey]) -> int:
    """Return the first time at which each of `keys` is known, not before the history begins.

    Raises:
        DataError: the history has no such series, or nothing in it.
    """
    since = history.since
    for key in keys:
        if key not in history.series:
            raise _nowhere(history, key)
        series = history.series_of(key)
        if not len(series):
            raise DataError(f"{key} has no row", number=codes.UNKNOWN)
        since = max(since, int(series.ts[0]))
    return since


def check_rates(history: History, models: Models, mandate: Mandate) -> None:
    """Refuse an asset whose rates are said to be recorded where the history has none of it.

    It would cost and earn nothing, unsaid. Constants beside them are what counts then.

    Raises:
        DataError: there is such an asset.
    """
    for asset in (mandate.collateral, mandate.debt):
        listing = models.listings[asset]
        if not listing.rates_at or listing.supply_rate or listing.borrow_rate:
            continue
        keys = [
            SeriesKey(kind, listing.rates_at, asset.symbol, side)
            for kind in (Kind.INDEX, Kind.RATE)
            for side in (Side.SUPPLY, Side.BORROW)
        ]
        if not any(key in history.series for key in keys):
            raise _nowhere(history, keys[-1])


def check_known(history: History, keys: Iterable[SeriesKey], at: int) -> None:
    """Refuse to begin at `at` with a number that was recorded later.

    Raises:
        DataError: one of `keys` is not known by then, or not at all.
    """
    for key in keys:
        first = known_from(history, [key])
        if first > at:
            raise DataError(
                f"nothing is known of {key} at {moment(at)}: its first row is of {moment(first)}",
                number=codes.TOO_EARLY,
                remedy="begin there, with --timerange or `since` of the history",
            )


def _nowhere(history: History, key: SeriesKey) -> DataError:
    """Return the refusal of what the settings name and the history lacks, with both."""
    setting, instead = _NAMED_BY[key.kind]
    there = ", ".join(str(each) for each in history.series)
    return DataError(
        f"the history has no {key}",
        number=codes.UNKNOWN,
        place=f"backtest.{setting.format(key.asset)} {key.venue}",
        remedy=f"describe a source of it, or {instead}" + (f"; it has {there}" if there else ""),
    )
