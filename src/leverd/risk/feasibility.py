"""Whether a market lets settings be kept: form is fine, but does it work?

Judges what an agent may ask for (its envelope) and the limits against a market's facts.
Each finding has its number and the nearest setting that would pass; docs/risk.md has the
formulas. Refusing everything is no way out: what passes says by how much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from fractions import Fraction
from typing import Final

from leverd.domain import side
from leverd.domain.side import Side
from leverd.interfaces.agent import Envelope
from leverd.risk.band_cost import Band, Drag, drag, widened
from leverd.risk.findings import Check, Finding, Findings, Watch, found
from leverd.risk.limits import Limits
from leverd.risk.market_facts import MarketFacts

__all__ = ["Check", "Finding", "Findings", "Watch", "judge"]

_CENT: Final = Decimal("0.01")
_CARE: Final = Decimal("0.001")


def judge(
    envelope: Envelope, limits: Limits, facts: MarketFacts, watch: Watch, trigger: Decimal
) -> Findings:
    """Return every finding. `trigger` is the health below which the guardian deleverages."""
    if envelope.leverage_target <= 1:
        return Findings(())  # it asks for no leverage at all
    case = _Case(envelope, limits, facts, watch, trigger)
    judged = (
        *_health_findings(case),
        *_limit_findings(case),
        *_guard_findings(case),
        *_cost_findings(case),
    )
    return Findings(judged)


@dataclass(frozen=True, slots=True)
class _Case:
    envelope: Envelope
    limits: Limits
    facts: MarketFacts
    watch: Watch
    trigger: Decimal

    @property
    def floor(self) -> tuple[str, Decimal]:
        """The health floor that binds, and the setting it comes from."""
        own, signed = self.envelope.health_floor, self.limits.health_min
        return ("health_floor", own) if own >= signed else ("limits.health_min", signed)

    def health_at(self, leverage: Decimal) -> Decimal:
        return self.facts.threshold * leverage / (leverage - 1)

    def highest_at(self, health: Decimal) -> Decimal:
        """Return the highest leverage with health at least `health` (above 1)."""
        return health / (health - self.facts.threshold)

    @property
    def survives(self) -> Decimal:
        """The highest leverage with health at least 1 after the shock."""
        return 1 / (1 - self.facts.threshold * self.left_after(-self.limits.shock))

    @property
    def move(self) -> Decimal:
        """The move against the position, within a look and its delay, that must not liquidate."""
        return self.watch.move(self.facts.side)

    @property
    def between_steps(self) -> Decimal:
        """The move against the position between two steps that must not liquidate."""
        return self.watch.move_between_steps(self.facts.side)

    def left_after(self, move: Decimal) -> Decimal:
        """Return what share of health a move against the position leaves."""
        left = side.health_left(self.facts.side, Fraction(move))
        return Decimal(left.numerator) / left.denominator

    @property
    def hurts(self) -> str:
        """What a move against the position is called."""
        return "rise" if self.facts.side is Side.SHORT else "fall"


def _health_findings(case: _Case) -> Iterator[Finding]:
    (name, floor), facts, wish = case.floor, case.facts, case.envelope
    target, highest = wish.leverage_target, case.highest_at(floor)
    asked = f"{target}x with health >= {floor} on threshold {facts.threshold}"
    passes, top = target <= highest, f"highest is {highest:.3f}x"
    yield found(
        Check.HEALTH_FLOOR,
        f"{asked}: {top}" if passes else f"{asked} is impossible: {top}",
        passes=passes,
        nearest=f"set target: {_down(highest)} or {name}: {_down(case.health_at(target))}",
    )
    yield found(
        Check.BAND_TOP,
        f"the band lets leverage drift to {wish.band_high}x, {top}",
        passes=wish.band_high <= highest,
        nearest=f"set repay_above: {_down(highest)}",
    )
    most = 1 / (1 - facts.ltv)
    yield found(
        Check.LTV,
        f"loan-to-value {facts.ltv} lets borrow up to {most:.3f}x, target is {target}x",
        passes=target < most,
        nearest=f"set target: {_down(most - _CARE)}",
    )


def _limit_findings(case: _Case) -> Iterator[Finding]:
    limits, facts, wish = case.limits, case.facts, case.envelope
    target = wish.leverage_target
    yield found(
        Check.LEVERAGE_MAX,
        f"target {target}x, limits.leverage_max is {limits.leverage_max}x",
        passes=target <= limits.leverage_max,
        nearest=f"set target: {limits.leverage_max}",
    )
    after = case.health_at(target) * case.left_after(-limits.shock)
    yield found(
        Check.SHOCK,
        f"a move of {_percent(_felt(case))} at {target}x leaves health {_down(after, 3)}",
        passes=target <= case.survives,
        nearest=f"set target: {_down(case.survives)}",
    )
    yield _room(case)
    if facts.equity_usd:
        size, most = facts.equity_usd * target, limits.position_usd_max / facts.equity_usd
        yield found(
            Check.POSITION_SIZE,
            f"{facts.equity_usd:.2f} USD at {target}x is {size:.2f} USD of exposure, "
            f"limits.position_usd_max is {limits.position_usd_max}",
            passes=target <= most,
            nearest=f"set target: {_down(most)} or hold less",
        )


def _room(case: _Case) -> Finding:
    """Say where boosts really end: the worst fill must still be within every limit."""
    limits, wish = case.limits, case.envelope
    most = min(limits.leverage_max, case.survives, case.highest_at(limits.health_min)) - 1
    ends = 1 + most / (1 + limits.slippage_max * most)
    return found(
        Check.SLIPPAGE_ROOM,
        f"at slippage {limits.slippage_max} limits let a purchase aim at {_down(ends, 3)}x",
        passes=ends >= wish.band_low,
        nearest=f"set boost_below: {_down(ends)}",
    )


def _guard_findings(case: _Case) -> Iterator[Finding]:
    watch, target = case.watch, case.envelope.leverage_target
    acts, move = max(case.trigger, case.limits.health_min), case.move
    kept, hurts = case.left_after(move), f"{case.hurts} of {_percent(move)}"
    at_target, needed = case.health_at(target), 1 / kept
    after, reach = at_target * kept, case.highest_at(acts / kept)
    ways = [f"target: {_down(reach)}"]
    if case.limits.health_min <= after and needed <= after:
        ways.append(f"guardian.deleverage_below: {_down(after)}")
    yield found(
        Check.TRIGGER,
        f"health at {target}x is {_down(at_target, 3)}, after a {hurts} "
        f"{_down(after, 3)}; leverage is lowered below {_down(acts, 3)}",
        passes=after >= acts,
        nearest=f"set {' or '.join(ways)}",
    )
    left, within = acts * kept, watch.look_s + watch.delay_s
    yield found(
        Check.GAP,
        f"a {hurts} within {within} s (look {watch.look_s} + inclusion "
        f"{watch.delay_s}) leaves health {_down(left, 3)} of {_down(acts, 3)}",
        passes=left >= 1,
        nearest=f"set guardian.deleverage_below: {_up(needed)}, or look sooner",
    )
    if not case.facts.atomic:
        yield _step_gap(case, acts)


def _step_gap(case: _Case, acts: Decimal) -> Finding:
    """Judge the lowest health that single steps pass through on their way down from `acts`.

    A withdrawal may use half of the room above 1, and goes no lower than `health_step_min`.
    """
    limits, half, move = case.limits, 1 + (acts - 1) / 2, case.between_steps
    lowest = min(limits.health_step_min, half)
    left, needed = lowest * case.left_after(move), 1 / case.left_after(move)
    ways = []
    if limits.health_step_min < needed:
        ways.append(f"limits.health_step_min: {_up(needed)}")
        if limits.health_min <= _up(needed):
            ways.append(f"limits.health_min: {_up(needed) + _CENT}")
    if half < needed:
        ways.append(f"guardian.deleverage_below: {_up(2 * needed - 1)}")
    return found(
        Check.STEP_GAP,
        f"in single steps health stands at {_down(lowest, 3)} between a withdrawal and its "
        f"repayment; a {case.hurts} of {_percent(move)} within these {case.watch.steps_s} s "
        f"leaves {_down(left, 3)}",
        passes=left >= 1,
        nearest=f"set {' and '.join(ways)}, or use an account that acts in one transaction",
    )


def _cost_findings(case: _Case) -> Iterator[Finding]:
    wish, facts, limits = case.envelope, case.facts, case.limits
    band = Band(wish.band_low, wish.leverage_target, wish.band_high)
    cost = drag(band, facts, wait_s=wish.wait_s_min, equity_usd=facts.equity_usd)
    passes = cost.total <= limits.drag_max
    yield found(
        Check.DRAG,
        f"the band {wish.band_low}-{wish.band_high} round {wish.leverage_target} costs "
        f"{_percent(cost.total)} of equity a year ({cost.rebalances:.0f} rebalances, swaps "
        f"{_percent(cost.swaps)}, gas {_percent(cost.gas)}), "
        f"limits.drag_max is {_percent(limits.drag_max)}",
        passes=passes,
        nearest="" if passes else _wider(case, band),
    )
    room = limits.cost_share_max - facts.swap_fee
    yield found(
        Check.COST_SHARE,
        f"the pool's fee is {_percent(facts.swap_fee)} of a rebalance, "
        f"limits.cost_share_max is {_percent(limits.cost_share_max)}",
        passes=room > 0,
        nearest=f"set limits.cost_share_max: {facts.swap_fee * 2}",
    )
    if room > 0 and cost.moved:
        yield _smallest(case, cost, room)


def _smallest(case: _Case, cost: Drag, room: Decimal) -> Finding:
    """Judge equity against the least that lets a usual rebalance pay for its gas."""
    facts = case.facts
    least, known = facts.gas_usd / (cost.moved * room), facts.equity_usd
    message = (
        f"the smallest position worth its gas is {least:.2f} USD of equity "
        f"(gas {facts.gas_usd:.2f} USD a rebalance)"
    )
    return found(
        Check.SMALLEST_POSITION,
        f"{message}, this one has {known:.2f} USD" if known else message,
        passes=not known or known >= least,
        nearest=f"deposit {least - known:.2f} USD more or widen the band",
    )


def _felt(case: _Case) -> Decimal:
    """Return the shock as the price makes it: up for a short."""
    return -case.limits.shock if case.facts.side is Side.SHORT else case.limits.shock


def _wider(case: _Case, band: Band) -> str:
    wish, facts, most = case.envelope, case.facts, case.limits.drag_max
    found = widened(band, facts, most, wait_s=wish.wait_s_min, equity_usd=facts.equity_usd)
    if found is None:
        return "no band is wide enough: hold more, or accept a higher limits.drag_max"
    return f"set boost_below: {_down(found.low)} and repay_above: {_up(found.high)}"


def _down(number: Decimal, places: int = 2) -> Decimal:
    return number.quantize(_CENT.scaleb(2 - places), ROUND_DOWN)


def _up(number: Decimal) -> Decimal:
    return number.quantize(_CENT, ROUND_UP)


def _percent(ratio: Decimal) -> str:
    return f"{ratio * 100:.2f} %"
