"""A file that an owner, or a program of theirs, writes one verb into to make things safer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from leverd.interfaces.requests import RequestKind

VERBS: Final = {
    "pause": RequestKind.PAUSE,
    "reduce": RequestKind.REDUCE,
    "unwind": RequestKind.UNWIND,
    "unwind_now": RequestKind.UNWIND_NOW,
}
"""What a file may ask for: nothing that adds risk, and nothing that stops the guardian."""

_BYTES_MAX: Final = 1024
_WORDS_MAX: Final = 2
_ID_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the file asks for. The same file asks once; written anew, it asks again."""

    identity: str
    kind: RequestKind
    position_id: str  # "" all


@dataclass(frozen=True, slots=True)
class Unclear:
    """The file is there and says nothing that may be acted on."""

    why: str


Message: TypeAlias = Ordered | Unclear | None


def read(path: Path) -> Message:
    """Return what the file at `path` asks for, None while there is none; never raises.

    It holds a verb, and after it the name of a position if only that one is meant.
    """
    try:
        status = path.stat()
        with path.open("rb") as file:
            raw = file.read(_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unclear(f"it cannot be read: {error.strerror}")
    if len(raw) > _BYTES_MAX:
        return Unclear(f"it is longer than {_BYTES_MAX} bytes")
    words = raw.decode("utf-8", "replace").split()
    kind = VERBS.get(words[0].lower()) if words else None
    if kind is None or len(words) > _WORDS_MAX:
        return Unclear(f"it must hold one of {', '.join(VERBS)}, and a position's name if only one")
    seen = f"{status.st_ino} {status.st_mtime_ns} ".encode() + raw
    identity = hashlib.sha256(seen).hexdigest()[:_ID_LENGTH]
    return Ordered(identity, kind, words[1] if len(words) == _WORDS_MAX else "")
