"""One position through every crash there is, and through many drawn years."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from leverd.backtest.history.exact import Ints
from leverd.backtest.history.history import History
from leverd.backtest.history.keys import BarsKey
from leverd.backtest.replay.models import Models
from leverd.backtest.replay.replay import Replay
from leverd.backtest.replay.setting import Past, mandate_of, models_of, rules_of
from leverd.backtest.replay.sources import (
    assets_read,
    check_rates,
    known_from,
    series_read,
)
from leverd.backtest.replay.world import World
from leverd.backtest.survive.bootstrap import Odds, drawn
from leverd.backtest.survive.crashes import GREAT, outlined, recorded
from leverd.backtest.survive.verdict import OUTLINED, RECORDED, Verdict, judge
from leverd.domain import side
from leverd.domain.money import USD
from leverd.domain.position import Mandate
from leverd.settings import Settings

_OFF_A_DOLLAR = 0.03
"""How far the middle price of a dollar may lie from one."""


@dataclass(frozen=True, slots=True)
class Survival:
    """What `leverd survive` says of one position."""

    position: str
    verdicts: tuple[Verdict, ...]
    liquidated: Odds | None  # in a year drawn from the past; None if none was drawn
    drawn_since: int  # when what years are drawn from begins: everything is recorded from then on
    drawn_until: int
    made_up: bool  # whether that past is itself drawn from chance

    def passes(self, risk_max: float) -> bool:
        """Whether no crash liquidated it, and drawn years do not show more risk than that."""
        lived = all(each.kept.survived for each in self.verdicts)
        return lived and (self.liquidated is None or self.liquidated.interval()[0] <= risk_max)


def survive(
    settings: Settings,
    position: str,
    past: Past,
    *,
    years: int,
    block_s: int,
    advance: Callable[[int, int], None],
) -> Survival:
    """Return how the position fares; `advance(done, total)` is told of progress.

    Raises:
        SettingsError: `backtest` does not describe what the position needs.
        DataError: the history lacks what `backtest` names, or no year can be drawn from it.
    """
    mandate, rules = mandate_of(settings, position), rules_of(settings, position)
    models = models_of(settings, mandate)
    check_rates(past.history, models, mandate)
    keys = series_read(past.history, models, assets_read(models, mandate))
    known = known_from(past.history, keys)
    total = len(GREAT) + years
    verdicts: list[Verdict] = []
    dollars = _dollars(past.history, models, rules.limits.pegged)
    seed = settings.backtest.draw
    for crash, source, part in _crashes(past, models, seed, mandate, known, dollars):
        assumed = models if source == RECORDED else _without_records(models)
        verdicts.append(judge(crash, source, part, mandate, assumed, rules))
        advance(len(verdicts), total)
    whole, assumed = past.history, _without_answers(models)
    usable = whole if known == whole.since else whole.slice(known, whole.until)
    hits = 0
    for number in range(years):
        year = drawn(usable, seed, number, block_s=block_s, holes=past.holes)
        hits += bool(Replay(World(year, assumed, mandate), rules).run().liquidations)
        advance(len(verdicts) + number + 1, total)
    odds = Odds(hits, years) if years else None
    return Survival(position, tuple(verdicts), odds, known, whole.until, past.made_up)


def _crashes(
    past: Past,
    models: Models,
    seed: int,
    mandate: Mandate,
    known: int,
    dollars: frozenset[BarsKey],
) -> Iterator[tuple[str, str, History]]:
    keys = frozenset(each.bars for each in models.listings.values() if each.bars is not None)
    for crash in GREAT:
        found = recorded(crash, past.history, past.holes, known=known)
        if found is not None:
            yield crash.name, RECORDED, found
        else:
            yield crash.name, OUTLINED, outlined(crash, keys, side.side_of(mandate), seed, dollars)


def _dollars(past: History, models: Models, pegged: Collection[str]) -> frozenset[BarsKey]:
    """Return the bars of what is worth a dollar: it does not fall with ether."""
    return frozenset(
        each.bars
        for asset, each in models.listings.items()
        if each.bars is not None
        and (asset.symbol in pegged or _is_a_dollar(past.bars_of(each.bars).close))
    )


def _is_a_dollar(closes: Ints) -> bool:
    return bool(abs(np.median(closes) / USD.unit - 1) < _OFF_A_DOLLAR)


def _without_records(models: Models) -> Models:
    """Return the models with what only a recorded past tells set to its constants."""
    listings = {asset: replace(each, staked_at="") for asset, each in models.listings.items()}
    bare = replace(models, listings=listings, chain=replace(models.chain, fees_at=""))
    return _without_answers(bare)


def _without_answers(models: Models) -> Models:
    """Return the models with every oracle modelled: recorded answers are of other prices."""
    listings = {asset: replace(each, oracle_at="") for asset, each in models.listings.items()}
    return replace(models, listings=listings)
