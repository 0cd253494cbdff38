"""Text logs: console and a rotating file. Secrets have a type that prints as stars."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from leverd.interfaces.veil import redacted

if TYPE_CHECKING:
    from loguru import Record

    from leverd.settings.models import LogsSection

_LINE: Final = "{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}Z {level:<7} {message}"


def set_up(logs: LogsSection) -> None:
    """Send log lines where `logs` says, and nowhere else."""
    logger.remove()
    logger.configure(patcher=_redact)
    # No variable values in tracebacks: a key may be among them.
    safe: dict[str, Any] = {"level": logs.level, "backtrace": False, "diagnose": False}
    if logs.console:
        logger.add(sys.stderr, format=_LINE, serialize=logs.as_json, **safe)
    if logs.file:
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


def _redact(record: Record) -> None:
    record["message"] = redacted(record["message"])


def _private(file: str, flags: int) -> int:
    return os.open(file, flags, 0o600)
