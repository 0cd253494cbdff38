"""How many recorded rows came out equal, and why the others did not, for docs/reality.md."""

from __future__ import annotations

import json
from collections import Counter

from tests.prove.tally import tell


class Found:
    """The rows of one check by what came of them."""

    def __init__(self) -> None:
        self.equal = 0
        self.differing: Counter[str] = Counter()

    @property
    def rows(self) -> int:
        return self.equal + self.differing.total()

    def count(self, *, equal: bool, why: str = "") -> None:
        """Count one row; `why` names the reason where it differs."""
        if equal:
            self.equal += 1
        else:
            self.differing[why] += 1

    def told(self, check: int, what: str, ours: str, file: str) -> None:
        """Tell of it: `what` was recorded in `file`, and which function is `ours`.

        `check` is the place of its row on the page.
        """
        differing = json.dumps(dict(self.differing.most_common()))
        tell(
            "reality",
            check=check,
            what=what,
            ours=ours,
            file=file,
            rows=self.rows,
            equal=self.equal,
            differing=differing,
        )
