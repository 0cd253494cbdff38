"""Numbers of `LVD-API`: what can be wrong with a request. docs/api.md tells of each."""

from __future__ import annotations

from typing import Final

NO_TOKEN: Final = 1
NOT_ALLOWED: Final = 2
NOT_FOUND: Final = 3
MALFORMED: Final = 4
TOO_LARGE: Final = 5
TOO_MANY: Final = 6
NOT_THIS_METHOD: Final = 7
NOT_THIS_MEDIA: Final = 8
UNKNOWN_POSITION: Final = 9
BUG: Final = 12
TOKENS_UNREADABLE: Final = 23
