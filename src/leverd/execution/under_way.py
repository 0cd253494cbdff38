"""Whose balances may be about to change by what is under way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from leverd.domain.position import Mandate


def touched(
    under_way: Iterable[Collection[str]], mandates: Mapping[str, Mandate]
) -> Mapping[str, int]:
    """Return how many transactions may change what each position holds; none where it is absent.

    `under_way` names, for each transaction, the positions that something was signed for. What
    one address holds is all of its positions'; whose position nobody knows may be anybody's.
    """
    counts: Counter[str] = Counter()
    for named in under_way:
        counts.update(_beside(named, mandates))
    return counts


def _beside(named: Collection[str], mandates: Mapping[str, Mandate]) -> Iterable[str]:
    """Return the positions at the addresses of those `named`, themselves included."""
    if any(name not in mandates for name in named):
        return tuple(mandates)
    addresses = {mandates[name].account for name in named}
    return (name for name, mandate in mandates.items() if mandate.account in addresses)
