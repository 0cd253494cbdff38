"""Bearer tokens: made of 256 random bits, kept as hashes, named, scoped and revocable.

A token of that size needs no slow hash: nobody can guess one. It is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

PREFIX: Final = "lvd"
_FORM: Final = re.compile(r"lvd_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODY: Final = "0" * 64


class Scope(StrEnum):
    """What a token may do. Nothing here ever raises risk."""

    READ = "read"
    CONTROL = "control"
    """Pause, reduce and unwind; it may read as well."""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token as it is kept: whoever reads this cannot use it."""

    token_id: str  # 12 hex digits
    name: str  # for people
    scopes: tuple[Scope, ...]
    sha256: str  # hex
    made_at: str  # ISO 8601

    def may(self, scope: Scope) -> bool:
        """Return whether the token is good for `scope`."""
        return scope in self.scopes or (scope is Scope.READ and Scope.CONTROL in self.scopes)


class Keyring(Protocol):
    """The tokens that are good now."""

    def tokens(self) -> Sequence[KeptToken]:
        """Return them; one that was revoked is gone at once.

        Raises:
            SecretError: they cannot be trusted, for others may change them.
        """
        ...


def spelled(token_id: str, secret: str) -> str:
    """Return a token as its holder keeps it."""
    return f"{PREFIX}_{token_id}_{secret}"


def hashed(token: str) -> str:
    """Return what is kept of `token`."""
    return hashlib.sha256(token.encode()).hexdigest()


def found(presented: str, tokens: Iterable[KeptToken]) -> KeptToken | None:
    """Return the kept token that `presented` is, None if it is none.

    The time it takes tells nothing of any hash.
    """
    if not _FORM.fullmatch(presented):
        return None
    token_id = presented.split("_")[1]
    kept = next((each for each in tokens if each.token_id == token_id), None)
    same = hmac.compare_digest(hashed(presented), kept.sha256 if kept else _NOBODY)
    return kept if same else None
