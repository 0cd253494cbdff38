"""Encrypted keys on disk, in the format of eth-account (Web3 Secret Storage, scrypt).

Nothing here puts a key or password into a message: errors name the file and the remedy.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from leverd.adapters.evm import codes
from leverd.errors import SecretError
from leverd.interfaces.secrets import Secret
from leverd.interfaces.veil import VEIL

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

HANDED: Final = Path("/run/credentials")
"""Where systemd hands files to one service: who reads them there is its matter, not the mode's."""


def create(path: Path, password: Secret) -> str:
    """Make a new key, keep it encrypted at `path` (mode 0600), return its checksum address.

    Raises:
        SecretError: something is at `path` already, or the password is empty.
    """
    made: LocalAccount = Account.create()
    VEIL.cover(bytes(made.key).hex())
    return _write(path, made, password)


def store(path: Path, key: Secret, password: Secret) -> str:
    """Keep `key` encrypted at `path` (mode 0600) and return its checksum address.

    Raises:
        SecretError: it is no key, something is at `path` already, or the password is empty.
    """
    return _write(path, account_of(key), password)


def address_in(path: Path) -> str:
    """Return the checksum address a keystore says it holds; no password needed.

    Raises:
        SecretError: there is no keystore, or it does not say.
    """
    said = str(_load(path).get("address", ""))
    try:
        return str(to_checksum_address(said if said.startswith("0x") else f"0x{said}"))
    except ValueError as error:
        raise _malformed(path) from error


def unlock(path: Path, password: Secret) -> LocalAccount:
    """Return the account kept at `path`.

    Raises:
        SecretError: no keystore, others may read it, or the password is wrong.
    """
    keystore = _load(path)
    try:
        key = Account.decrypt(keystore, password.reveal())
    except ValueError as error:
        if "MAC" in str(error):
            raise SecretError(
                "the password does not open the keystore",
                number=codes.WRONG_PASSWORD,
                place=str(path),
                remedy="give the password it was made with",
            ) from None
        raise _malformed(path) from None
    except (KeyError, TypeError, AttributeError, NotImplementedError):
        raise _malformed(path) from None
    return _from_key(bytes(key))


def account_of(key: Secret) -> LocalAccount:
    """Return the account of a private key in hexadecimal.

    Raises:
        SecretError: it is no key; the message does not say what it is instead.
    """
    text = key.reveal().strip().removeprefix("0x")
    try:
        return _from_key(bytes.fromhex(text))
    except Exception:  # noqa: BLE001 - whatever the library raises may quote the key
        raise SecretError(
            "the private key is not 64 hexadecimal digits of a valid key",
            number=codes.KEY_MALFORMED,
            remedy="check the environment variable or credential it comes from",
        ) from None


def _from_key(key: bytes) -> LocalAccount:
    VEIL.cover(key.hex())
    account: LocalAccount = Account.from_key(key)
    return account


def _write(path: Path, account: LocalAccount, password: Secret) -> str:
    if not password.reveal():
        raise SecretError("an empty password", number=codes.WRONG_PASSWORD, place=str(path))
    keystore = Account.encrypt(account.key, password.reveal())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SecretError(
            "something is there already, and a key is never overwritten",
            number=codes.KEYSTORE_EXISTS,
            place=str(path),
            remedy="choose another path, or move the old keystore away first",
        ) from None
    with os.fdopen(descriptor, "w") as file:
        json.dump(keystore, file)
        file.flush()
        os.fsync(file.fileno())
    return str(account.address)


def _load(path: Path) -> dict[str, object]:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as error:
        raise SecretError(
            "no keystore that can be read",
            number=codes.KEYSTORE_MISSING,
            place=str(path),
            remedy="make one with `leverd keys new`, or fix key.keystore in the settings",
        ) from error
    if mode & _OTHERS and HANDED not in path.parents:
        raise SecretError(
            f"others may read the keystore (mode {stat.S_IMODE(mode):o})",
            number=codes.KEYSTORE_READABLE,
            place=str(path),
            remedy=f"chmod 600 {path}",
        )
    try:
        keystore = json.loads(text)
    except ValueError:
        raise _malformed(path) from None
    if not isinstance(keystore, dict):
        raise _malformed(path)
    return keystore


def _malformed(path: Path) -> SecretError:
    return SecretError(
        "this is no keystore",
        number=codes.KEYSTORE_MALFORMED,
        place=str(path),
        remedy="point key.keystore at a file in eth-account's format",
    )
