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

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from fractions import Fraction
from math import ceil
from typing import Final, assert_never

from leverd.domain.fixed_point import RAY
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
from leverd.domain.position import LegKind
from leverd.domain.state import State
from leverd.errors import ImpossibleError

UNEXPLAINED: Final = 31
"""Number of the `ImpossibleError` for a change that no fact tells."""

_WEI: Final = 10**18  # per whole native token
_HALVES: Final = 4  # eight figures, each rounded to the nearest unit


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
        return sum(astuple(self))

    @property
    def lines(self) -> dict[str, int]:
        """The lines by name, as the journal keeps them."""
        return asdict(self)

    def __add__(self, other: Attribution) -> Attribution:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Attribution(*(mine + theirs for mine, theirs in pairs))


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
    if untold := unexplained(before, after, facts):
        amounts = ", ".join(f"{flow.raw} {flow.asset.symbol}" for flow in untold)
        raise ImpossibleError(f"nobody told of {amounts}", number=UNEXPLAINED)
    staking = _staking(before, facts)
    lines = Attribution(
        price=round(_price(before, after) - staking),
        supply_interest=round(_interest(before, after, LegKind.SUPPLIED)),
        borrow_interest=round(_interest(before, after, LegKind.OWED)),
        staking=round(staking),
        swap_fees=-round(_swap_fees(after, facts)),
        price_impact=-round(_price_impact(after, facts)),
        liquidation=-round(_liquidation_loss(after, facts)),
    )
    rounding = after.equity - before.equity - flow_value(after, facts) - lines.total
    if abs(rounding) > rounding_limit(before, after, facts):
        raise ImpossibleError(f"{rounding} is too much for rounding", number=UNEXPLAINED)
    return lines + Attribution(gas=-round(_gas(after, facts)), rounding=rounding)


def flow_value(after: Holdings, facts: Iterable[Fact]) -> int:
    """Return the value of all flows at the prices after, raw units of the share class."""
    flows = (fact.raw * after.rate(fact.asset) for fact in facts if isinstance(fact, FlowFact))
    return round(sum(flows, Fraction(0)))


def unexplained(before: Holdings, after: Holdings, facts: Iterable[Fact]) -> tuple[FlowFact, ...]:
    """Return the flows that must have happened besides `facts` for the balances to be true.

    Empty when interest, facts and one unit of rounding per leg and event explain them all.
    """
    facts = tuple(facts)
    limits = _units(before, after, facts)
    rest = _net(after)
    rest.subtract(_net(before))
    for fact in facts:
        rest.subtract(_told(fact))
    untold = []
    for asset in sorted(rest):
        if asset in after.prices:
            raw = rest[asset] - _interest_raw(before, after, asset)
            if abs(raw) > limits[asset]:
                untold.append(FlowFact(asset, round(raw)))
    return tuple(untold)


def rounding_limit(before: Holdings, after: Holdings, facts: Iterable[Fact]) -> int:
    """Return the most that may be rounding, raw units of the share class.

    One unit of a lent asset for each of its legs and events, one of the share class for
    each leg valued, and a half for each line.
    """
    units = _units(before, after, tuple(facts))
    lent = sum((count * after.rate(asset) for asset, count in units.items()), Fraction(0))
    return ceil(lent) + len(before.legs) + len(after.legs) + _HALVES


def _units(before: Holdings, after: Holdings, facts: tuple[Fact, ...]) -> Counter[Asset]:
    """Return by asset how many raw units its lent legs may lose or gain by rounding.

    A scaled unit is worth `index` raw ones, and accrual is an event like any act.
    """
    acts = Counter(asset for fact in facts for asset in _touched(fact))
    held_before = {(leg.kind, leg.venue, leg.asset): leg for leg in before.legs}
    held_after = {(leg.kind, leg.venue, leg.asset): leg for leg in after.legs}
    units: Counter[Asset] = Counter()
    for key, leg in {**held_before, **held_after}.items():
        if leg.kind is not LegKind.IDLE:
            changed = held_before.get(key) != held_after.get(key)
            events = 1 + max(acts[leg.asset], int(changed))
            units[leg.asset] += events * ceil(Fraction(after.index(leg), RAY))
    return units


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


def _told(fact: Fact) -> Counter[Asset]:
    """Return what `fact` added to the position, raw by asset; negative is taken away."""
    told: Counter[Asset] = Counter()
    match fact:
        case SwapFact(sell, sold, buy, bought):
            told[buy] += bought
            told[sell] -= sold
        case FlowFact(asset, raw):
            told[asset] += raw
        case LiquidationFact(debt, cleared, collateral, seized):
            told[debt] += cleared
            told[collateral] -= seized
        case GasFact() | LendingFact() | StakingFact():
            pass
        case _:
            assert_never(fact)
    return told


def _net(holdings: Holdings) -> Counter[Asset]:
    net: Counter[Asset] = Counter()
    for leg in holdings.legs:
        net[leg.asset] += holdings.owned(leg)
    return net


def _price(before: Holdings, after: Holdings) -> Fraction:
    gains = (
        before.owned(leg) * (after.rate(leg.asset) - before.rate(leg.asset)) for leg in before.legs
    )
    return sum(gains, Fraction(0))


def _staking(before: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    """Return the part of the price line that staking earned; none in the token's own terms."""
    net, gain = _net(before), Fraction(0)
    for fact in facts:
        if isinstance(fact, StakingFact) and fact.asset != before.share_class:
            growth = Fraction(fact.rate_after, fact.rate_before) - 1
            gain += net[fact.asset] * before.rate(fact.asset) * growth
    return gain


def _interest(before: Holdings, after: Holdings, kind: LegKind) -> Fraction:
    assets = {leg.asset for leg in before.legs if leg.kind is kind}
    gains = (_interest_raw(before, after, asset, kind) * after.rate(asset) for asset in assets)
    return sum(gains, Fraction(0))


def _interest_raw(
    before: Holdings, after: Holdings, asset: Asset, kind: LegKind | None = None
) -> Fraction:
    """Return what index growth added to the legs of `asset` (of one `kind`), raw."""
    gained = Fraction(0)
    for leg in before.legs:
        if leg.asset == asset and kind in (None, leg.kind):
            grown = Fraction(leg.held * (after.index(leg) - before.index(leg)), RAY)
            gained += -grown if leg.kind is LegKind.OWED else grown
    return gained


def _swap_fees(after: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    fees = (fact.fee * after.rate(fact.sell) for fact in facts if isinstance(fact, SwapFact))
    return sum(fees, Fraction(0))


def _price_impact(after: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    losses = (
        (fact.sold - fact.fee) * after.rate(fact.sell) - fact.bought * after.rate(fact.buy)
        for fact in facts
        if isinstance(fact, SwapFact)
    )
    return sum(losses, Fraction(0))


def _liquidation_loss(after: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    losses = (
        fact.seized * after.rate(fact.collateral) - fact.cleared * after.rate(fact.debt)
        for fact in facts
        if isinstance(fact, LiquidationFact)
    )
    return sum(losses, Fraction(0))


def _gas(after: Holdings, facts: tuple[Fact, ...]) -> Fraction:
    spent = sum(fact.wei * fact.native_price for fact in facts if isinstance(fact, GasFact))
    return after.of_usd(Fraction(spent, _WEI))
