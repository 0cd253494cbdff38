"""`leverd api`: REST, websocket, metrics and page over the journal, in a process of its own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leverd.cli.db import copied_to
from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import say
from leverd.errors import ApiError, OwnerError

if TYPE_CHECKING:
    from leverd.settings.models import ApiSection

_NO_TLS: Final = 20
_NOT_INSTALLED: Final = 24
_NO_SCOPE: Final = 25
_NO_CERTIFICATE: Final = 26
_NO_PORT: Final = 27
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def command(
    config: Config = None,
    mode: Mode = "",
    address: Annotated[str, typer.Option(help="Over the settings'.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Over the settings'.")] = 0,
    link: Annotated[
        str,
        typer.Option(help="Print a link with a token of this process alone: read or control."),
    ] = "",
    without_tls: Annotated[  # noqa: FBT002 -- Typer's way to declare a flag
        bool,
        typer.Option(
            "--without-tls",
            help="Listen beyond loopback in the clear: tokens can be read on the way.",
        ),
    ] = False,
    of_copy: Annotated[  # noqa: FBT002 -- as above
        bool,
        typer.Option("--copy", help="Read the copy that journal.copy_to names, not the file."),
    ] = False,
) -> None:
    """Serve the page, the API and its documentation; stops with Ctrl-C."""
    settings = settings_of(config, mode)
    section = settings.api.model_copy(
        update={**({"address": address} if address else {}), **({"port": port} if port else {})}
    )
    check_address(section, without_tls=without_tls)
    check_certificate(section)
    if link not in {"", "read", "control"}:
        raise OwnerError(f"no token is for {link}", number=_NO_SCOPE, remedy="read or control")
    try:
        import fastapi  # noqa: F401, PLC0415 -- only whether it is there
        import uvicorn  # noqa: F401, PLC0415 -- as above
    except ImportError as error:
        raise ApiError(
            "the API needs FastAPI, which is not installed",
            number=_NOT_INSTALLED,
            remedy="pip install 'leverd[api]'",
        ) from error
    from leverd.cli import api_server, logs  # noqa: PLC0415 -- loads FastAPI

    if of_copy:
        copied_to(settings)  # refused before anything begins
    # its own lines go to the console: the file is the daemon's
    logs.set_up(settings.logs.model_copy(update={"file": None}))
    check_port(section)
    served = settings.model_copy(update={"api": section})
    server = api_server.Server(served, link, of_copy=of_copy)
    if link:
        say(f"leverd's page, with a token of this process alone: {server.link}")
    else:
        say(f"leverd's page: {server.url}  (a token: leverd keys token new)")
    server.run()


def check_address(section: ApiSection, *, without_tls: bool) -> None:
    """Check that tokens cannot be read on the way, unless the owner says they may.

    Raises:
        ApiError: they could.
    """
    if section.address in _LOOPBACK or section.certificate is not None or without_tls:
        return
    raise ApiError(
        f"{section.address} can be reached from elsewhere, and there is no certificate",
        number=_NO_TLS,
        place="api.address",
        remedy="name api.certificate, put a TLS proxy before 127.0.0.1, or say --without-tls",
    )


def check_port(section: ApiSection) -> None:
    """Check that nobody listens there, and that we may.

    Raises:
        ApiError: somebody does, or the address is none of this machine's.
    """
    try:
        found = socket.getaddrinfo(section.address, section.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, at = found[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(at)
    except OSError as error:
        raise ApiError(
            f"nothing can listen at {section.address}, port {section.port}:"
            f" {(error.strerror or str(error)).lower()}",
            number=_NO_PORT,
            place="api.port",
            remedy="end what listens there, if it is not leverd's API already, or say --port",
        ) from error


def check_certificate(section: ApiSection) -> None:
    """Check that the certificate and its private key, where they are named, can be served with.

    Raises:
        ApiError: they cannot.
    """
    if section.certificate is None:
        return
    import ssl  # noqa: PLC0415 -- loads what --help does not need

    named, private = section.certificate, section.certificate_private
    try:
        for each in filter(None, (named, private)):
            Path(each).open("rb").close()  # ssl does not say which of the two is missing
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(named, private, password=lambda: "")
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        where = getattr(error, "filename", None) or named
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ApiError(
            f"the certificate cannot be served with: {where}: {why}",
            number=_NO_CERTIFICATE,
            place="api.certificate",
            remedy="PEM files that belong together and this user may read, the private one"
            " without a password",
        ) from error
