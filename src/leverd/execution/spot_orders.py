"""Orders on a book, from the gate's yes to what became of them: one at a time, each sent once.

The order of every step is what keeps it safe: what is planned is journaled, then signed; what is
signed is journaled, then sent; and what was sent is looked at until the venue can say what became
of it. Nothing is ever sent again: a payload that was not included dies at its block, and whether
to try anew is decided from a new view. After a restart the journal says what to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, assert_never

from loguru import logger

from leverd.domain.atto import atto, atto_down, atto_up, of_atto
from leverd.domain.events import Event
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.spot import BUY, CANCEL, LOST, PLACE, SPOT, OpenOrder, Spot
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.errors import LeverdError, RefusedError, SigningRefusedError, UnreachableError
from leverd.interfaces.journal import Journal
from leverd.interfaces.spot_agent import Enter
from leverd.interfaces.spot_rules import client_id
from leverd.interfaces.spot_venue import (
    Manner,
    Side,
    SpotAttempt,
    SpotOrder,
    SpotSighting,
    SpotVenue,
    Standing,
)
from leverd.risk.spot_gate import ApprovedOrder

_BEHIND: Final = 94
_UNSIGNED: Final = "unsigned"
_LOST_S: Final = 600
"""Chain seconds that looks have to call an order lost before it is: indexes that begin anew are
minutes behind. Nothing is ordered meanwhile, nor afterwards, so to wait costs nothing more."""


class SpotOrders:
    """Drives one account of a venue; `spot` is what the journal says of it now."""

    def __init__(self, venue: SpotVenue, journal: Journal, spot: Callable[[], Spot]) -> None:
        self._venue, self._journal, self._spot = venue, journal, spot
        self._doubt: tuple[int, int] | None = None  # head and chain time since it seems lost

    @property
    def in_flight(self) -> bool:
        """Whether there is an order of which not everything is known."""
        return self._spot().order is not None

    async def place(self, approved: ApprovedOrder) -> None:
        """Sign and send what the gate approved, once.

        Raises:
            JournalError: it could not be made durable, and was not sent.
        """
        assert not self.in_flight, "one order at a time: the slots are in a row"
        at, planned = approved.view.now, _planned(approved, self._venue.account)
        seq = await self._journal.append(planned, chain_at=at)
        (plan, *_) = self._journal.replay(after=seq - 1)  # as a restart would find it
        cid = client_id(self._venue.account, plan, 0)
        try:
            slot = await self._slot(self._spot().slots)
            attempt = await self._venue.sign(_order(planned, cid), slot)
        except (RefusedError, SigningRefusedError, UnreachableError) as error:
            await self._unsigned(str(error), at)
            return
        await self._hand_over(attempt, PLACE, at)

    async def tend(self, chain_at: int, *, signs: bool = True) -> None:
        """Find out more of the order in flight; settle it once nothing more can become of it.

        Unless `signs`, what waits in the book is left there.

        Raises:
            UnreachableError: the venue does not answer; nothing is known anew.
            NonsenseError: what it answers cannot be true; as above.
        """
        order = self._spot().order
        if order is None:
            return
        if order.placed is None:
            await self._unsigned("nothing was signed for it", chain_at)
            return
        seen = await self._venue.look(*_sent(order, order.placed))
        if seen.standing is not Standing.LOST:
            self._doubt = None
        match seen.standing:
            case Standing.UNKNOWN:
                pass
            case Standing.OPEN if not signs:
                pass
            case Standing.OPEN:
                await self._cancel(order, order.placed, seen, chain_at)
            case Standing.CLOSED:
                await self._settle(order.placed, seen, (), chain_at, _traded(order, seen))
            case Standing.NEVER | Standing.REJECTED:
                await self._settle(order.placed, seen, (), chain_at)
            case Standing.LOST:
                await self._lose(order.placed, seen, chain_at)
            case _:
                assert_never(seen.standing)

    async def _slot(self, least: int) -> int:
        """Return the account's next sequence number, which is `least` or more.

        Raises:
            UnreachableError: no answer, or one of a node that is behind: what is signed for a
                number that is spent can never be included, and would look as if it were lost.
        """
        slot = await self._venue.slot()
        if slot < least:
            raise UnreachableError(
                f"a node that is behind: it names slot {slot}, and {least} is the first unspent",
                number=_BEHIND,
                place=self._venue.name,
                remedy="if it stays so, name a node that keeps up",
            )
        return slot

    async def _lose(self, placed: SpotAttemptSigned, seen: SpotSighting, at: int) -> None:
        """Give an order up for lost once later heads, minutes apart, show no more of it."""
        if self._doubt is None:
            self._doubt = seen.head, at
        head, since = self._doubt
        if seen.head <= head or at < since + _LOST_S:
            return
        self._doubt = None
        reason = f"slot {placed.slot} was spent, and no block is known to hold {placed.cid}"
        await self._settle(placed, seen, (SpotStopped(SPOT, LOST, reason),), at)

    async def _hand_over(self, attempt: SpotAttempt, purpose: str, at: int) -> None:
        """Journal a payload, send it, and journal what was said of it."""
        signed = SpotAttemptSigned(
            SPOT,
            attempt.cid,
            attempt.slot,
            attempt.tx_hash,
            attempt.payload.hex(),
            attempt.dead_after,
            purpose,
        )
        await self._journal.append(signed, chain_at=at)
        said = ""
        try:
            await self._venue.send(attempt.payload)
        except (RefusedError, UnreachableError) as error:
            said = str(error)  # it may be included all the same: only a look can tell
            logger.warning("{} {}: {}", purpose, attempt.cid, said)
        sent = SpotAttemptSent(SPOT, attempt.cid, attempt.tx_hash, said)
        await self._journal.append(sent, chain_at=at)

    async def _unsigned(self, reason: str, at: int) -> None:
        logger.warning("nothing was sent: {}", reason)
        ended = SpotOrderSettled(SPOT, "", _UNSIGNED, 0, 0, 0, 0, reason)
        await self._journal.append(ended, chain_at=at)

    async def _cancel(
        self, order: OpenOrder, placed: SpotAttemptSigned, seen: SpotSighting, at: int
    ) -> None:
        """Cancel what waits in the book though it should only take; once in a payload's life."""
        if order.cancel is not None and seen.head <= order.cancel.dead_after:
            return
        waiting = _order(order.planned, placed.cid)
        try:
            slot = await self._slot(max(self._spot().slots, placed.slot + 1))
            attempt = await self._venue.sign_cancel(waiting, slot)
        except LeverdError as error:
            logger.warning("{} waits in the book and is not cancelled yet: {}", placed.cid, error)
            return
        await self._hand_over(attempt, CANCEL, at)

    async def _settle(
        self,
        placed: SpotAttemptSigned,
        seen: SpotSighting,
        more: Sequence[Event],
        at: int,
        money: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        filled, notional, fee = money
        settled = SpotOrderSettled(
            SPOT,
            placed.cid,
            seen.standing.value,
            filled,
            notional,
            fee,
            seen.block,
            seen.reason,
        )
        await self._journal.append(settled, *more, chain_at=at)
        logger.info("{} is {}, {} traded", placed.cid, seen.standing, of_atto(filled))


def _planned(approved: ApprovedOrder, account: str) -> SpotOrderPlanned:
    wish, view = approved.decision.wish, approved.view
    enters = isinstance(approved.decision, Enter)
    return SpotOrderPlanned(
        SPOT,
        view.market.market_id,
        account,
        wish.side.value,
        "enter" if enters else "exit",
        atto(wish.price),
        atto(wish.quantity),
        approved.decision.reason,
        opens=enters and not view.entries,
    )


def _order(planned: SpotOrderPlanned, cid: str) -> SpotOrder:
    return SpotOrder(
        cid,
        planned.market_id,
        Side(planned.side),
        Manner.TAKE,
        of_atto(planned.price),
        of_atto(planned.quantity),
    )


def _sent(order: OpenOrder, placed: SpotAttemptSigned) -> tuple[SpotOrder, SpotAttempt]:
    attempt = SpotAttempt(
        placed.cid, placed.slot, placed.tx_hash, bytes.fromhex(placed.payload), placed.dead_after
    )
    return _order(order.planned, placed.cid), attempt


def _traded(order: OpenOrder, seen: SpotSighting) -> tuple[int, int, int]:
    """Return base, notional and fee of what traded; the money is rounded against us."""
    one = atto_up if order.planned.side == BUY else atto_down
    rounded = mul_div_up if order.planned.side == BUY else mul_div_down
    trades = [(one(each.price), atto(each.quantity)) for each in seen.fills]
    filled = sum(quantity for _, quantity in trades)
    assert filled == atto(seen.filled), "what is closed is told with all of its trades"
    notional = sum(rounded(price, quantity, WAD) for price, quantity in trades)
    return filled, notional, sum(atto_up(each.fee) for each in seen.fills)
