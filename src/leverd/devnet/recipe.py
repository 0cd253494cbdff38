"""What makes a devnet's history: the same recipe gives the same market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from leverd.devnet.path import UNIT, PricePath, Story, synthetic
from leverd.devnet.recorded import Columns, recorded

SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A seed and a price path: `synthetic`, or the file it is read from."""

    seed: int = 1
    path: str = SYNTHETIC
    columns: Columns = field(default_factory=Columns)  # of a file
    price: int = 3_000 * UNIT  # where a synthetic path starts, 1e8
    start: int = 1_700_000_000  # and when, unix seconds
    calm_s: int = 3 * 3600  # how long it is calm before the crash
    gas_days: Mapping[str, str] = field(default_factory=dict)  # mean gwei by ISO day, on record

    def prices(self) -> PricePath:
        """Return the path.

        Raises:
            OwnerError: its file is missing or holds none.
        """
        if self.path == SYNTHETIC:
            return synthetic(self.seed, Story(self.start, self.price, calm_s=self.calm_s))
        return recorded(Path(self.path), self.columns)

    def as_data(self) -> Mapping[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_data` gave."""
        return cls(**{**data, "columns": Columns(**data["columns"])})
