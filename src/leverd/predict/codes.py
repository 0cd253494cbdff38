"""Numbers of LVD-PRD that models and their files are refused with; others: domain.prediction."""

from __future__ import annotations

from typing import Final

MISSING: Final = 30
DAMAGED: Final = 31
OTHER_FORMAT: Final = 32
OTHER_FEATURES: Final = 33
OTHER_LIBRARIES: Final = 34
OTHER_DATA: Final = 35
OTHER_PURPOSE: Final = 36
UNSAFE: Final = 37
UNSCORED: Final = 38
NO_LIBRARY: Final = 40
UNWRITABLE: Final = 41
