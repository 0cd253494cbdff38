"""Keys of the devnet's owner and operator: known to everyone, worth nothing elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

# The second and third account that anvil gives everyone: no secret, and no money on any real chain.
_KEYS: Final = {
    "owner": "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "operator": "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
}
_PASSWORD: Final = "devnet"  # noqa: S105 -- guards a key that is printed above
_ROUNDS: Final = 4096  # slow hashing would guard nothing here, and cost each start a second


def write_keystores(folder: Path) -> None:
    """Write `owner.json` and `operator.json` with their `.password` files, where missing."""
    for name, key in _KEYS.items():
        if not (folder / f"{name}.json").exists():
            write_keystore(folder, name, bytes.fromhex(key))


def write_keystore(folder: Path, name: str, key: bytes) -> None:
    """Write `key`, which guards nothing of worth, as `name`.json with its `.password` file."""
    from eth_account import Account  # noqa: PLC0415 -- half a second, needed once a folder

    _write(folder / f"{name}.password", _PASSWORD + "\n")
    sealed = Account.encrypt(key, _PASSWORD, kdf="pbkdf2", iterations=_ROUNDS)
    _write(folder / f"{name}.json", json.dumps(sealed) + "\n")


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    part.replace(path)
