"""Where keys and passwords come from."""

from __future__ import annotations

from hmac import compare_digest
from typing import Protocol

from leverd.interfaces.veil import VEIL


class Secret:
    """A value that cannot be printed, logged, pickled or compared by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; call it only where it is used. No output shows it from then on."""
        VEIL.cover(self._value)
        return self._value

    def is_same(self, other: Secret) -> bool:
        """Return whether `other` holds the same value; how long it takes does not tell how much."""
        return compare_digest(self._value.encode(), other._value.encode())

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not serialised")


class Secrets(Protocol):
    """A source of secrets by name."""

    def get(self, name: str) -> Secret:
        """Return the secret called `name`.

        Raises:
            SecretError: there is none, or its file may be read by others.
        """
        ...
