"""Which files a history was made of, so that a run can name its data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from leverd.backtest.history import codes
from leverd.backtest.history.problems import DataProblem
from leverd.errors import DataError
from leverd.settings.problems import Place

FORMAT: Final = 1
_BYTES_MAX: Final = 10_000_000
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One source as it was loaded."""

    file: str
    sha256: str
    rows: int  # of the file that were used
    since: int  # of the first row, unix seconds
    until: int  # of the last
    columns: tuple[str, ...]
    gaps: int  # how many there are
    held: int  # bars that were filled with the close before, or long holds that were allowed
    dropped: int  # bars that are missing and left out
    described: Mapping[str, Any]  # what the description says of it


@dataclass(frozen=True, slots=True)
class Manifest:
    """A history by its name, and where it came from."""

    digest: str
    bar_s: int
    bars: int
    since: int  # when the first bar opens, unix seconds
    until: int  # when the last is over
    sources: Mapping[str, SourceRecord]

    def text(self) -> str:
        """Return it as JSON: the same history, the same text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"


def manifest_path(description: Path) -> Path:
    """Return where the manifest of a description is kept."""
    return description.with_name(f"{description.stem}.manifest.json")


def sha256_of(file: Path) -> str:
    """Return the hash of a file, "" if it cannot be read."""
    found = hashlib.sha256()
    try:
        if not file.is_file():  # a pipe would be waited for
            return ""
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                found.update(block)
    except OSError:
        return ""
    return found.hexdigest()


def stamp_of(file: Path) -> tuple[int, ...]:
    """Return what of a file changes whenever it does; nothing if it is not there."""
    try:
        found = file.stat()
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def kept_hashes(path: Path) -> Mapping[str, str]:
    """Return the hash of each source's file by the manifest at `path`; nothing if there is none.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES_MAX + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unread(path, error.strerror or "no access") from error
    try:
        found = json.loads(raw)
        if found["format"] != FORMAT:
            raise _unread(path, "it is of another format")
        return {str(name): str(one["sha256"]) for name, one in found["sources"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unread(path, "it is no manifest, or cut short") from error


def changed(
    kept: Mapping[str, str], now: Mapping[str, tuple[str, str]], description: Path
) -> list[DataProblem]:
    """Return a problem for each source of `now` (file, hash) that is not what was `kept`."""
    remedy = f"If that is meant: leverd data check {description} --accept."
    problems = []
    for name, (file, sha256) in now.items():
        if name in kept and sha256 and kept[name] != sha256:
            said = (
                f"has changed since its manifest was written: {sha256[:12]}, not {kept[name][:12]}"
            )
            place, path = Place(file), ("sources", name)
            problems.append(DataProblem(codes.CHANGED, said, place, path, remedy))
    return problems


def touched(before: Mapping[Path, tuple[int, ...]], paths: Mapping[str, Path]) -> list[DataProblem]:
    """Return a problem for each source whose file is no more as it was `before` it was read."""
    said, remedy = "changed while it was read", "Let nobody write it, and try again."
    return [
        DataProblem(codes.CHANGED, said, Place(str(path)), ("sources", name), remedy)
        for name, path in paths.items()
        if stamp_of(path) != before[path]
    ]


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Put `manifest` at `path`, whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(manifest.text())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise DataError(
            f"the manifest cannot be written: {error.strerror}",
            number=codes.NOT_WRITTEN,
            place=str(path),
            remedy="let the folder be written, or copy the description elsewhere",
        ) from error


def _unread(path: Path, reason: str) -> DataError:
    return DataError(
        f"the manifest cannot be read: {reason}",
        number=codes.MANIFEST,
        place=str(path),
        remedy="remove it, and let leverd data check write another",
    )
