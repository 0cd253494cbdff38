"""The page: files of our own and Plotly's, from this machine; a browser fetches nothing else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_OWN: Final = Path(__file__).parent / "page"


@router.get("/")
async def page() -> FileResponse:
    """Return the page; it holds no data, and asks with the token it is given."""
    return FileResponse(_OWN / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/page/plotly.min.js")
async def plotly() -> FileResponse:
    """Return what draws, from the installed package."""
    file = Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))
    return FileResponse(
        file, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"}
    )


def mount(app: FastAPI) -> None:
    """Serve the page and what it needs."""
    app.include_router(router)
    app.mount("/page", StaticFiles(directory=_OWN), name="page")
