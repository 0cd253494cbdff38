"""Where everything stands now."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Security

from leverd.api import codes
from leverd.api.access import READ_PROBLEMS, Stand, World, reader
from leverd.api.kept_answers import KeptRoute
from leverd.api.models.position import PositionModel
from leverd.api.models.state import (
    Breakers,
    LimitsAnswer,
    LogTail,
    Positions,
    Predictions,
    SettingsAnswer,
    SlotModel,
    Status,
)
from leverd.api.problems import StatusError, documented
from leverd.api.routes.health import health_of
from leverd.api.seams import Standing

router = APIRouter(
    tags=["standing"],
    dependencies=[Security(reader)],
    responses=READ_PROBLEMS,
    route_class=KeptRoute,
)

PositionId = Annotated[str, Path(max_length=200, examples=["eth-loop"])]


@router.get("/status")
def status(desk: World, standing: Stand) -> Status:
    """Everything at a glance."""
    with desk.requests() as requests:
        pending = len(requests.pending())
    return Status(
        mode=standing.mode,
        chain_id=standing.chain_id,
        seq=standing.seq,
        settings_hash=standing.settings_hash,
        health=health_of(standing, desk),
        last_entry_at=standing.last_entry_at,
        positions=list(standing.positions.values()),
        spot=standing.spot,
        unknown_positions=list(standing.unknown),
        open_slots=[SlotModel(**each) for each in standing.open_slots],
        dependencies=dict(standing.dependencies),
        left_unguarded=list(standing.left_unguarded),
        pending_requests=pending,
    )


@router.get("/positions")
async def positions(standing: Stand) -> Positions:
    """Every position: balances, health, distance to liquidation, P&L, orders."""
    return Positions(items=list(standing.positions.values()))


@router.get("/positions/{position}", responses=documented(404))
async def position(position: PositionId, standing: Stand) -> PositionModel:
    """One position by its name in the settings."""
    return known(standing, position)


@router.get("/limits")
async def limits(desk: World, standing: Stand) -> LimitsAnswer:
    """The owner's hard bounds, and what holds new risk back now."""
    return LimitsAnswer(limits=dict(desk.settings.get("limits", {})), breakers=_breakers(standing))


@router.get("/breakers")
async def breakers(standing: Stand) -> Breakers:
    """What holds new risk back now, and which dependencies are left alone."""
    return _breakers(standing)


@router.get("/predictions")
async def predictions(standing: Stand) -> Predictions:
    """What predictors say, how sure they are, and how good they have been."""
    return Predictions(items=list(standing.predictions))


@router.get("/settings")
async def settings(desk: World, standing: Stand) -> SettingsAnswer:
    """The settings in force when the API started; URLs without their keys."""
    return SettingsAnswer(settings=dict(desk.settings), settings_hash=standing.settings_hash)


@router.get("/log")
def log(desk: World, lines: Annotated[int, Query(ge=1, le=500)] = 100) -> LogTail:
    """The newest lines of the daemon's log, secrets and keys of URLs left out."""
    return LogTail(lines=list(desk.log_tail(lines)))


def known(standing: Standing, position: str) -> PositionModel:
    """Return a position of the settings.

    Raises:
        StatusError: there is none, or nothing is known of it yet.
    """
    if position in standing.positions:
        return standing.positions[position]
    said = "nothing is known of it yet" if position in standing.unknown else "no such position"
    names = ", ".join(standing.positions) or "none yet"
    raise StatusError(HTTPStatus.NOT_FOUND, codes.UNKNOWN_POSITION, said, f"there are: {names}")


def _breakers(standing: Standing) -> Breakers:
    faults = {name: list(each) for name, each in standing.breakers.items()}
    return Breakers(faults=faults, dependencies=dict(standing.dependencies))
