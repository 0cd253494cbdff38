"""How old a view is, by the caller's clock."""

from __future__ import annotations

from datetime import UTC, datetime

from leverd.domain.view import View


def age_s(view: View, now: datetime, *, live: bool) -> int:
    """Return the age of `view` in seconds, rounded up; a clock that jumped counts as age too.

    Live, the head's own time is compared with the wall, so a node that is stuck, or a clock
    that is wrong, makes a view old. Elsewhere chain time runs at its own speed and only the
    time since the view was received counts.
    """
    since = (now - view.stamp.received_at).total_seconds()
    ages = [abs(since)]
    if live:
        head = datetime.fromtimestamp(view.stamp.at, UTC)
        ages.append(abs((now - head).total_seconds()))
    return -int(-max(ages) // 1)
