"""The API's tokens in a file only their owner may read: hashes, never the tokens."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from leverd.errors import SecretError

_UNSAFE: Final = 20
_MALFORMED: Final = 21
_NOT_WRITTEN: Final = 22
_OTHERS: Final = 0o077
_RANDOM_BYTES: Final = 32

Plain = dict[str, Any]


class TokenFile:
    """Records of tokens, as JSON. A change is seen by the next who asks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._records: Sequence[Plain] = ()

    def records(self) -> Sequence[Plain]:
        """Return every record; none where there is no file.

        Raises:
            SecretError: others may read or change it, or it is malformed.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return ()
        if found.st_mode & _OTHERS:
            raise SecretError(
                "others may read or change the API's tokens",
                number=_UNSAFE,
                place=str(self.path),
                remedy=f"chmod 600 {self.path}",
            )
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._records, self._stamp = self._read(), stamp
        return self._records

    def change(self, edit: Callable[[Sequence[Plain]], Sequence[Plain]]) -> None:
        """Replace the records by what `edit` makes of them, durably; one process at a time.

        Raises:
            SecretError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path.with_name(f"{self.path.name}.lock")):
                self._write(edit(self.records()))
        except OSError as error:
            raise SecretError(
                f"the API's tokens cannot be written: {error.strerror}",
                number=_NOT_WRITTEN,
                place=str(self.path),
            ) from error

    def _read(self) -> Sequence[Plain]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
                raise ValueError  # noqa: TRY301 -- told as malformed, like bad JSON
        except ValueError as error:
            raise SecretError(
                "the API's tokens cannot be read",
                number=_MALFORMED,
                place=str(self.path),
                remedy="remove the file and make new tokens with `leverd keys token new`",
            ) from error
        return found

    def _write(self, records: Sequence[Plain]) -> None:
        half = self.path.with_name(f"{self.path.name}.half")
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(list(records), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.path)


def drawn() -> tuple[str, str]:
    """Return the id and the secret of a new token, from the system's own randomness."""
    return secrets.token_hex(6), secrets.token_urlsafe(_RANDOM_BYTES)


def record(
    token_id: str, name: str, scopes: Sequence[str], sha256: str, made_at: datetime
) -> Plain:
    """Return what is kept of a token."""
    return {
        "id": token_id,
        "name": name,
        "scopes": list(scopes),
        "sha256": sha256,
        "made_at": made_at.isoformat(timespec="seconds"),
    }


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
