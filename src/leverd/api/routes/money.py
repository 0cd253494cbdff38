"""Money over time: P&L by cause, days, rates, lines to draw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response, Security

from leverd.api.access import READ_PROBLEMS, Book, Stand, World, reader
from leverd.api.asked import Format
from leverd.api.chronicle import Chronicle
from leverd.api.courses import day_name, days, rates, snapshots, thinned
from leverd.api.history import scaled
from leverd.api.kept_answers import KeptRoute
from leverd.api.models.amounts import written
from leverd.api.models.money import DayModel, Days, PnlModel, Point, RatePoint, Rates, Series
from leverd.api.models.position import PositionModel
from leverd.api.problems import documented
from leverd.api.routes.standing import PositionId, known
from leverd.api.seams import Desk
from leverd.api.table import CSV_TOO, csv_answer
from leverd.api.trail import Trail
from leverd.domain.events import PnlRecorded
from leverd.domain.snapshot import Snapshot
from leverd.interfaces.ledger import Ledger

_DAYS_MAX: Final = 4_000
_DAYS: Final = 100
_EPOCH: Final = date(1970, 1, 1).toordinal()

router = APIRouter(
    tags=["money"],
    dependencies=[Security(reader)],
    responses={**READ_PROBLEMS, **documented(404)},
    route_class=KeptRoute,
)

Points = Annotated[int, Query(ge=2, le=2000, description="at most so many, evenly spread")]
FORM = Query(alias="format")


@router.get("/positions/{position}/pnl")
def pnl(position: PositionId, standing: Stand, ledger: Book) -> PnlModel:
    """What the position has made since it was opened, by cause."""
    found = known(standing, position)
    marks = ledger.entries(kinds=("PnlRecorded",), position_id=position, limit=1, newest_first=True)
    event = marks[0].event if marks else None
    mark = event if isinstance(event, PnlRecorded) else None
    return PnlModel(
        position=position,
        share_class=found.equity.unit,
        lines=found.pnl,
        total=found.pnl_total,
        equity=found.equity,
        unit_price=written(scaled(mark.unit_price, mark.share_decimals)) if mark else None,
        marked_at=mark.snapshot.at if mark else None,
    )


@router.get("/daily", response_model=Days, responses=CSV_TOO)
def daily(
    desk: World,
    position: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[date | None, Query(description="only earlier days: `next_before`")] = None,
    limit: Annotated[int, Query(ge=1, le=_DAYS_MAX, description="newest so many days")] = _DAYS,
    form: Annotated[Format, FORM] = "json",
) -> Days | Response:
    """UTC days of chain time: P&L by cause, equity, gain, lowest health, trades."""
    found = days_page(desk.board.chronicle(), position, before, limit)
    return csv_answer(found.items, DayModel, "leverd-days") if form == "csv" else found


def days_page(
    chronicle: Chronicle, position: str = "", before: date | None = None, limit: int = _DAYS_MAX
) -> Days:
    """Return the newest `limit` days before `before`, oldest first, and where the next page is."""
    end = None if before is None else before.toordinal() - _EPOCH
    known = [each for each in chronicle.days(position) if end is None or each.day < end]
    dates = sorted({each.day for each in known if each.marks})
    first = dates[-limit:][0] if dates else 0
    until = chronicle.pruned_until
    return Days(
        items=days(known, first),
        next_before=day_name(first) if len(dates) > limit else None,
        pruned_until=None if until is None else day_name(until),
    )


@router.get("/positions/{position}/rates", response_model=Rates, responses=CSV_TOO)
def rates_history(
    request: Request,
    position: PositionId,
    standing: Stand,
    desk: World,
    ledger: Book,
    points: Points = 500,
    form: Annotated[Format, FORM] = "json",
) -> Rates | Response:
    """What each token earned and cost, by the growth of the market's own indexes."""
    known(standing, position)
    found = thinned(rates(_looks(request, desk, ledger, position, points)), points)
    if form == "csv":
        return csv_answer(found, RatePoint, f"leverd-rates-{_safe(position)}")
    return Rates(position=position, items=found)


@router.get("/positions/{position}/series", response_model=Series, responses=CSV_TOO)
def series(
    request: Request,
    desk: World,
    position: PositionId,
    standing: Stand,
    ledger: Book,
    points: Points = 500,
    form: Annotated[Format, FORM] = "json",
) -> Series | Response:
    """Price, equity, leverage and health over time, to draw."""
    found = known(standing, position)
    looks = thinned(_looks(request, desk, ledger, position, points), points)
    drawn = [point for look in looks if (point := desk.point(position, look)) is not None]
    if form == "csv":
        return csv_answer(drawn, Point, f"leverd-series-{_safe(position)}")
    return Series(
        position=position,
        price_unit=_price_unit(found),
        equity_unit=found.equity.unit,
        items=drawn,
    )


def _looks(
    request: Request, desk: Desk, ledger: Ledger, position: str, most: int
) -> Sequence[Snapshot]:
    """Return what the journal and the turns since then saw, oldest first.

    Of the journal's looks, `most` are read, evenly spread: a line does not cost more the longer
    the journal is.
    """
    trail: Trail = request.app.state.trail
    chronicle = desk.board.chronicle()
    entries = ledger.numbered(thinned(chronicle.balances(position), most))
    known = (*chronicle.closings(position), *snapshots(entries), *trail.looks(position))
    found = {look.block: look for look in known}
    return [found[block] for block in sorted(found)]


def _price_unit(position: PositionModel) -> str:
    return "USD" if position.price is None else position.price.unit


def _safe(name: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name)
