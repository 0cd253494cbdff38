"""Text logs: console and a rotating file. Secrets have a type that prints as stars."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from leverd.errors import OwnerError
from leverd.interfaces.veil import redacted

if TYPE_CHECKING:
    from loguru import Record

    from leverd.settings.models import LogsSection

_NO_FILE: Final = 136
_LINE: Final = "{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}Z {level:<7} {message}"


def set_up(logs: LogsSection) -> None:
    """Send log lines where `logs` says, and nowhere else.

    A file that cannot be written keeps nobody from guarding: then the console has the lines, and
    why.
    """
    logger.remove()
    logger.configure(patcher=_redact)
    # No variable values in tracebacks: a key may be among them.
    safe: dict[str, Any] = {"level": logs.level, "backtrace": False, "diagnose": False}
    refused = _write_to_file(logs, safe) if logs.file else None
    if logs.console or refused is not None:
        logger.add(sys.stderr, format=_LINE, serialize=logs.as_json, **safe)
    if refused is not None:
        logger.error("{}", refused)


def _write_to_file(logs: LogsSection, safe: dict[str, Any]) -> OwnerError | None:
    """Return why nothing can be written to the file, None once it is."""
    assert logs.file is not None, "the caller asks"
    try:
        logger.add(
            logs.file,
            format=_LINE,
            serialize=logs.as_json,
            rotation=f"{logs.rotation_mb} MB",
            retention=f"{logs.retention_days} days",
            encoding="utf-8",
            opener=_private,
            **safe,
        )
    except OSError as error:
        return OwnerError(
            f"the log file cannot be written, lines go to the console alone: {error}",
            number=_NO_FILE,
            place=f"logs.file, {logs.file}",
            remedy="let the user that runs leverd write there, or name another under logs.file",
        )
    return None


def _redact(record: Record) -> None:
    record["message"] = redacted(record["message"])


def _private(file: str, flags: int) -> int:
    return os.open(file, flags, 0o600)
