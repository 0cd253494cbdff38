"""What is held, owed to nobody and under way on one market of an order book: a fold of events.

Whole 1e-18s of base and quote; what we have is rounded down and what it cost is rounded up, so
that no sum of roundings is ever a profit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from leverd.domain.changed import changed
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotDecided,
    SpotEvent,
    SpotMarked,
    SpotOpened,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
    SpotWrittenOff,
)
from leverd.domain.spot_home import SpotHome

SPOT: Final = "spot"
"""The position id of all that is traded on an order book: what requests and journal call it."""

BUY: Final = "buy"
LOST: Final = "lost"
PORTFOLIO_STOP: Final = "portfolio_stop"
PLACE: Final = "place"
CANCEL: Final = "cancel"

_UNSPENT: Final = frozenset({"never", "unsigned"})
"""Standings of what no block ever held; after any other the sequence number is gone."""

_NOWHERE: Final = SpotHome()
_DAY_S: Final = 86_400
_WAITS_MAX: Final = 6
"""Doublings of the second that is waited after an order that traded nothing."""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order of which not everything is known yet."""

    planned: SpotOrderPlanned
    placed: SpotAttemptSigned | None = None  # None: nothing was signed that anybody saw
    cancel: SpotAttemptSigned | None = None  # the newest
    planned_at: int = 0  # chain time


@dataclass(frozen=True, slots=True)
class Spot:
    """Everything remembered of one market."""

    base: int = 0
    cost: int = 0  # quote paid for that base, fees in it
    realised: int = 0  # quote gained or lost by all that was sold, fees in it
    fees: int = 0  # quote paid for all trades; below nothing it was paid to us
    entries: int = 0  # purchases that stand
    entered_at: int = 0  # chain time of the first of them
    trades_on: tuple[int, int] = (0, 0)  # UTC day of chain time, orders signed on it
    traded_at: int = 0  # chain time at which an order last filled
    fruitless: int = 0  # orders in a row that traded nothing
    tried_at: int = 0  # chain time of the end of the last of them
    order: OpenOrder | None = None
    home: SpotHome = _NOWHERE  # where all of this is
    since: int = 0  # chain time from when on it is counted there
    slots: int = 0  # the first sequence number that no order of ours is known to have spent
    peak: int | None = None  # highest profit, None before the first mark and after a stop
    decided: SpotDecided | None = None
    marked: SpotMarked | None = None
    stops: tuple[SpotStopped, ...] = ()  # until the owner's resume; at most one of each reason

    @property
    def account(self) -> str:
        """Whose the last order was, and so what is held; "" for nobody's."""
        return self.home.account

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held or in flight, and so nothing tied to its home."""
        return not self.base and self.order is None

    @property
    def stopped(self) -> SpotStopped | None:
        """What holds it back most: a lost order, after which nothing is even sold."""
        return self.stop(LOST) or next(iter(self.stops), None)

    def stop(self, why: str) -> SpotStopped | None:
        """Return the stop for that reason, None if there is none."""
        return next((each for each in self.stops if each.why == why), None)

    @property
    def average(self) -> int:
        """Quote paid per base held, fees in it, rounded up; 0 where nothing is held."""
        return mul_div_up(self.cost, WAD, self.base) if self.base else 0

    def trades_today(self, now: int) -> int:
        """Return the orders signed on the UTC day of `now`."""
        day, count = self.trades_on
        return count if day == now // _DAY_S else 0

    def may_try_at(self) -> int:
        """Return from when on to try again: what traded nothing is not tried each block."""
        if not self.fruitless:
            return 0
        return self.tried_at + int(2 ** min(self.fruitless, _WAITS_MAX))

    def profit(self, bid: int, fee: int) -> int:
        """Return what was gained, the rest sold at `bid` for the taker's `fee`; 1e-18s."""
        worth = mul_div_down(self.base, bid, WAD)
        return self.realised + worth - mul_div_up(worth, fee, WAD) - self.cost


def fold_spot(spot: Spot, event: SpotEvent, chain_at: int) -> Spot:
    """Return `spot` after `event`, which happened at chain time `chain_at`."""
    match event:
        case SpotDecided():
            return changed(spot, decided=event)
        case SpotOpened():
            home = SpotHome(event.account, event.market_id, event.chain_id, event.subaccount)
            return at_home(spot, home, chain_at)
        case SpotOrderPlanned():
            # Older journals tell of no opening: their orders do, as far as they can.
            spot = at_home(spot, SpotHome(event.account, event.market_id), chain_at)
            return changed(spot, order=OpenOrder(event, planned_at=chain_at))
        case SpotAttemptSigned():
            return _signed(spot, event, chain_at)
        case SpotAttemptSent():
            return spot
        case SpotOrderSettled():
            return _settled(spot, event, chain_at)
        case SpotWrittenOff():
            return _written_off(spot)
        case SpotMarked():
            return changed(spot, marked=event, peak=event.peak)
        case SpotStopped():
            others = tuple(each for each in spot.stops if each.why != event.why)
            return changed(spot, stops=(*others, event))
        case _:
            assert_never(event)


def resumed(spot: Spot) -> Spot:
    """Return `spot` after the owner's resume: after a stop the peak is looked for anew."""
    return changed(spot, stops=(), peak=None) if spot.stops else spot


def at_home(spot: Spot, home: SpotHome, chain_at: int) -> Spot:
    """Return `spot` as it is counted at `home`: from nothing, where that is another one.

    A stop is kept until the owner's resume, unless it was on paper and this is not, or the reverse.
    """
    was = spot.home
    is_known = home.account == was.account and home.chain_id in {was.chain_id, ""}
    if not home.differs(was):
        told = changed(home, chain_id=was.chain_id, subaccount=was.subaccount)
        return changed(spot, home=told if is_known else home)
    if not spot.is_flat:  # an older leverd had what was held go along
        return changed(spot, home=home)
    return Spot(
        home=home,
        since=chain_at,
        slots=spot.slots if is_known else 0,
        stops=spot.stops if home.is_paper == was.is_paper else (),
    )


def _signed(spot: Spot, event: SpotAttemptSigned, chain_at: int) -> Spot:
    if spot.order is None:  # of no order that is known
        return spot
    if event.purpose == CANCEL:
        return changed(spot, order=changed(spot.order, cancel=event))
    today = (chain_at // _DAY_S, spot.trades_today(chain_at) + 1)
    return changed(spot, order=changed(spot.order, placed=event), trades_on=today)


def _settled(spot: Spot, event: SpotOrderSettled, chain_at: int) -> Spot:
    order = spot.order
    if order is None:  # as above
        return spot
    spot = changed(spot, order=None, slots=max(spot.slots, _spent(order, event)))
    if not event.filled:
        return changed(spot, fruitless=spot.fruitless + 1, tried_at=chain_at)
    spot = changed(spot, fruitless=0, traded_at=chain_at, fees=spot.fees + event.fee)
    if order.planned.side == BUY:
        return _bought(spot, order.planned, event, chain_at)
    return _sold(spot, event)


def _spent(order: OpenOrder, event: SpotOrderSettled) -> int:
    """Return the sequence number after the one that is spent; a cancel's own may never be."""
    if order.placed is None or event.standing in _UNSPENT:
        return 0
    return order.placed.slot + 1


def _bought(spot: Spot, planned: SpotOrderPlanned, event: SpotOrderSettled, chain_at: int) -> Spot:
    first = planned.opens or not spot.entries
    return changed(
        spot,
        base=spot.base + event.filled,
        cost=spot.cost + event.notional + event.fee,
        entries=1 if first else spot.entries + 1,
        entered_at=chain_at if first else spot.entered_at,
    )


def _written_off(spot: Spot) -> Spot:
    lost = changed(spot, realised=spot.realised - spot.cost, base=0, cost=0)
    return changed(lost, entries=0, entered_at=0)


def _sold(spot: Spot, event: SpotOrderSettled) -> Spot:
    sold = min(event.filled, spot.base)
    cost = mul_div_up(spot.cost, sold, spot.base) if spot.base else 0
    left = spot.base - sold
    return changed(
        spot,
        base=left,
        cost=spot.cost - cost,
        realised=spot.realised + event.notional - event.fee - cost,
        entries=spot.entries if left else 0,
        entered_at=spot.entered_at if left else 0,
    )
