"""The API as one application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from leverd.api import docs, live, metrics, pages, problems
from leverd.api.access import only_known
from leverd.api.doorman import Doorman
from leverd.api.feed import Feed
from leverd.api.gatekeeper import Gatekeeper
from leverd.api.kept_answers import KeptAnswers
from leverd.api.problems import Problem
from leverd.api.routes import control, happenings, health, money, spot, standing
from leverd.api.seams import Desk
from leverd.api.trail import Trail

ROOT: Final = "/api/v1"
_ABOUT: Final = (
    "What leverd holds, decides and does, from its journal. Amounts are decimal text with their"
    " unit. What can be asked for only makes things safer; `leverd resume` on the machine lifts"
    " it. Errors are problem+json with leverd's stable codes."
)


def build(desk: Desk) -> FastAPI:
    """Return the application over `desk`."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(app.state.feed.run())
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            desk.close()

    app = FastAPI(
        title="leverd",
        version=desk.version,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{ROOT}/openapi.json",
        lifespan=living,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.doorman = Doorman(desk)
    app.state.answers = KeptAnswers(desk.clock)
    app.state.trail = Trail()
    app.state.feed = Feed(desk, app.state.trail)
    app.state.listeners = 0
    problems.install(app)
    _route(app)
    docs.mount(app)
    pages.mount(app)
    app.add_middleware(Gatekeeper, clock=desk.clock, body_bytes_max=desk.bounds.body_bytes_max)
    _describe(app)
    return app


def _route(app: FastAPI) -> None:
    api = APIRouter(prefix=ROOT)
    for each in (health, standing, spot, happenings, money, control):
        api.include_router(each.router, dependencies=[Depends(only_known)])
    api.include_router(live.router)
    app.include_router(api)
    app.include_router(metrics.router)


def _describe(app: FastAPI) -> None:
    """Have OpenAPI know what a problem looks like, which FastAPI cannot find by itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title, version=app.version, description=_ABOUT, routes=app.routes
            )
            schemas = found["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
