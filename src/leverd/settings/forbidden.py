"""Secrets have no place in a settings file; find them without ever repeating them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from leverd.settings.problems import SECRET, Path, Problem
from leverd.settings.source import Tree

_NAMES: Final = frozenset(
    {
        "private_key",
        "privatekey",
        "mnemonic",
        "seed",
        "seed_phrase",
        "passphrase",
        "secret_key",
    }
)
_KEY: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}", re.ASCII)
_MNEMONIC: Final = re.compile(r"[a-z]{3,8}( +[a-z]{3,8}){11,23}", re.ASCII)
_PUBLIC: Final = ("spot", "limits", "market_id")
"""Where 64 hex digits are meant: a market has no shorter name that others cannot take as well."""

_REMEDY: Final = (
    "A settings file is copied, backed up and shown to others; treat this key as known to them."
    " Move its funds, make a new one with `leverd keys new` and name its keystore under"
    " `key: {keystore: FILE, password: {file: FILE}}`."
)


def secrets_in(tree: Tree) -> list[Problem]:
    """Return a problem for each value that is, or is named like, a private key or its seed."""
    return [
        Problem(SECRET, path, f"a private key must not be here ({why})", tree.place(path), _REMEDY)
        for path, why in _found(tree.values, ())
    ]


def _found(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key.lower().replace("-", "_") in _NAMES:
                yield (*path, key), "by its name"
            elif why := _looks_secret(key):
                yield path, f"as a name: {why}"
            else:
                yield from _found(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _found(value, (*path, index))
    elif path == _PUBLIC and str(node).startswith("0x"):
        return
    elif why := _looks_secret(node):
        yield path, why


def _looks_secret(value: Any) -> str:
    text = str(value).strip()
    if _KEY.fullmatch(text):
        return "64 hex digits"
    return "a list of seed words" if _MNEMONIC.fullmatch(text) else ""
