"""A file to begin with, where none is yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from leverd.errors import OwnerError

_THERE: Final = 5
_NOT_WRITTEN: Final = 99


def write_new(to: Path, text: str) -> None:
    """Write `text` into a new file, and the folders that lead to it.

    Raises:
        OwnerError: a file is there already, or none can be written.
    """
    with new_file(to) as file:
        file.write(text)


@contextmanager
def new_file(to: Path) -> Iterator[TextIO]:
    """Return a new file to write, in folders that lead to it; none is left if that fails.

    Raises:
        OwnerError: a file is there already, or none can be written.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        file = to.open("x", encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileExistsError) and to.exists():
            raise OwnerError(
                "a file is there already, and is not overwritten",
                number=_THERE,
                place=str(to),
                remedy="name another one",
            ) from None
        raise unwritten(str(to), error.strerror or str(error)) from None
    try:
        with file:
            yield file
    except OSError as error:
        to.unlink(missing_ok=True)
        raise unwritten(str(to), error.strerror or str(error)) from None
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def check_place(to: Path) -> None:
    """Make the folders that lead to `to`, and check that a file can be put there.

    Raises:
        OwnerError: none can.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(str(to), error.strerror or str(error)) from None
    if not os.access(to.parent, os.W_OK | os.X_OK):
        raise unwritten(str(to), "its folder may not be written to")


def unwritten(place: str, why: str) -> OwnerError:
    """Return the error for what cannot be written."""
    return OwnerError(
        f"cannot be written: {why}", number=_NOT_WRITTEN, place=place, remedy="name another one"
    )
