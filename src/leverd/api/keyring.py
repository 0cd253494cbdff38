"""Tokens from their records, and those of this process alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leverd.api import codes
from leverd.api.tokens import KeptToken, Scope
from leverd.errors import ApiError


class RecordedTokens:
    """A `Keyring` over `records`, and `own` tokens that end with the process."""

    def __init__(
        self, records: Callable[[], Sequence[Mapping[str, Any]]], own: Sequence[KeptToken] = ()
    ) -> None:
        self._records, self._own = records, tuple(own)

    def tokens(self) -> Sequence[KeptToken]:
        """Return the tokens that are good now; see `Keyring`."""
        return (*(kept(each) for each in self._records()), *self._own)


def kept(record: Mapping[str, Any]) -> KeptToken:
    """Return the token in `record`.

    Raises:
        ApiError: it is malformed.
    """
    try:
        return KeptToken(
            str(record["id"]),
            str(record["name"]),
            tuple(Scope(each) for each in record["scopes"]),
            str(record["sha256"]),
            str(record["made_at"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(
            "a token's record is malformed",
            number=codes.TOKENS_UNREADABLE,
            remedy="remove the file of tokens and make new ones with `leverd keys token new`",
        ) from error
