"""A file to begin with, where none is yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from leverd.errors import OwnerError

_THERE: Final = 5
_NOT_WRITTEN: Final = 99


def write_new(to: Path, text: str) -> None:
    """Write `text` into a new file, and the folders that lead to it.

    Raises:
        OwnerError: a file is there already, or none can be written.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        there = isinstance(error, FileExistsError) and to.exists()
        said = f"cannot be written: {error.strerror}"
        raise OwnerError(
            "a file is there already, and is not overwritten" if there else said,
            number=_THERE if there else _NOT_WRITTEN,
            place=str(to),
            remedy="name another one",
        ) from None
