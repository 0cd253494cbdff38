"""Where the loans of a position are kept, and whether a look went there. Pure.

A market is named by its provider, which may name another pool one day; so may the settings. What
is owed in the old one is then owed as ever, and a look at the new one does not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.engine.book import Book
from leverd.interfaces.venue import Observed

MOVED: Final = "LVD-REC-003"


def kept(book: Book, mandates: Sequence[Mandate]) -> dict[str, str]:
    """Return the pools that keep something of ours as far as the journal says, by market."""
    known = ((mandate.lending, book.page(mandate.position_id).snapshot) for mandate in mandates)
    return {
        lending: snapshot.kept_at
        for lending, snapshot in known
        if snapshot is not None and snapshot.is_lent and snapshot.kept_at
    }


def elsewhere(known: Snapshot | None, seen: Observed) -> str:
    """Return why `seen` tells nothing of what is `known`, "" where it was looked for in place."""
    here = seen.state.market.kept_at
    if known is None or not known.is_lent or not known.kept_at or here in {"", known.kept_at}:
        return ""
    return (
        f"what the journal knows of it is kept by pool {known.kept_at}, and the market that the "
        f"settings name is pool {here}: nothing is done about it and nobody guards it. Set "
        f"venues and positions back to what they were, or close it by hand"
    )


def moved(seen: Observed) -> str:
    """Return that the market names another pool than the one that keeps a position, "" if not."""
    loan = seen.state.position.loan
    if not seen.moved_to or not (loan.supplies or loan.debts):
        return ""
    return (
        f"the market names pool {seen.moved_to} now, and this position is kept by pool "
        f"{seen.state.market.kept_at}: it is watched and lowered there, never raised. Close it "
        f"before anything else, `leverd account bounds` above all"
    )
