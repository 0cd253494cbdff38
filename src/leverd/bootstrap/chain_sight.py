"""Whether the chain is seen: by a holder of the lease, turn by turn, and by who would have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.sources import probing
from leverd.interfaces.clock import Clock
from leverd.interfaces.watcher import Turned

START_S: Final = 120.0
"""Wall seconds that a start may take to its first turn: a long journal is read twice in it."""

_DOUBLINGS_MAX: Final = 5

_ANSWER_S: Final = 2.0
"""For how long a node may think of a first answer."""


class ChainSight:
    """A `Watcher` that knows by when the next turn was to have seen the chain as it is.

    `patience_s` are wall seconds by which such a turn may be late; twice as many after each
    tenure in a row that saw nothing, for where nobody sees the chain a handover helps nobody.
    `now` gives seconds that never go back and pass in a machine's sleep too. Told by one thread
    and asked by another.
    """

    def __init__(self, patience_s: float, in_vain: int, now: Callable[[], float]) -> None:
        self._late_s: float = patience_s * 2.0 ** min(in_vain, _DOUBLINGS_MAX)
        self._now = now
        self._due = now() + START_S
        self._has_seen = False  # at least once

    def turned(self, turned: Turned) -> None:
        """Take note of a turn; one that is not fresh was decided from an old block.

        Where no position could be valued at all, the chain did answer: an oracle is silent.
        """
        if turned.fresh or not turned.views:
            self._has_seen = True
            self._due = self._now() + turned.next_s

    def is_blind(self) -> bool:
        """Return whether the turn that was due is late by more than a node's hiccup."""
        return self._now() > self._due + self._late_s

    def woken(self) -> None:
        """Have patience begin now: the lease ran out, as in a sleep, and is ours again."""
        self._due = max(self._due, self._now())

    def is_in_vain(self) -> bool:
        """Return whether it is blind and never was anything else."""
        return self.is_blind() and not self._has_seen


async def head_age_s(client: EvmClient, clock: Clock) -> float:
    """Return by how many seconds the newest block's time is off our wall clock.

    A node that was left alone for a while is asked too: it may be all that keeps us from acting.

    Raises:
        UnreachableError: no node answers.
        NonsenseError: it is another chain's.
    """
    with probing():
        await client.connect(deadline_s=_ANSWER_S)
        head = await client.head()
    return abs((clock.now() - datetime.fromtimestamp(head.at, UTC)).total_seconds())
