"""Is it there, and does it turn?"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response, Security

from leverd.api.access import READ_PROBLEMS, Stand, World, reader
from leverd.api.models.state import Alive, Health, Pong, Version
from leverd.api.problems import documented
from leverd.api.seams import Desk, Standing
from leverd.errors import LeverdError

router = APIRouter(tags=["health"])


@router.get("/ping", responses=documented(400, 405, 413, 414, 422))
async def ping() -> Pong:
    """Say that somebody is here. Needs no token."""
    return Pong()


@router.get("/health/live", responses=documented(400, 405, 413, 414, 422))
async def live() -> Alive:
    """Say that this process serves. Needs no token."""
    return Alive()


@router.get(
    "/health/ready",
    responses={
        **documented(400, 405, 413, 414, 422),
        503: {"model": Health, "description": "Not ready"},
    },
)
def ready(desk: World, response: Response) -> Health:
    """Say whether the daemon completes turns with fresh eyes; 503 if not. Needs no token."""
    try:
        found = health_of(desk.board.standing(), desk)
    except LeverdError as error:
        found = unreadable(error)
    if found.status != "ready":
        response.status_code = 503
    return found


@router.get("/health", dependencies=[Security(reader)], responses=READ_PROBLEMS)
async def health(desk: World, standing: Stand) -> Health:
    """Say when the daemon last completed a turn, and what is missing."""
    return health_of(standing, desk)


@router.get("/version", dependencies=[Security(reader)], responses=READ_PROBLEMS)
async def version(desk: World) -> Version:
    """Say which leverd this is."""
    return Version(version=desk.version)


def health_of(standing: Standing, desk: Desk) -> Health:
    """Return whether turns are completed when they are due, with fresh eyes."""
    sight, ago = standing.sight, _ago(desk.clock.now(), standing.last_turn_at)
    running = standing.daemon_runs
    due = None if sight is None else sight.next_s
    fresh = sight is not None and sight.fresh and running
    reasons = []
    if not running and not standing.from_copy:
        reasons.append("no daemon runs")
    if ago is None:
        reasons.append("no turn was completed yet")
    elif (ahead := _ago(standing.last_turn_at, desk.clock.now()) or 0) > desk.stale_s:
        reasons.append(f"the last turn ended {ahead:.0f} s from now: a clock is wrong")
    elif ago > (due or 0) + desk.stale_s:
        reasons.append(_overdue(ago, from_copy=standing.from_copy))
    elif running and not fresh:
        reasons.append("the last turn saw no fresh picture")
    return Health(
        status="not_ready" if reasons else "ready",
        reasons=reasons,
        daemon_running=running,
        last_turn_at=standing.last_turn_at,
        last_turn_s_ago=ago,
        due_s=due,
        fresh=fresh,
        source="copy" if standing.from_copy else "journal",
        behind_s=ago if standing.from_copy else None,
    )


def _overdue(ago: float, *, from_copy: bool) -> str:
    if from_copy:
        return f"the copy ends {ago:.0f} s ago: no daemon runs, or it does not reach the copy"
    return f"last turn {ago:.0f} s ago"


def unreadable(error: LeverdError) -> Health:
    """Return what is said of health where the journal cannot be read."""
    return Health(
        status="not_ready",
        reasons=[f"the journal cannot be read: {error.code}"],
        daemon_running=False,
        last_turn_at=None,
        last_turn_s_ago=None,
        due_s=None,
        fresh=False,
    )


def _ago(now: datetime | None, then: datetime | None) -> float | None:
    return None if now is None or then is None else max((now - then).total_seconds(), 0.0)
