"""What is traded on an order book."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, Security

from leverd.api import codes
from leverd.api.access import READ_PROBLEMS, Book, Stand, World, reader
from leverd.api.asked import Format
from leverd.api.courses import thinned
from leverd.api.kept_answers import KeptRoute
from leverd.api.models.spot import SpotModel, SpotPoint, SpotSeries
from leverd.api.problems import StatusError, documented
from leverd.api.routes.money import FORM, Points
from leverd.api.seams import Standing
from leverd.api.spot_history import points
from leverd.api.table import CSV_TOO, csv_answer
from leverd.api.trail import Trail
from leverd.domain.spot import SPOT

router = APIRouter(
    prefix="/spot",
    tags=["spot"],
    dependencies=[Security(reader)],
    responses={**READ_PROBLEMS, **documented(404)},
    route_class=KeptRoute,
)


@router.get("")
async def spot(standing: Stand) -> SpotModel:
    """What is held, what it made, the open order, the last thought and why, and the limits."""
    return traded(standing)


@router.get("/series", response_model=SpotSeries, responses=CSV_TOO)
def series(
    request: Request,
    standing: Stand,
    desk: World,
    ledger: Book,
    most: Annotated[Points, Query(alias="points")] = 500,
    form: Annotated[Format, FORM] = "json",
) -> SpotSeries | Response:
    """What the trading was worth over time, to draw."""
    found = traded(standing)
    trail: Trail = request.app.state.trail
    marks = thinned(desk.board.chronicle().balances(SPOT), most)
    entries = ledger.numbered(marks)
    drawn = thinned(points(entries, trail.spot_looks(), found.since), most)
    if form == "csv":
        return csv_answer(drawn, SpotPoint, "leverd-spot-series")
    return SpotSeries(position=SPOT, unit=found.realised.unit, items=drawn)


def traded(standing: Standing) -> SpotModel:
    """Return what is known of spot.

    Raises:
        StatusError: none is traded, and none ever was.
    """
    if standing.spot is None:
        remedy = "name it in the settings: docs/spot.md"
        said = "no spot is traded here"
        raise StatusError(HTTPStatus.NOT_FOUND, codes.UNKNOWN_POSITION, said, remedy)
    return standing.spot
