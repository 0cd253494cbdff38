"""What happened on an order book, in words."""

from __future__ import annotations

from typing import assert_never

from leverd.domain.atto import of_atto
from leverd.domain.reference import Heard
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


def told_spot(event: SpotEvent) -> str:
    """Return what happened, and why."""
    match event:
        case SpotDecided(agent=agent, decision=decision, reason=reason):
            worth = "".join(f"; {each}" for each in told_worth(event))
            return f"{agent}: {decision}, because {reason}{worth}"
        case SpotOpened(account=account, market_id=market_id, chain_id=chain_id):
            return f"trading market {market_id} of {chain_id} for {account}{_part(event)}"
        case SpotOrderPlanned(side=side, quantity=quantity, price=price, reason=reason):
            worst = f"{of_atto(quantity):f} at {of_atto(price):f} at worst"
            return f"to {side} {worst}, because {reason}"
        case SpotAttemptSigned(slot=slot, purpose=purpose, cid=cid, dead_after=dead_after):
            return f"slot {slot}: signed to {purpose} {cid}, dead after block {dead_after}"
        case SpotAttemptSent(cid=cid, said=said):
            return f"{cid}: sent{f', and not known to be taken: {said}' if said else ' and taken'}"
        case SpotOrderSettled():
            return _settled(event)
        case SpotWrittenOff(base=base, cost=cost, reason=reason):
            return f"{of_atto(base):f}, which cost {of_atto(cost):f}, is written off: {reason}"
        case SpotMarked(profit=profit, peak=peak, base=base):
            held = f"{of_atto(base):f} held" if base else "nothing held"
            return f"profit {of_atto(profit):.6f}, at best {of_atto(peak):.6f}, {held}"
        case SpotStopped(why=why, reason=reason):
            return f"stopped ({why.replace('_', ' ')}): {reason}"
        case _:
            assert_never(event)


def told_worth(event: SpotDecided) -> list[str]:
    """Return what other venues made of the price when it was decided, a line for each."""
    lines = [_heard(each) for each in event.heard]
    if event.fair:
        worth = f"{of_atto(event.fair):.6f} with an error of {of_atto(event.fair_error):.6f}"
        lines.insert(0, f"fair value {worth}")
    return lines


def _heard(one: Heard) -> str:
    quote = one.quote
    if one.against == "silent":
        return f"{quote.source} said nothing"
    sides = f"{of_atto(quote.bid):.6f} to {of_atto(quote.ask):.6f}"
    said = f"{quote.source} trades at {sides}, block {quote.block}"
    if one.against:
        return f"{said}, ignored: {one.against}"
    return f"{said}, with an error of {of_atto(one.error):.6f}"


def _part(event: SpotOpened) -> str:
    return f", subaccount {event.subaccount}" if event.subaccount else ""


def _settled(event: SpotOrderSettled) -> str:
    name = event.cid or "the order"
    if not event.filled:
        return f"{name} is {event.standing}, nothing traded{_because(event)}"
    told = "" if event.exact else "; nobody told its trades, the worst is reckoned"
    money = f"{of_atto(event.notional):f}, fee {of_atto(event.fee):f}"
    return f"{name} is {event.standing}: {of_atto(event.filled):f} for {money}{told}"


def _because(event: SpotOrderSettled) -> str:
    return f", because {event.reason}" if event.reason else ""
