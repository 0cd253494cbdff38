"""What a node means when it does not take a transaction.

The strings are those of go-ethereum's transaction pool, anvil, Nethermind, Besu and Erigon.
"""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm import codes
from leverd.errors import LeverdError, RefusedError, UnreachableError

_KNOWN: Final = (
    "already known",
    "already imported",
    "known transaction",
    "alreadyknown",
    "transaction already exists",
)

_REASONS: Final = (
    ("nonce_too_low", ("nonce too low", "nonce is too low", "oldnonce", "invalid nonce; expected")),
    (
        "replacement_underpriced",
        (
            "replacement transaction underpriced",
            "replacement_underpriced",
            "replacementnotallowed",
            "could not replace existing",
        ),
    ),
    (
        "underpriced",
        (
            "transaction underpriced",
            "max fee per gas less than block base fee",
            "fee too low",
            "feetoolow",
            "gas price below configured minimum",
            "underpriced",
        ),
    ),
    ("insufficient_funds", ("insufficient funds", "insufficientfunds", "upfront cost exceeds")),
    (
        "gas_limit",
        (
            "exceeds block gas limit",
            "intrinsic gas too low",
            "intrinsic gas too high",
            "gas limit",
            "gaslimit",
            "out of gas",
        ),
    ),
)

_NOT_ASKED: Final = range(-32602, -32599)
"""Invalid request, unknown method, invalid parameters: it never came near a pool."""

_POOL: Final = (*range(-32099, -32005), *range(-32004, -31999))
"""Server errors, -32003 among them; -32005 is a rate limit, which says nothing."""


def is_known(message: str) -> bool:
    """Return whether the node says that it holds this very transaction."""
    text = message.lower()
    return any(known in text for known in _KNOWN)


def refusal(code: int, message: str, place: str) -> LeverdError:
    """Return the error for a node's answer to a send.

    What is not clearly a refusal is an unknown outcome.
    """
    text = message.lower()
    for reason, phrases in _REASONS:
        if any(phrase in text for phrase in phrases):
            return RefusedError(reason, f"the node said: {message}", number=codes.SEND_REFUSED)
    if code in _NOT_ASKED or code in _POOL:
        return RefusedError("other", f"the node said: {message}", number=codes.SEND_REFUSED)
    return UnreachableError(
        f"the node answered a send with {code}: {message}; the outcome is unknown",
        number=codes.REFUSED_BY_NODE,
        place=place,
    )
