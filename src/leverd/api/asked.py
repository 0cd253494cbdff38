"""Which entries a request is about: filters, a page, a span of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import Depends, Query
from pydantic import BeforeValidator

from leverd.interfaces.journal import Entry
from leverd.interfaces.ledger import Ledger

_SEQ_MAX = 2**62

Format: TypeAlias = Literal["json", "csv"]
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)


def _written_out(value: Any) -> Any:
    """Return `value` unless it is a bare number, which could be seconds or milliseconds."""
    if isinstance(value, str) and not _MOMENT.match(value):
        raise ValueError("a date and time is needed, as in 2026-01-31T12:00:00Z")
    return value


Moment: TypeAlias = Annotated[
    datetime | None,
    BeforeValidator(_written_out),
    Query(description="wall time; UTC where no zone is named"),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of entries."""

    position: str
    after: int
    before: int | None
    since: datetime | None
    until: datetime | None
    limit: int
    as_csv: bool

    def page(self, ledger: Ledger, kinds: Sequence[str]) -> Sequence[Entry]:
        """Return the newest entries asked for, newest first."""
        after, before = self.after, self.before
        if self.since is not None:
            after = max(after, first_since(ledger, self.since) - 1)
        if self.until is not None:
            end = first_since(ledger, self.until)
            before = end if before is None else min(before, end)
        return ledger.entries(
            kinds=kinds,
            position_id=self.position,
            after=after,
            before=before,
            limit=self.limit,
            newest_first=True,
        )

    def next_before(self, entries: Sequence[Entry]) -> int | None:
        """Return where the page after `entries` begins, None where there is none."""
        return entries[-1].seq if len(entries) == self.limit else None


async def asked(
    position: Annotated[
        str, Query(max_length=200, description="only this position", examples=["eth-loop"])
    ] = "",
    after: Annotated[int, Query(ge=0, le=_SEQ_MAX, description="only later entries")] = 0,
    before: Annotated[
        int | None, Query(ge=0, le=_SEQ_MAX, description="only earlier entries: `next_before`")
    ] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    form: Annotated[Format, Query(alias="format")] = "json",
) -> Asked:
    """Return what a request asks for."""
    return Asked(position, after, before, _utc(since), _utc(until), limit, form == "csv")


Filter: TypeAlias = Annotated[Asked, Depends(asked)]


def first_since(ledger: Ledger, moment: datetime) -> int:
    """Return the seq of the first entry written at `moment` or later.

    Entries are written in the order of time, and time has no index: every other look is where it
    should be if they came evenly, every other halves what is left. A dozen looks find it among
    ten million that did.
    """
    newest = ledger.entries(limit=1, newest_first=True)
    if not newest or newest[0].written_at < moment:
        return newest[0].seq + 1 if newest else 0
    low, high = 0, newest[0].seq  # the one sought is past low; none before it is at high or later
    early, late = ledger.entries(limit=1)[0].written_at, newest[0].written_at
    halving = False
    while high - low > 1:
        share = 0.5 if halving or late <= early else (moment - early) / (late - early)
        middle = low + min(max(round((high - low) * share), 1), high - low - 1)
        entry = ledger.entries(after=middle - 1, limit=1)[0]  # later than middle where it is gone
        if entry.written_at < moment:
            low, early = entry.seq, entry.written_at
        else:
            high, late = middle, entry.written_at
        halving = not halving
    return high


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
