"""Where a change of equity came from, to the unit.

Between two moments, equity after - equity before - flows - gas paid is the sum of the lines
of an `Attribution`. Every line is reckoned by itself, from balances, indexes, prices and
facts; only `rounding` balances, and it may hold no more than one unit per leg and event.
More is an error: something happened that no fact tells.

Where several things happened at once, prices move first, on what was held before, and all
else counts at the prices after. Acts in a lending market count at the indexes after, so the
two moments around a transaction are its block and the parent block; quiet time may be as
long as it likes. Attributions of stretches add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from operator import add, attrgetter
from typing import Final, assert_never

from leverd.domain.changed import changed
from leverd.domain.fixed_point import BPS, RAY, mul_div_up, nearest
from leverd.domain.holdings import Holdings, holdings_of
from leverd.domain.money import Asset
from leverd.domain.pnl_facts import (
    Fact,
    FlowFact,
    GasFact,
    LendingFact,
    LiquidationFact,
    StakingFact,
    SwapFact,
)
from leverd.domain.position import Leg, LegKind
from leverd.domain.state import State
from leverd.errors import ImpossibleError

UNEXPLAINED: Final = 31
"""Number of the `ImpossibleError` for a change that no fact tells."""

_WEI: Final = 10**18  # per whole native token
_HALVES: Final = 4  # eight figures, each rounded to the nearest unit
_NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Attribution:
    """P&L by cause, raw units of the share class; what cost us is below zero."""

    price: int = 0
    supply_interest: int = 0
    borrow_interest: int = 0
    staking: int = 0
    swap_fees: int = 0
    price_impact: int = 0  # against the oracle's price, after the fee
    gas: int = 0  # paid by the signing key, not out of the position
    liquidation: int = 0  # bonus and fee taken, less debt written off
    rounding: int = 0

    @property
    def total(self) -> int:
        """The P&L: all lines together."""
        return sum(_figures(self))

    @property
    def lines(self) -> dict[str, int]:
        """The lines by name, as the journal keeps them."""
        return dict(zip(_LINES, _figures(self), strict=True))

    def __add__(self, other: Attribution) -> Attribution:
        return Attribution(*map(add, _figures(self), _figures(other)))


_LINES: Final = tuple(field.name for field in fields(Attribution))
_figures: Final = attrgetter(*_LINES)


def attribute(before: State, after: State, facts: Iterable[Fact]) -> Attribution:
    """Return the P&L from `before` to `after`, given everything that happened between.

    Raises:
        ImpossibleError: something happened that no fact tells (31), or has no price (30).
    """
    return attribute_holdings(holdings_of(before), holdings_of(after), facts)


def attribute_holdings(before: Holdings, after: Holdings, facts: Iterable[Fact]) -> Attribution:
    """Return the P&L between two pictures of one position; see `attribute`.

    Raises:
        ImpossibleError: something happened that no fact tells (31).
    """
    facts = tuple(facts)
    units = _units(before, after, facts)
    if untold := _untold(before, after, facts, units):
        amounts = ", ".join(f"{flow.raw} {flow.asset.symbol}" for flow in untold)
        raise ImpossibleError(f"nobody told of {amounts}", number=UNEXPLAINED)
    return _attributed(before, after, facts, units)[0]


def attribute_with_flows(
    before: Holdings, after: Holdings, facts: Iterable[Fact]
) -> tuple[Attribution, int]:
    """Return the P&L, and the value of flows: of those in `facts`, and of what none of them tells.

    Raises:
        ImpossibleError: it does not come out by more than rounding (31).
    """
    facts = tuple(facts)
    units = _units(before, after, facts)
    if untold := _untold(before, after, facts, units):
        facts = (*facts, *untold)
        units = _units(before, after, facts)
    return _attributed(before, after, facts, units)


def _attributed(
    before: Holdings, after: Holdings, facts: tuple[Fact, ...], units: Mapping[Asset, int]
) -> tuple[Attribution, int]:
    """Return the P&L and the value of flows where `facts` tell everything."""
    staking, flow = _staking(before, facts), flow_value(after, facts)
    lines = Attribution(
        price=_price(before, after, staking + _sold_at_another_price(after, facts)),
        supply_interest=_interest(before, after, LegKind.SUPPLIED),
        borrow_interest=_interest(before, after, LegKind.OWED),
        staking=round(staking) if staking else 0,
        swap_fees=-_swap_fees(after, facts),
        price_impact=-_price_impact(after, facts),
        liquidation=-_liquidation_loss(after, facts),
    )
    rounding = after.equity - before.equity - flow - lines.total
    if abs(rounding) > _rounding_limit(before, after, units):
        raise ImpossibleError(f"{rounding} is too much for rounding", number=UNEXPLAINED)
    return changed(lines, gas=-_gas(after, facts), rounding=rounding), flow


def flow_value(after: Holdings, facts: Iterable[Fact]) -> int:
    """Return the value of all flows at the prices after, raw units of the share class."""
    flows = [fact.raw * after.worth(fact.asset) for fact in facts if isinstance(fact, FlowFact)]
    return nearest(sum(flows), after.scale)


def unexplained(before: Holdings, after: Holdings, facts: Iterable[Fact]) -> tuple[FlowFact, ...]:
    """Return the flows that must have happened besides `facts` for the balances to be true.

    Empty when interest, facts and one unit of rounding per leg and event explain them all.
    """
    facts = tuple(facts)
    return _untold(before, after, facts, _units(before, after, facts))


def _untold(
    before: Holdings, after: Holdings, facts: tuple[Fact, ...], limits: Mapping[Asset, int]
) -> tuple[FlowFact, ...]:
    rest: dict[Asset, int] = {}  # raw units x RAY that nothing explains yet
    for leg, raw in zip(after.legs, after.amounts, strict=True):
        rest[leg.asset] = rest.get(leg.asset, 0) + raw * RAY
    for leg, raw in zip(before.legs, before.amounts, strict=True):
        rest[leg.asset] = rest.get(leg.asset, 0) - raw * RAY - _growth(before, after, leg)
    for fact in facts:
        for asset, raw in _told(fact):
            rest[asset] = rest.get(asset, 0) - raw * RAY
    return tuple(
        FlowFact(asset, nearest(raw, RAY))
        for asset, raw in sorted(rest.items())
        if abs(raw) > limits.get(asset, 0) * RAY and asset in after.prices
    )


def rounding_limit(before: Holdings, after: Holdings, facts: Iterable[Fact]) -> int:
    """Return the most that may be rounding, raw units of the share class.

    One unit of a lent asset for each of its legs and events, one of the share class for
    each leg valued, and a half for each line.
    """
    return _rounding_limit(before, after, _units(before, after, tuple(facts)))


def _rounding_limit(before: Holdings, after: Holdings, units: Mapping[Asset, int]) -> int:
    lent = sum([count * after.worth(asset) for asset, count in units.items()])
    return mul_div_up(lent, 1, after.scale) + len(before.legs) + len(after.legs) + _HALVES


def _units(before: Holdings, after: Holdings, facts: tuple[Fact, ...]) -> dict[Asset, int]:
    """Return by asset how many raw units its lent legs may lose or gain by rounding.

    A scaled unit is worth `index` raw ones, and accrual is an event like any act.
    """
    acts: dict[Asset, int] = {}
    for fact in facts:
        for asset in _touched(fact):
            acts[asset] = acts.get(asset, 0) + 1
    was, is_now = _lent(before), _lent(after)
    units: dict[Asset, int] = {}
    for key, leg in (was | is_now).items():
        moved = key not in was or key not in is_now or was[key].held != leg.held
        events = 1 + max(acts.get(leg.asset, 0), int(moved))
        ceiled = mul_div_up(after.index(leg), 1, RAY)
        units[leg.asset] = units.get(leg.asset, 0) + events * ceiled
    return units


def _lent(holdings: Holdings) -> dict[tuple[bool, str, Asset], Leg]:
    return {
        (leg.kind is LegKind.OWED, leg.venue, leg.asset): leg
        for leg in holdings.legs
        if leg.kind is not LegKind.IDLE
    }


def _touched(fact: Fact) -> tuple[Asset, ...]:
    """Return the assets whose lent legs `fact` may have changed, once for each act."""
    match fact:
        case LendingFact(asset) | FlowFact(asset):
            return (asset,)
        case LiquidationFact(debt=debt, collateral=collateral):
            return (debt, collateral, collateral)  # the venue's fee moves by itself
        case SwapFact() | GasFact() | StakingFact():
            return ()
        case _:
            assert_never(fact)


def _told(fact: Fact) -> tuple[tuple[Asset, int], ...]:
    """Return what `fact` added to the position, raw by asset; negative is taken away."""
    match fact:
        case SwapFact(sell, sold, buy, bought):
            return (buy, bought), (sell, -sold)
        case FlowFact(asset, raw):
            return ((asset, raw),)
        case LiquidationFact(debt, cleared, collateral, seized):
            return (debt, cleared), (collateral, -seized)
        case GasFact() | LendingFact() | StakingFact():
            return ()
        case _:
            assert_never(fact)


def _growth(before: Holdings, after: Holdings, leg: Leg) -> int:
    """Return what index growth added to `leg` of `before`, raw x RAY; below zero if it is owed."""
    grown = leg.held * (after.index(leg) - before.index(leg))
    return -grown if leg.kind is LegKind.OWED else grown


def _price(before: Holdings, after: Holdings, others: Fraction) -> int:
    """Return what prices did to what was held before, less what of it is `others`' doing."""
    gain, scale = 0, before.scale * after.scale
    for leg, raw in zip(before.legs, before.amounts, strict=True):
        was, is_now = before.worth(leg.asset), after.worth(leg.asset)
        gain += raw * (is_now * before.scale - was * after.scale)
    return round(Fraction(gain, scale) - others) if others else nearest(gain, scale)


def _staking(before: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    """Return the part of the price line that staking earned; none in the token's own terms."""
    gain = _NOTHING
    for fact in facts:
        if isinstance(fact, StakingFact) and fact.asset != before.share_class:
            growth = Fraction(fact.rate_after, fact.rate_before) - 1
            pairs = zip(before.legs, before.amounts, strict=True)
            held = sum(raw for leg, raw in pairs if leg.asset == fact.asset)
            gain += Fraction(held * before.worth(fact.asset), before.scale) * growth
    return gain


def _interest(before: Holdings, after: Holdings, kind: LegKind) -> int:
    gained = 0
    for leg in before.legs:
        if leg.kind is kind:
            gained += _growth(before, after, leg) * after.worth(leg.asset)
    return nearest(gained, RAY * after.scale)


def _swap_fees(after: Holdings, facts: tuple[Fact, ...]) -> int:
    fees = [fact.fee * after.worth(fact.sell) for fact in facts if isinstance(fact, SwapFact)]
    return nearest(sum(fees), after.scale)


def _price_impact(after: Holdings, facts: tuple[Fact, ...]) -> int:
    losses = [
        (fact.sold - fact.fee) * after.worth(fact.sell) - fact.bought * after.worth(fact.buy)
        for fact in facts
        if isinstance(fact, SwapFact)
    ]
    return nearest(sum(losses), after.scale)


def _liquidation_loss(after: Holdings, facts: tuple[Fact, ...]) -> int:
    losses = [_lost(after, fact) for fact in facts if isinstance(fact, LiquidationFact)]
    return nearest(sum(losses), BPS * after.scale)


def _lost(after: Holdings, fact: LiquidationFact) -> int:
    """Return what a liquidation cost, in BPS of the worth of raw units."""
    if fact.bonus is None:
        return BPS * _taken(after, fact)
    return fact.cleared * after.worth(fact.debt) * fact.bonus


def _taken(after: Holdings, fact: LiquidationFact) -> int:
    return fact.seized * after.worth(fact.collateral) - fact.cleared * after.worth(fact.debt)


def _sold_at_another_price(after: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    """Return what is gone at the prices after and was no loss at those of the liquidations."""
    rest = [
        BPS * _taken(after, fact) - _lost(after, fact)
        for fact in facts
        if isinstance(fact, LiquidationFact)
    ]
    return Fraction(sum(rest), BPS * after.scale) if rest else _NOTHING


def _gas(after: Holdings, facts: tuple[Fact, ...]) -> int:
    spent = sum([fact.wei * fact.native_price for fact in facts if isinstance(fact, GasFact)])
    share_class = after.share_class
    return nearest(spent * share_class.unit, _WEI * after.prices[share_class])
