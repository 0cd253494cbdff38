"""Wall time for the devnet's own waiting; chain time never comes from here."""

from __future__ import annotations

import time
from typing import Final

# The devnet is a process of its own, below no daemon's clock: this is its one door to time.
monotonic: Final = time.monotonic  # noqa: TID251 -- see above
pause: Final = time.sleep  # noqa: TID251 -- see above
