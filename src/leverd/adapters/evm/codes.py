"""Stable error numbers of this adapter, by family, so that a runbook can name them."""

from __future__ import annotations

from typing import Final

# LVD-NET: no answer
NO_ANSWER: Final = 1
BREAKER_OPEN: Final = 2
REFUSED_BY_NODE: Final = 3
INCONSISTENT_LOOK: Final = 4
NOT_MINED: Final = 5

# LVD-CHN: answers that cannot be true
WRONG_CHAIN: Final = 1
NO_CODE: Final = 2
MALFORMED: Final = 3
OTHER_ANSWER: Final = 4
READ_FAILED: Final = 5
TOO_LARGE: Final = 6
WRONG_DECIMALS: Final = 7
NO_POOL: Final = 8
NOT_LISTED: Final = 9
NO_FILL: Final = 10
UNKNOWN_REVISION: Final = 11
FOREIGN_CODE: Final = 12
FORGOTTEN: Final = 13
FOREIGN_FACTORY: Final = 14
NO_REHEARSAL: Final = 15
APART: Final = 16
MOVED: Final = 17

# LVD-SND: the node refused
SEND_REFUSED: Final = 1
SEND_UNLEASED: Final = 2

# LVD-RVT: reverted
REVERTED: Final = 1
OUT_OF_GAS: Final = 2

# LVD-SGN: the allow-list said no
OTHER_CHAIN: Final = 1
OTHER_TARGET: Final = 2
OTHER_SELECTOR: Final = 3
TOO_MUCH_VALUE: Final = 4
TOO_HIGH_FEE: Final = 5
TOO_MUCH_GAS: Final = 6
UNNEEDED_APPROVAL: Final = 7
FOREIGN_RECIPIENT: Final = 8
BUDGET_SPENT: Final = 9
OTHER_CALL: Final = 10
TOO_LONG_LIST: Final = 11
NO_LEASE: Final = 12

# LVD-KEY: keys and keystores
KEY_MALFORMED: Final = 10
KEYSTORE_MISSING: Final = 11
KEYSTORE_MALFORMED: Final = 12
WRONG_PASSWORD: Final = 13
KEYSTORE_EXISTS: Final = 14
KEYSTORE_READABLE: Final = 15

# LVD-OWN: cannot be done as asked
NO_ROUTER: Final = 60
STEP_UNKNOWN: Final = 61
NOT_OPERATOR: Final = 62
KEY_IS_OWNER: Final = 63
NO_GAS: Final = 64
OUT_OF_BOUNDS: Final = 65
NO_OWNER_KEY: Final = 70
NOT_OWNER: Final = 71
NOTHING_THERE: Final = 72
TOO_LITTLE: Final = 73
WAITING: Final = 74
FOREIGN_TOKEN: Final = 75
NO_ACCOUNT: Final = 76
SLOTS_OPEN: Final = 77
DEBT_OPEN: Final = 78
NO_DEPLOYER: Final = 79
HAS_ACCOUNT: Final = 81
