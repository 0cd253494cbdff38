"""Three sources of secrets: a systemd credential, a variable, a file only its owner reads."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from leverd.adapters.secrets import codes
from leverd.errors import SecretError
from leverd.interfaces.secrets import Secret

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_BYTES_MAX: Final = 64 * 1024


class CredentialSecrets:
    """Credentials that systemd hands to a unit (`LoadCredential`, `LoadCredentialEncrypted`)."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._folder = env.get("CREDENTIALS_DIRECTORY", "")

    def get(self, name: str) -> Secret:
        """Return the credential called `name`; see `Secrets.get`."""
        remedy = f"put LoadCredentialEncrypted={name}:FILE into the unit and start it by systemd"
        if not self._folder:
            raise SecretError(
                f"there is no credential {name}: systemd did not start this process with any",
                number=codes.MISSING,
                remedy=remedy,
            )
        if Path(name).name != name:
            raise SecretError(f"{name} is not the name of a credential", number=codes.MISSING)
        # systemd alone decides who reads these; their modes are not ours to judge.
        return _read(Path(self._folder) / name, remedy)


class EnvironmentSecrets:
    """Variables of this process's environment."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def get(self, name: str) -> Secret:
        """Return what the variable `name` holds; see `Secrets.get`."""
        value = self._env.get(name, "").strip()
        if not value:
            raise SecretError(
                f"the environment has no {name}",
                number=codes.MISSING,
                place=f"environment {name}",
                remedy="set it for this process alone, or use a systemd credential",
            )
        return Secret(value)


class FileSecrets:
    """Files that nobody but their owner can read."""

    def get(self, name: str) -> Secret:
        """Return what the file at path `name` holds; see `Secrets.get`."""
        path = Path(name)
        remedy = f"write it there yourself, then chmod 600 {path}"
        try:
            mode = path.stat().st_mode
        except OSError:
            return _read(path, remedy)  # says why
        if mode & _OTHERS:
            raise SecretError(
                f"others may read this file (mode {stat.S_IMODE(mode):o})",
                number=codes.READABLE,
                place=str(path),
                remedy=f"chmod 600 {path}; if others have read it, change the secret too",
            )
        return _read(path, remedy)


def _read(path: Path, remedy: str) -> Secret:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            value = file.read(_BYTES_MAX).decode().rstrip("\r\n")
    except FileNotFoundError:
        raise SecretError(
            "there is no secret here", number=codes.MISSING, place=str(path), remedy=remedy
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        # a decoding error quotes the bytes, so it is not passed on
        reason = getattr(error, "strerror", None) or "not text"
        raise SecretError(
            f"the secret cannot be read: {reason}", number=codes.UNREADABLE, place=str(path)
        ) from None
    if not value:
        raise SecretError("the secret is empty", number=codes.EMPTY, place=str(path), remedy=remedy)
    return Secret(value)
