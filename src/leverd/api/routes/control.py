"""What only makes things safer: wishes that the daemon takes before its next turn."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Security
from loguru import logger

from leverd.api import codes
from leverd.api.access import CONTROL_PROBLEMS, READ_PROBLEMS, Stand, World, controller, reader
from leverd.api.kept_answers import KeptRoute
from leverd.api.models.state import PendingModel, Pendings, RequestModel, UnwindWish, Wish
from leverd.api.problems import StatusError
from leverd.api.seams import Desk, Standing
from leverd.api.tokens import KeptToken
from leverd.domain.spot import SPOT
from leverd.interfaces.requests import RequestKind

router = APIRouter(prefix="/control", tags=["control"], route_class=KeptRoute)

Controller: TypeAlias = Annotated[KeptToken, Security(controller)]

_BY = "api"


@router.get("/requests", dependencies=[Security(reader)], responses=READ_PROBLEMS)
def pending(desk: World) -> Pendings:
    """Wishes that the daemon has not taken yet, oldest first."""
    with desk.requests() as requests:
        waiting = requests.pending()
    return Pendings(
        items=[
            PendingModel(request=each.request_id, order=each.kind, position=each.position_id,
                         by=each.by) for each in waiting
        ]
    )  # fmt: skip


@router.post("/pause", status_code=HTTPStatus.ACCEPTED, responses=CONTROL_PROBLEMS)
def pause(wish: Wish, desk: World, standing: Stand, token: Controller) -> RequestModel:
    """Only lower risk, and do not ask the agents. `leverd resume` on the machine lifts it."""
    return _put(RequestKind.PAUSE, wish.position, desk, standing, token)


@router.post("/reduce", status_code=HTTPStatus.ACCEPTED, responses=CONTROL_PROBLEMS)
def reduce(wish: Wish, desk: World, standing: Stand, token: Controller) -> RequestModel:
    """Only lower risk; agents are asked. `leverd resume` on the machine lifts it."""
    return _put(RequestKind.REDUCE, wish.position, desk, standing, token)


@router.post("/unwind", status_code=HTTPStatus.ACCEPTED, responses=CONTROL_PROBLEMS)
def unwind(wish: UnwindWish, desk: World, standing: Stand, token: Controller) -> RequestModel:
    """Repay everything and stay out, until `leverd resume` on the machine."""
    kind = RequestKind.UNWIND_NOW if wish.now else RequestKind.UNWIND
    return _put(kind, wish.position, desk, standing, token)


def _put(
    kind: RequestKind, position: str, desk: Desk, standing: Standing, token: KeptToken
) -> RequestModel:
    """Record a wish; one like it that waits already, and that no resume lifts, is the same wish.

    Raises:
        StatusError: no position is called that.
    """
    names = [*standing.positions, *standing.unknown]
    if standing.spot is not None and standing.spot.orders is not None:
        names.append(SPOT)
    if position and position not in names:
        said = f"no position is called {position}"
        raise StatusError(
            HTTPStatus.NOT_FOUND, codes.UNKNOWN_POSITION, said, f"there are: {', '.join(names)}"
        )
    with desk.requests() as requests:
        known = None
        for each in requests.pending():
            if each.kind is RequestKind.RESUME:
                known = None
            elif (each.kind, each.position_id) == (kind, position):
                known = known or each
        number = known.request_id if known else requests.put(kind, position, _BY)
    what = position or "every position"
    logger.info("api: {} of {} asked for with token {}", kind.value, what, token.token_id)
    who = "the daemon" if standing.daemon_runs else "no daemon runs: the next one"
    if standing.from_copy:
        who = "the daemon fetches it from the copy, within seconds while it reaches it, and"
    return RequestModel(
        request=number,
        order=kind.value,
        position=position,
        said=f"{kind.value} of {what} is request {number}; {who} takes it before its next turn",
    )
