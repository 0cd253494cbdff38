"""Stable error numbers of this adapter, by family, so that a runbook can name them."""

from __future__ import annotations

from typing import Final

# LVD-NET: no answer
NO_ANSWER: Final = 90
BREAKER_OPEN: Final = 91
STREAM_ENDED: Final = 92

# LVD-CHN: answers that cannot be true
NO_MARKET: Final = 90
MALFORMED: Final = 91
WRONG_CHAIN: Final = 92
REFUSED_BY_NODE: Final = 93
NO_ACCOUNT: Final = 94
NO_INDEX: Final = 95

# LVD-SND: refused
NOT_TAKEN: Final = 90
REHEARSAL: Final = 92

# LVD-SGN: the allow-list said no
OTHER_MESSAGE: Final = 90
FOREIGN_SENDER: Final = 91
TOO_HIGH_FEE: Final = 92

# LVD-KEY
KEY_MALFORMED: Final = 90

# The exchange module's own numbers that are acted on
DUPLICATE_CID: Final = 97
