"""Who sees the price that a predictor speaks of: the loop, or the trader in its book."""

from __future__ import annotations

from leverd.settings import Settings


def is_the_loops(settings: Settings, subject: str) -> bool:
    """Return whether the daemon's own looks feed the predictors of `subject`.

    What the trader speaks of is seen in its book alone, unless a position holds it.
    """
    if settings.spot is None or settings.spot.subject != subject:
        return True
    return any(subject in {each.collateral, each.debt} for each in settings.positions.values())
