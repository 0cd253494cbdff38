"""The API's server: every concrete class, chosen by settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from leverd.adapters.sql_journal import SqlLedger, SqlRequests
from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.sql_journal.upkeep import as_json
from leverd.adapters.system_clock import SystemClock
from leverd.adapters.token_file import TokenFile, drawn
from leverd.api.app import build
from leverd.api.keyring import RecordedTokens
from leverd.api.seams import Bounds, Desk
from leverd.api.tokens import KeptToken, Scope, hashed, spelled
from leverd.cli import api_log
from leverd.cli.api_around import FilesBeside, Surroundings, ToldByCopy
from leverd.cli.api_board import JournalBoard
from leverd.cli.api_pool import Pool
from leverd.cli.api_shared import Shared
from leverd.cli.db import copied_to
from leverd.cli.telling import told
from leverd.interfaces.clock import Clock
from leverd.settings import Settings
from leverd.settings.showing import in_force

_KEEP_ALIVE_S: Final = 15
_CONNECTIONS_MAX: Final = 512
_MESSAGE_MAX: Final = 4096  # bytes of a websocket client's message
_STOP_S: Final = 3
_TOKENS: Final = "api-tokens.json"
_SERVED: Final = 4
"""Connections to a copy's server that requests share, of each kind."""


class Server:
    """The API over one set of settings; with `link`, it knows one more token, its own.

    Raises:
        OwnerError: it is to be `of_copy`, and the settings name none.
    """

    def __init__(self, settings: Settings, link: str = "", *, of_copy: bool = False) -> None:
        section = settings.api
        scheme = "https" if section.certificate else "http"
        host = f"[{section.address}]" if ":" in section.address else section.address
        self.url = f"{scheme}://{host}:{section.port}/"
        token, own = own_token(link)
        self.link = f"{self.url}#token={token}" if token else self.url
        self._section = section
        self._app = build(desk_of(settings, SystemClock(), own, of_copy=of_copy))

    def run(self) -> None:
        """Serve until a signal says stop."""
        uvicorn.Server(self.config()).run()

    def config(self) -> uvicorn.Config:
        """Return how it is served: nothing without a bound."""
        section = self._section
        return uvicorn.Config(
            self._app,
            host=section.address,
            port=section.port,
            ssl_certfile=section.certificate,
            ssl_keyfile=section.certificate_private,
            ws="websockets-sansio",
            ws_max_size=_MESSAGE_MAX,
            ws_per_message_deflate=False,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S,
            limit_concurrency=_CONNECTIONS_MAX,
        )


def own_token(scope: str) -> tuple[str, Sequence[KeptToken]]:
    """Return a token that ends with this process, and what is kept of it; "" for no `scope`."""
    if not scope:
        return "", ()
    token_id, rest = drawn()
    token = spelled(token_id, rest)
    return token, (KeptToken(token_id, "this process", (Scope(scope),), hashed(token), ""),)


def tokens_path(settings: Settings) -> Path:
    """Return where the tokens' hashes are."""
    named = settings.api.tokens
    return Path(named) if named else file_of(settings.journal.path).with_name(_TOKENS)


def desk_of(
    settings: Settings, clock: Clock, own: Sequence[KeptToken] = (), *, of_copy: bool = False
) -> Desk:
    """Return the API's world, over the journal's file or its copy.

    Raises:
        OwnerError: it is to be `of_copy`, and the settings name none.
    """
    ledgers, requests = _of_copy(settings, clock) if of_copy else _of_file(settings, clock)

    def close() -> None:
        ledgers.close()
        requests.close()

    around: Surroundings = FilesBeside(file_of(settings.journal.path))
    if of_copy:
        around = ToldByCopy(clock, float(settings.api.stale_s))
    board = JournalBoard(settings, ledgers.lend, around, clock)
    log = Path(settings.logs.file) if settings.logs.file else None
    return Desk(
        version=metadata.version("leverd"),
        clock=clock,
        board=board,
        ledger=ledgers.lend,
        requests=requests.lend,
        keyring=RecordedTokens(TokenFile(tokens_path(settings)).records, own),
        point=board.point,
        told=told,
        plain=as_json,
        settings=_plain(in_force(settings)),
        log_tail=lambda lines: api_log.tail(log, lines),
        stale_s=float(settings.api.stale_s),
        bounds=Bounds(requests_s_max=float(settings.api.requests_s_max)),
        close=close,
    )


def _of_file(settings: Settings, clock: Clock) -> tuple[Pool[SqlLedger], Pool[SqlRequests]]:
    path = file_of(settings.journal.path)
    return Pool(path, lambda: SqlLedger(path)), Pool(path, lambda: SqlRequests(path, clock))


def _of_copy(settings: Settings, clock: Clock) -> tuple[Shared[SqlLedger], Shared[SqlRequests]]:
    """Return ways to the copy; its password is looked up with each new one, so that it may change.

    Raises:
        OwnerError: the settings name none, or its driver is not installed.
    """
    copied_to(settings)
    server = partial(copied_to, settings, connections=_SERVED)
    ledgers = Shared(lambda: SqlLedger(server()), clock)
    return ledgers, Shared(lambda: SqlRequests(server(), clock), clock)


def app_of(settings: Settings, own: Sequence[KeptToken] = ()) -> FastAPI:
    """Return the application for `settings`, without a server."""
    return build(desk_of(settings, SystemClock(), own))


def _plain(value: Any) -> Any:
    """Return settings as JSON has them: exact numbers are text already."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value
