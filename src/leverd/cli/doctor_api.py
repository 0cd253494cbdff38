"""What `leverd doctor` says of the API: its address, certificate, tokens and port."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leverd.bootstrap.checks import Check, Status
from leverd.cli.api import check_address
from leverd.errors import ApiError

if TYPE_CHECKING:
    from leverd.settings import Settings
    from leverd.settings.models import ApiSection

_OTHERS: Final = 0o077
_PATIENCE_S: Final = 5.0
_BYTES_MAX: Final = 4096
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- where to ask, not to listen


def examined(settings: Settings) -> Iterator[Check]:
    """Yield what is found of the API that the settings describe."""
    section = settings.api
    if any(find_spec(each) is None for each in ("fastapi", "uvicorn")):
        remedy = "pip install 'leverd[api]', if this machine is to serve it"
        yield Check("api", Status.NOTE, "the API is not installed", remedy, "leverd[api]")
    yield _address(section)
    yield from _certificate(section)
    yield from _tokens(settings)
    yield _port(section)


def _address(section: ApiSection) -> Check:
    try:
        check_address(section, without_tls=False)
    except ApiError as error:
        return Check(error.code, Status.BAD, error.message, error.remedy, error.place)
    how = "with TLS" if section.certificate else "for this machine alone"
    return Check("api", Status.GOOD, f"listens at {section.address}, {how}", place="api.address")


def _certificate(section: ApiSection) -> Iterator[Check]:
    named, private = section.certificate, section.certificate_private
    if named is None:
        if private is not None:
            text, remedy = "a private key without its certificate", "name api.certificate too"
            yield Check("api-tls", Status.BAD, text, remedy, "api.certificate_private")
        return
    try:
        if private is not None and Path(private).stat().st_mode & _OTHERS:
            text, remedy = f"others may read {private}", f"chmod 600 {private}"
            yield Check("api-tls", Status.BAD, text, remedy, private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(named, private, password=lambda: "")
    except PermissionError:
        text = "only the API's own user may read its certificate"
        yield Check("api-tls", Status.NOTE, text, place=named)
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        text = f"certificate and private key cannot be used: {type(error).__name__}"
        remedy = "PEM files that belong together, the private one without a password"
        yield Check("api-tls", Status.BAD, text, remedy, named)
    else:
        yield Check("api-tls", Status.GOOD, "certificate and private key fit", place=named)


def _tokens(settings: Settings) -> Iterator[Check]:
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- heavy
    from leverd.adapters.token_file import TokenFile  # noqa: PLC0415 -- only here

    named = settings.api.tokens
    path = Path(named) if named else file_of(settings.journal.path).with_name("api-tokens.json")
    try:
        count = len(TokenFile(path).records())  # raises what is wrong with it
    except PermissionError:
        yield Check("api-tokens", Status.NOTE, "only the API's user may read them", place=str(path))
        return
    if count:
        yield Check("api-tokens", Status.GOOD, f"{count} token(s) are good", place=str(path))
    else:
        remedy = "leverd keys token new NAME"
        yield Check("api-tokens", Status.NOTE, "no token was made yet", remedy, str(path))


def _port(section: ApiSection) -> Check:
    place = f"{section.address}:{section.port}"
    host = _EVERYWHERE.get(section.address, section.address)
    try:
        socket.create_connection((host, section.port), _PATIENCE_S).close()
    except ConnectionRefusedError:
        return _free(section, place)
    except OSError as error:
        text = f"the address cannot be asked: {error.strerror or type(error).__name__}"
        return Check("api-port", Status.BAD, text, "name an address of this machine", place)
    try:
        is_ours = _pong(host, section)
    except TimeoutError:
        text = f"somebody listens there and says nothing within {_PATIENCE_S:.0f} s"
        return Check("api-port", Status.NOTE, text, "see what it is: ss -ltnp", place)
    if is_ours:
        return Check("api-port", Status.GOOD, "leverd's API answers there", place=place)
    remedy = "end it, or name another api.port; ss -ltnp shows it"
    return Check("api-port", Status.BAD, "another program has the port", remedy, place)


def _free(section: ApiSection, place: str) -> Check:
    """Return whether we might listen there, now that nobody does."""
    family = socket.AF_INET6 if ":" in section.address else socket.AF_INET
    try:
        with socket.socket(family) as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((section.address, section.port))
    except OSError as error:
        text = f"nobody listens there, and we may not: {error.strerror}"
        remedy = "name an address of this machine, and a port above 1023"
        return Check("api-port", Status.BAD, text, remedy, place)
    return Check("api-port", Status.GOOD, "the port is free", place=place)


def _pong(host: str, section: ApiSection) -> bool:
    """Return whether what listens there is ours.

    Raises:
        TimeoutError: it says nothing.
    """
    connection = http.client.HTTPConnection(host, section.port, timeout=_PATIENCE_S)
    if section.certificate:
        # Whether it is ours is asked, not who it is: nothing secret is said.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 -- as said above
        connection = http.client.HTTPSConnection(
            host, section.port, timeout=_PATIENCE_S, context=context
        )
    try:
        connection.request("GET", "/api/v1/ping")
        said = json.loads(connection.getresponse().read(_BYTES_MAX))
    except TimeoutError:
        raise
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(said, dict) and said.get("pong") is True
