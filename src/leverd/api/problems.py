"""What goes wrong, as problem+json (RFC 9457) with leverd's own stable codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from leverd.api import codes
from leverd.errors import ApiError, LeverdError
from leverd.interfaces.veil import VEIL

MEDIA: Final = "application/problem+json"
_FIELDS_MAX: Final = 8
_BY_STATUS: Final = {
    404: (codes.NOT_FOUND, "nothing is here"),
    405: (codes.NOT_THIS_METHOD, "this cannot be done here"),
    413: (codes.TOO_LARGE, "the body is too large"),
    415: (codes.NOT_THIS_MEDIA, "a body is JSON"),
}


class Problem(BaseModel):
    """Why a request was not answered as asked."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(examples=["about:blank"])] = "about:blank"
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    code: Annotated[str, Field(examples=["LVD-API-009"], pattern=r"^LVD-[A-Z]{3}(-\d{3})?$")]
    detail: Annotated[str, Field(examples=["no position is called eth-lop"])]
    remedy: str = ""


class StatusError(ApiError):
    """An `ApiError` with the HTTP status it is answered with."""

    def __init__(
        self, status: int, number: int, message: str, remedy: str = "", *, wait_s: int = 0
    ) -> None:
        """Say `wait_s` where the same request may be made again after so many seconds."""
        super().__init__(message, number=number, remedy=remedy)
        self.status = status
        self.wait_s = wait_s


def answer(error: LeverdError, status: int, *, wait_s: int = 0) -> JSONResponse:
    """Return `error` as an answer; no secret leaves with it."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=error.code,
        detail=VEIL.over(error.message),
        remedy=VEIL.over(error.remedy),
    )
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="leverd"'
    if wait_s:
        headers["Retry-After"] = str(wait_s)
    return JSONResponse(problem.model_dump(), status, headers, media_type=MEDIA)


def install(app: FastAPI) -> None:
    """Have every error answered as a problem."""
    app.add_exception_handler(LeverdError, _of_leverd)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_bug)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI tells of the problems with `statuses`."""
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


async def _of_leverd(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LeverdError), "the handler is installed for these"
    if isinstance(error, StatusError):
        return answer(error, error.status, wait_s=error.wait_s)
    logger.warning("the API cannot answer: {}", error)
    return answer(error, HTTPStatus.SERVICE_UNAVAILABLE, wait_s=5)


async def _of_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "the handler is installed for these"
    wrong = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
        for each in error.errors()[:_FIELDS_MAX]
    ]
    problem = ApiError("; ".join(wrong), number=codes.MALFORMED)
    return answer(problem, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _of_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "the handler is installed for these"
    number, said = _BY_STATUS.get(error.status_code, (codes.MALFORMED, "malformed"))
    found = answer(ApiError(said, number=number), error.status_code)
    found.headers.update(error.headers or {})
    return found


async def _of_bug(request: Request, error: Exception) -> JSONResponse:
    """Answer without a word of what went wrong: that is for the log, on the machine."""
    logger.error("a bug of the API: {} at {}", type(error).__name__, request.url.path)
    bug = ApiError("leverd met a state it should not have", number=codes.BUG)
    return answer(bug, HTTPStatus.INTERNAL_SERVER_ERROR)
