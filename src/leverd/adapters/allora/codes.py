"""Stable error numbers of this adapter, by family, so that a runbook can name them."""

from __future__ import annotations

from typing import Final

# LVD-CHN: answers that cannot be true
NO_SUCH_TOPIC: Final = 80
MALFORMED: Final = 81
NO_DISAGREEMENT: Final = 82
DISAGREE: Final = 83
FROM_THE_FUTURE: Final = 84
JUMPED: Final = 85
OTHER_TOPIC: Final = 86
INACTIVE: Final = 87
NOT_POSITIVE: Final = 88

# LVD-NET: no answer
KEYLESS: Final = 80

# LVD-OLD: too old to be used
STALE: Final = 80

# LVD-KEY: keys and passwords
KEY_REFUSED: Final = 80
