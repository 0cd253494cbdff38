"""What routes ask for: the desk, a token that is good enough, and a journal to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer

from leverd.api import codes
from leverd.api.doorman import Doorman
from leverd.api.problems import StatusError, documented
from leverd.api.seams import Desk, Standing
from leverd.api.tokens import KeptToken, Scope
from leverd.interfaces.ledger import Ledger

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Made on the machine with `leverd keys token new`.",
)

READ_PROBLEMS = documented(400, 401, 403, 405, 413, 414, 422, 429, 503)
CONTROL_PROBLEMS = documented(400, 401, 403, 404, 405, 413, 414, 415, 422, 429, 503)


async def desk_of(request: Request) -> Desk:
    """Return the API's world."""
    desk: Desk = request.app.state.desk
    return desk


def let_in(request: Request) -> KeptToken:
    """Return the token of somebody who may read; one request is looked at, and counted, once."""
    known: KeptToken | None = getattr(request.state, "reader", None)
    if known is None:
        doorman: Doorman = request.app.state.doorman
        known = request.state.reader = doorman.admit(request, Scope.READ)
    return known


async def reader(request: Request, _: Annotated[object, Security(_BEARER)]) -> KeptToken:
    """Return the token of somebody who may read."""
    return let_in(request)


async def controller(request: Request, _: Annotated[object, Security(_BEARER)]) -> KeptToken:
    """Return the token of somebody who may lower risk."""
    doorman: Doorman = request.app.state.doorman
    return doorman.admit(request, Scope.CONTROL)


async def only_known(request: Request) -> None:
    """Refuse a query with a word nobody asked for: a filter misspelt must not show everything.

    Raises:
        StatusError: there is one.
    """
    known = _parameters(request.scope["route"].dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        said = f"no parameter is called {unknown[0][:40]}"
        remedy = f"there are: {', '.join(sorted(known)) or 'none'}"
        raise StatusError(HTTPStatus.UNPROCESSABLE_ENTITY, codes.MALFORMED, said, remedy)


def _parameters(needs: Dependant) -> set[str]:
    """Return what may stand in the query of a route, by all it needs."""
    own = {each.alias for each in needs.query_params}
    return own.union(*(_parameters(each) for each in needs.dependencies))


async def standing(desk: Annotated[Desk, Depends(desk_of)]) -> Standing:
    """Return where everything stands; only who comes first after a while has to wait for a look."""
    found = desk.board.kept()
    return await asyncio.to_thread(desk.board.standing) if found is None else found


async def ledger(desk: Annotated[Desk, Depends(desk_of)]) -> AsyncIterator[Ledger]:
    """Yield a journal to ask."""
    with desk.ledger() as borrowed:
        yield borrowed


World: TypeAlias = Annotated[Desk, Depends(desk_of)]
Stand: TypeAlias = Annotated[Standing, Depends(standing)]
Book: TypeAlias = Annotated[Ledger, Depends(ledger)]
