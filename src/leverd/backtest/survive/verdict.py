"""What became of a position in one crash, and what would have saved it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Final

from leverd.backtest.history.history import History
from leverd.backtest.replay.models import Models
from leverd.backtest.replay.replay import Replay, Replayed, Rules
from leverd.backtest.replay.world import World
from leverd.backtest.survive.otherwise import loop_of, lowered
from leverd.domain import valuation
from leverd.domain.events import PnlRecorded
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD
from leverd.domain.plan_events import PlanCompleted
from leverd.domain.position import Mandate

RECORDED: Final = "recorded"
OUTLINED: Final = "outlined"
_STEP: Final = Decimal("0.1")
_LOWEST: Final = Decimal("1.1")
_COSTS: Final = ("swap_fees", "price_impact", "gas")


@dataclass(frozen=True, slots=True)
class Fate:
    """What one run came to. Money is whole units of the share class."""

    liquidations: int
    lowest_health: float  # inf where nothing was ever owed
    plans: int
    cost: float  # swap fees, price impact and gas
    begun: float
    ended: float

    @property
    def survived(self) -> bool:
        """Whether it was opened, and nobody liquidated any of it."""
        return bool(self.plans) and not self.liquidations


@dataclass(frozen=True, slots=True)
class Verdict:
    """One crash: with its agents, left alone once open, and what would have saved it."""

    crash: str
    source: str  # RECORDED or OUTLINED
    kept: Fate
    alone: Fate
    held: float  # the deposit at the end, never levered
    saved_at: Decimal | None  # the highest lower target that lives, if there is one

    @property
    def is_outlined(self) -> bool:
        """Whether its prices are drawn round the crash's corners, for want of recorded ones."""
        return self.source == OUTLINED

    @property
    def hopeless(self) -> bool:
        """Whether it was liquidated, and no target of at least 1.1 lives."""
        return bool(self.kept.liquidations) and self.saved_at is None


def judge(
    crash: str, source: str, past: History, mandate: Mandate, models: Models, rules: Rules
) -> Verdict:
    """Return what `past` makes of the position."""
    world = World(past, models, mandate)
    ran = Replay(world, rules).run()
    kept = fate_of(ran)
    alone = fate_of(Replay(world, rules, leaves=True).run())
    saved = next(_survivors(world, rules), None) if kept.liquidations else None
    return Verdict(crash, source, kept, alone, _held(ran), saved)


def fate_of(ran: Replayed) -> Fate:
    """Return what a run came to."""
    unit = ran.world.mandate.share_class.unit
    marks = [each.event for each in ran.entries if isinstance(each.event, PnlRecorded)]
    cost = sum(-mark.attribution.get(line, 0) for mark in marks for line in _COSTS)
    return Fate(
        ran.liquidations,
        inf if ran.lowest_health == INFINITE_HEALTH else ran.lowest_health / WAD,
        sum(isinstance(each.event, PlanCompleted) for each in ran.entries),
        cost / unit,
        marks[0].snapshot.equity / unit,
        marks[-1].snapshot.equity / unit,
    )


def _held(ran: Replayed) -> float:
    state, mandate = ran.end, ran.world.mandate
    usd = ran.world.models.deposit * valuation.rate(state, mandate.collateral, USD)
    return valuation.in_share_class(state, int(usd)) / mandate.share_class.unit


def _survivors(world: World, rules: Rules) -> Iterator[Decimal]:
    """Yield lower targets at which the position lives, highest first."""
    loop = loop_of(rules)
    target = loop.params.target - _STEP if loop else Decimal(0)
    while target >= _LOWEST:
        if fate_of(Replay(world, lowered(rules, target)).run()).survived:
            yield target
        target -= _STEP
