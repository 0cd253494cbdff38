"""Numbers and names as a report writes them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

from leverd.backtest.report.books import Books
from leverd.backtest.report.findings import Findings, moment
from leverd.backtest.report.metrics import DAY_S, YEARLY_S_MIN
from leverd.backtest.report.standing import Standing
from leverd.domain.money import USD, Asset

NONE: Final = "–"  # noqa: RUF001 -- an en dash, as tables leave a cell empty

LINES: Final = {
    "price": "Price",
    "supply_interest": "Supply interest",
    "borrow_interest": "Borrow interest",
    "staking": "Staking",
    "swap_fees": "Swap fees",
    "price_impact": "Price impact",
    "gas": "Gas",
    "liquidation": "Liquidation",
    "rounding": "Rounding",
}
"""The lines of P&L in the order they are told, and their names."""

UNMARKED: Final = "Since the last mark"

COSTS: Final = ("borrow_interest", "swap_fees", "price_impact", "gas", "liquidation")
"""The lines that cost."""

_HOUR_S: Final = 3_600


def plain(text: str) -> str:
    """Return `text` on one line, without what a terminal or a page would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


def percent(ratio: float | None, places: int = 2) -> str:
    """Return a fraction in percent."""
    return NONE if ratio is None else f"{ratio:,.{places}%}"


def ratio(value: float | Fraction | Decimal | None, places: int = 2) -> str:
    """Return a ratio."""
    return NONE if value is None else f"{float(value):,.{places}f}"


def money(whole: Decimal, asset: Asset, *, sign: bool = False) -> str:
    """Return whole units of `asset`: cents of dollars, six places of anything else."""
    places = 2 if asset == USD else min(6, asset.decimals)
    rounded = round(whole, places)
    if whole and not rounded:
        return f"{whole:+.1e} {plain(asset.symbol)}"
    return f"{rounded:{'+' if sign and rounded else ''},.{places}f} {plain(asset.symbol)}"


def duration(seconds: int) -> str:
    """Return a stretch of time in its two largest units."""
    days, rest = divmod(seconds, DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    if days:
        return f"{days:,d} d {hours} h" if hours else f"{days:,d} d"
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def day(at: int) -> str:
    """Return a chain time to the minute, UTC."""
    return moment(at)[:16].replace("T", " ")


def standing_words(standing: Standing | None) -> tuple[str, str, str]:
    """Return leverage, health and price."""
    if standing is None:
        return NONE, NONE, NONE
    health = "none owed" if standing.health is None else ratio(standing.health, 3)
    price = NONE if standing.price is None else f"{float(standing.price):,.2f}"
    return ratio(standing.leverage, 3), health, price


def pnl_rows(books: Books) -> list[tuple[str, int]]:
    """Return name and raw units of every line that is not nothing, the last one unmarked."""
    rows = [(LINES[line], raw) for line, raw in books.pnl.lines.items() if raw]
    return [*rows, (UNMARKED, books.unmarked)] if books.unmarked else rows


def metric_rows(found: Findings) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and what it means of every figure, the most asked for first."""
    metrics, whole = found.metrics, found.whole
    share = found.share_class
    yearly = f"needs {YEARLY_S_MIN // DAY_S} days" if metrics.seconds < YEARLY_S_MIN else "a year"
    yield "Total return", percent(metrics.total_return), "of a unit: flows apart, gas paid"
    yield "Held instead", percent(found.held_return), "the same money, never levered"
    yield "CAGR", percent(metrics.cagr), yearly
    yield "Volatility", percent(metrics.volatility), "of daily returns, a year"
    yield "Sharpe", ratio(metrics.sharpe), "daily returns, risk-free 0, times √365"
    yield "Sortino", ratio(metrics.sortino), "as Sharpe, over losses alone"
    yield "Calmar", ratio(metrics.calmar), "CAGR / max drawdown"
    yield "Max drawdown", *_drawdown(found)
    yield "Best, worst day", f"{percent(metrics.best_day)}, {percent(metrics.worst_day)}", "returns"
    yield "Lowest health", *_lowest(found)
    yield (
        "Near liquidation",
        percent(metrics.near_liquidation),
        f"of the time, health below {metrics.near_health:g}",
    )
    yield (
        "Leverage",
        f"{ratio(metrics.leverage_mean)} mean, {ratio(metrics.leverage_max)} most",
        f"with debt {percent(metrics.levered, 1)} of the time",
    )
    turnover = NONE if metrics.turnover is None else f"{metrics.turnover:,.1f}x"
    swapped = money(whole(found.swapped), share)
    since = found.record.grain.fine_from
    span = f"since {day(since)}" if since else "in all"
    yield "Turnover", turnover, f"mean equities swapped a year; {swapped} {span}"
    yield (
        "Profit factor",
        ratio(metrics.profit_factor),
        f"closed round trips: {metrics.trips}, won {metrics.trips_won}",
    )


def _drawdown(found: Findings) -> tuple[str, str]:
    fall = found.metrics.drawdown
    if fall is None:
        return percent(0.0), "never below its best"
    end = "never regained" if fall.recovered is None else f"regained {day(fall.recovered)}"
    return percent(-fall.depth), f"{day(fall.since)} to {day(fall.until)}, {end}"


def _lowest(found: Findings) -> tuple[str, str]:
    lowest = found.metrics.lowest
    if lowest is None:
        return NONE, "nothing was owed"
    return ratio(lowest.health, 4), day(lowest.at)
