"""Stable error numbers of this adapter, by family, so that a runbook can name them."""

from __future__ import annotations

from typing import Final

# LVD-NET: no answer
NO_ANSWER: Final = 70
BREAKER_OPEN: Final = 71
NOT_NOW: Final = 72

# LVD-CHN: answers that cannot be true
TOO_LARGE: Final = 70
REDIRECT: Final = 71
NOT_HTTP: Final = 72
ENCODED: Final = 73

# LVD-KEY: keys and passwords
UNENCRYPTED: Final = 70
