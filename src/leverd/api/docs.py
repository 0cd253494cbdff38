"""Swagger UI and ReDoc from an installed package: a browser fetches nothing from elsewhere."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_SWAGGER: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>leverd API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
_START: Final = """SwaggerUIBundle({
  url: "/api/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis], validatorUrl: null,
});
"""
_REDOC: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>leverd API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin:0"><redoc spec-url="/api/v1/openapi.json" disable-search="true"></redoc>
<script src="/docs/assets/redoc.standalone.js"></script></body></html>
"""


@router.get("/docs")
async def swagger() -> HTMLResponse:
    """Return the page to try requests on."""
    return HTMLResponse(_SWAGGER)


@router.get("/docs/start.js")
async def start() -> Response:
    """Return what starts it: pages hold no script of their own."""
    return PlainTextResponse(_START, media_type="text/javascript")


@router.get("/redoc")
async def redoc() -> HTMLResponse:
    """Return the page to read."""
    return HTMLResponse(_REDOC)


def mount(app: FastAPI) -> None:
    """Serve both pages and what they need."""
    app.include_router(router)
    assets = Path(str(resources.files("fastapi_offline") / "static"))
    app.mount("/docs/assets", StaticFiles(directory=assets), name="docs-assets")
