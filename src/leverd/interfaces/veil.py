"""What no output of this process may hold: the secrets it has opened, in any usual form.

Nothing here prints a secret. This is the second line: were a key in a message all the same, a
library's or a bug's, it would not leave the process by a log, an error or a bug report.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Final

HIDDEN: Final = "***"
_SHORT: Final = 8  # characters; less than that is found in words that are no secret
_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_NEVER: Final = re.compile(r"(?!)")
_URL: Final = re.compile(r"(https?://)(?:[^\s/@]+@)?([^\s/?#'\"]+)[/?][^\s'\"]+")

_PASSWORD: Final = re.compile(
    r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]*:[^\s/@'\"]+@|([?&]password=)[^\s&'\"]+", re.IGNORECASE
)


class Veil:
    """Forms of secrets, and texts without them."""

    def __init__(self) -> None:
        self._covered: set[str] = set()
        self._forms: set[str] = set()
        self._any = _NEVER

    def cover(self, secret: str) -> None:
        """Hide `secret` from now on; a key in hexadecimal also as bytes and number."""
        if secret in self._covered or len(secret) < _SHORT:
            return
        self._covered.add(secret)
        # A key of few digits, which is none, must not hide every nought of what is said.
        self._forms.update(form for form in _forms(secret) if len(form) >= _SHORT)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def over(self, text: str) -> str:
        """Return `text` with stars in place of every secret."""
        return self._any.sub(HIDDEN, text)


VEIL: Final = Veil()
"""This process's own: what it has opened is known in one place, and hidden in each."""


def redacted(text: str) -> str:
    """Return `text` without secrets, and without what URLs carry: providers' keys, passwords."""
    return _PASSWORD.sub(_without_password, _URL.sub(r"\1\2/***", VEIL.over(text)))


def _without_password(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}@" if found[1] else f"{found[2]}{HIDDEN}"


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])
    yield from _bytes_forms(secret.encode("utf-8", "surrogateescape"))
    if key := _KEY.fullmatch(secret.strip()):
        raw = bytes.fromhex(key[1])
        yield str(int.from_bytes(raw))
        yield from _bytes_forms(raw)
        yield f"{int.from_bytes(raw):x}"  # without the zeros in front
        yield f"{int.from_bytes(raw):,}"


def _bytes_forms(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    yield repr(raw)[2:-1]
    yield repr(bytearray(raw))[12:-2]  # escapes one quote more
    yield ", ".join(map(str, raw))
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
