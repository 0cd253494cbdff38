"""Which failed reads mean that a node keeps a state no more, in whatever words it says so."""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm import codes
from leverd.adapters.evm.client import EvmClient
from leverd.errors import ForgottenError, NonsenseError, UnreachableError

_KEPT: Final = 64
"""Blocks behind the head whose state every node is expected to keep; full nodes keep 128."""


async def is_gone(client: EvmClient, block: int, error: UnreachableError | NonsenseError) -> bool:
    """Return whether `error`, met in reading the state of `block`, means that it is kept no more.

    Some nodes say that they know no such header, some run a call on an empty state: about a
    block this old any such answer is the same. Silence is no sign of having forgotten.
    """
    if isinstance(error, ForgottenError):
        return True
    if isinstance(error, UnreachableError) and error.number != codes.REFUSED_BY_NODE:
        return False
    newest = await client.head()
    return newest.number - block > _KEPT
