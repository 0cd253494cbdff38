"""Numbers of `LVD-KEY` and `LVD-NET` that tell what is wrong with a place of secrets."""

from __future__ import annotations

from typing import Final

MISSING: Final = 1
READABLE: Final = 2
EMPTY: Final = 3
UNREADABLE: Final = 4

COMMAND_MISSING: Final = 30
COMMAND_FAILED: Final = 31
COMMAND_SILENT: Final = 32
COMMAND_FLOODED: Final = 33
COMMAND_WRITABLE: Final = 34

AWS_NOT_INSTALLED: Final = 40
AWS_MISSING: Final = 41
AWS_FORBIDDEN: Final = 42
AWS_NOBODY: Final = 43
AWS_NO_TEXT: Final = 44
AWS_UNENCRYPTED: Final = 45
AWS_REFUSED: Final = 46

COMMAND_LATE: Final = 60
AWS_SILENT: Final = 61
