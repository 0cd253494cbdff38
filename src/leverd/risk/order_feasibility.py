"""Whether orders can do what they are for: judged at the leverage that agents aim at.

For one collateral and one debt at leverage L and liquidation threshold t, health is
h = t L / (L - 1). A long is liquidated where its price has fallen to 1 / h of what it is, a
short where it has risen to h times; a stop must come before, by what the price can move
within a look and its delay (the gap). Each refusal says the nearest setting that passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from fractions import Fraction
from typing import Final

from leverd.domain.orders import Of, Orders, Stop, Trailing
from leverd.domain.side import Side, health_left
from leverd.interfaces.agent import Envelope
from leverd.risk.findings import Check, Finding, Findings, Watch, found

_CARE: Final = Decimal("0.001")
"""How far inside a bound the nearest passing share lies."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What orders are judged against."""

    side: Side
    threshold: Decimal  # liquidation threshold
    price: Decimal | None  # of the volatile asset in the currency of orders, None if unknown
    now: int | None  # chain time, None if unknown
    is_begun: bool  # open, or closed by an order until resume: the price may have passed orders


def judge_orders(orders: Orders, envelope: Envelope | None, scene: Scene, watch: Watch) -> Findings:
    """Return every finding on `orders`. Without an envelope nothing is known of leverage."""
    judged = [*_sides(orders, scene), *_deadline(orders, scene)]
    if envelope is not None and envelope.leverage_target > 1:
        case = _Case(envelope, scene, watch.move(scene.side))
        judged += [*_stop(orders.stop, case), *_trailing(orders.trailing, case)]
    return Findings(tuple(judged))


@dataclass(frozen=True, slots=True)
class _Case:
    envelope: Envelope
    scene: Scene
    move: Decimal  # adverse move within a look and its delay

    @property
    def kept(self) -> Decimal:
        """What share of health that move leaves."""
        left = health_left(self.scene.side, Fraction(self.move))
        return Decimal(left.numerator) / left.denominator

    def health_at(self, leverage: Decimal) -> Decimal:
        return self.scene.threshold * leverage / (leverage - 1)

    @property
    def reach(self) -> Decimal:
        """The price, as a multiple of what it is, at which a stop comes just in time."""
        health = self.health_at(self.envelope.leverage_target)
        if self.scene.side is Side.SHORT:
            return health * self.kept
        return 1 / (health * self.kept)

    @property
    def loss_max(self) -> Decimal:
        """The loss of equity at that price, as a fraction."""
        leverage = self.envelope.leverage_target
        if self.scene.side is Side.SHORT:
            return (leverage - 1) * (self.reach - 1)
        return leverage * (1 - self.reach)


def _sides(orders: Orders, scene: Scene) -> Iterator[Finding]:
    """Judge on which side of the price orders lie; one that is open may have passed them."""
    price = scene.price
    if price is None or scene.is_begun:
        return
    short = scene.side is Side.SHORT
    for target in orders.targets:
        if target.of is Of.PRICE:
            passes = target.at < price if short else target.at > price
            yield found(
                Check.TAKE_PROFIT,
                f"{target.name} of a {scene.side}, the price is {price:.2f}",
                passes=passes,
                nearest=f"set its price {'below' if short else 'above'} {price:.2f}",
            )
    if orders.stop is not None and orders.stop.of is Of.PRICE:
        passes = orders.stop.at > price if short else orders.stop.at < price
        yield found(
            Check.STOP_SIDE,
            f"{orders.stop.name} of a {scene.side}, the price is {price:.2f}",
            passes=passes,
            nearest=f"set its price {'above' if short else 'below'} {price:.2f}",
        )


def _deadline(orders: Orders, scene: Scene) -> Iterator[Finding]:
    if orders.deadline is None or scene.now is None or scene.is_begun:
        return
    yield found(
        Check.DEADLINE,
        f"the deadline is {_time(orders.deadline)}, it is {_time(scene.now)} on the chain",
        passes=orders.deadline > scene.now,
        nearest=f"set deadline: after {_time(scene.now)}",
    )


def _stop(stop: Stop | None, case: _Case) -> Iterator[Finding]:
    if stop is None:
        return
    match stop.of:
        case Of.PRICE:
            yield from _price_stop(stop, case)
        case Of.EQUITY:
            most = case.loss_max
            yield found(
                Check.STOP_LOSS,
                f"{stop.name}: {_reach(case)}, where {_percent(most)} is lost",
                passes=stop.at <= most,
                nearest=f"set equity_loss: {_inside(most)}",
            )
        case _:
            yield from _health_stop(stop.at, case)


def _price_stop(stop: Stop, case: _Case) -> Iterator[Finding]:
    price = case.scene.price
    if price is None:
        return
    last, short = price * case.reach, case.scene.side is Side.SHORT
    nearest = _cents(last, up=not short)
    yield found(
        Check.STOP_LOSS,
        f"{stop.name}: {_reach(case)}, which is {nearest}",
        passes=stop.at <= last if short else stop.at >= last,
        nearest=f"set price: {nearest}, or a lower target",
    )


def _health_stop(at: Decimal, case: _Case) -> Iterator[Finding]:
    least, drifts = 1 / case.kept, case.health_at(case.envelope.band_high)
    yield found(
        Check.STOP_LOSS,
        f"stop_loss at health {at}: a move of {_percent(case.move)} within a look and its delay "
        f"takes it to {at * case.kept:.3f}",
        passes=at >= least,
        nearest=f"set health: {least.quantize(_CARE, ROUND_UP)}",
    )
    yield found(
        Check.STOP_SIDE,
        f"stop_loss at health {at}: the band lets health drift to {drifts:.3f}",
        passes=at < drifts,
        nearest=f"set health: {(drifts - _CARE).quantize(_CARE, ROUND_DOWN)}",
    )


def _trailing(trailing: Trailing | None, case: _Case) -> Iterator[Finding]:
    if trailing is None:
        return
    if trailing.of is Of.HEALTH:
        yield from _trailing_health(trailing, case)
        return
    moves = case.loss_max if trailing.of is Of.EQUITY else abs(case.reach - 1)
    yield found(
        Check.TRAILING_STOP,
        f"{trailing.name}: {_reach(case)}, {_percent(moves)} away",
        passes=trailing.drop <= moves,
        nearest=f"set drop: {_inside(moves)}",
    )


def _trailing_health(trailing: Trailing, case: _Case) -> Iterator[Finding]:
    wish = case.envelope
    low = max(wish.band_low, Decimal("1.01"))
    own = 1 - case.health_at(wish.band_high) / case.health_at(low)
    yield found(
        Check.TRAILING_STOP,
        f"{trailing.name}: the band {wish.band_low}-{wish.band_high} moves health by "
        f"{_percent(own)} of itself",
        passes=trailing.drop > own,
        nearest=f"set drop: {(own + _CARE).quantize(_CARE, ROUND_UP)}, or a narrower band",
    )


def _reach(case: _Case) -> str:
    way = "below" if case.scene.side is Side.LONG else "above"
    return (
        f"at {case.envelope.leverage_target}x a gap of {_percent(case.move)} liquidates {way} "
        f"{case.reach:.4f} of the present price"
    )


def _inside(share: Decimal) -> Decimal:
    return max(share - _CARE, Decimal(0)).quantize(_CARE, ROUND_DOWN)


def _cents(price: Decimal, *, up: bool) -> Decimal:
    places = Decimal("0.01") if price >= 1 else Decimal("0.000001")
    return price.quantize(places, ROUND_UP if up else ROUND_DOWN)


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _percent(ratio: Decimal) -> str:
    return f"{ratio * 100:.2f} %"
