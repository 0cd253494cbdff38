"""When the oracle speaks: on a deviation or after a heartbeat, and always a little late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BP: Final = 10_000


@dataclass(frozen=True, slots=True)
class OracleRule:
    """How a feed follows its market; the defaults are mainnet's ether feed."""

    deviation_bp: int = 50  # basis points from the last answer
    heartbeat_s: int = 3600
    lag_s: int = 12  # from the market's move to the answer's block

    def due(self, *, answer: int, answered_at: int, seen: int, now: int) -> bool:
        """Return whether `seen` has to be posted over the standing `answer`."""
        if now - answered_at >= self.heartbeat_s:
            return True
        return abs(seen - answer) * _BP >= self.deviation_bp * answer
