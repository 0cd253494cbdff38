"""A key and a password that nobody may read anywhere, and a search for them in any form.

The forms are told anew here, not taken from what hides them: so that one can miss what the
other knows.
"""

from __future__ import annotations

import json
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

KEY = "c5e1a90b7d3f42684ef06b91d8275ac3e01f9c64b2d75308a9e4c1f6703b5d28"
PASSWORD = 'Trockener-Wald/7+Hügel="Sonne" und Regen'
PLACED = ("planted.password", "planted.key")
"""The files that hold them on purpose, each for its owner alone."""


def found(data: bytes) -> list[str]:
    """Return the names of the forms in which the key or the password is in `data`."""
    folded = data.lower()
    return [name for name, form, fold in _ALL if form in (folded if fold else data)]


def leaks(folder: Path) -> list[tuple[str, list[str]]]:
    """Return each file below `folder` that holds them, or is named by them, and in what form."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in PLACED]
    seen = {str(file): found(file.read_bytes() + b"\n" + bytes(file)) for file in files}
    return [(name, forms) for name, forms in seen.items() if forms]


def forms() -> dict[str, bytes]:
    """Return each form by name; those of hexadecimal digits are found in either case."""
    return {name: form for name, form, _ in _ALL}


def _all() -> Iterator[tuple[str, bytes, bool]]:
    """Yield name, bytes, and whether letters' case means nothing."""
    raw = bytes.fromhex(KEY)
    yield "key, hex", KEY.encode(), True
    yield "key, first half in hex", KEY[:32].encode(), True
    yield "key, second half in hex", KEY[32:].encode(), True
    yield "key, hex in UTF-16", KEY.encode("utf-16-le"), True
    yield "key, number", str(int.from_bytes(raw)).encode(), False
    yield "key, grouped number", f"{int.from_bytes(raw):,}".encode(), False
    yield "key, little-endian number", str(int.from_bytes(raw, "little")).encode(), False
    yield "key, bytes backwards", raw[::-1], False
    yield from _of_bytes("key", raw)
    yield from _of_bytes("key in hex", KEY.encode())
    yield "password, UTF-16", PASSWORD.encode("utf-16-le"), False
    yield "password, repr", repr(PASSWORD)[1:-1].encode(), False
    yield "password, JSON", json.dumps(PASSWORD)[1:-1].encode(), False
    yield "password, in a URL", quote(PASSWORD, safe="").encode(), False
    yield from _of_bytes("password", PASSWORD.encode())


def _of_bytes(name: str, raw: bytes) -> Iterator[tuple[str, bytes, bool]]:
    yield f"{name}, bytes", raw, False
    yield f"{name}, bytes in hex", raw.hex().encode(), True
    yield f"{name}, repr of bytes", repr(raw)[2:-1].encode(), False
    yield f"{name}, repr of a bytearray", repr(bytearray(raw))[12:-2].encode(), False
    yield f"{name}, repr in JSON", json.dumps(repr(raw)[2:-1])[1:-1].encode(), False
    yield f"{name}, list", ", ".join(map(str, raw)).encode(), False
    yield f"{name}, tight list", ",".join(map(str, raw)).encode(), False
    yield f"{name}, base32", b32encode(raw).rstrip(b"="), False
    for before in range(3):  # base64 of what holds it somewhere: its digits depend on the place
        for encode in (b64encode, urlsafe_b64encode):
            inside = encode(bytes(before) + raw)[4 if before else 0 :].rstrip(b"=")[:-1]
            yield f"{name}, {encode.__name__} after {before}", inside, False


_ALL = tuple(_all())
