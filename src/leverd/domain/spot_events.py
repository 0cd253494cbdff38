"""Facts of spot trading on an order book. Prices, quantities and quote are whole 1e-18s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from leverd.domain.reference import Heard


@dataclass(frozen=True, slots=True)
class SpotDecided:
    """What the agent, or the gate against it, said of a market, where it differs from before."""

    position_id: str
    agent: str
    decision: str  # enter | exit | stay | denied
    code: str  # one stable word; of a denial, all of the gate's
    reason: str
    bid: int  # best, 0 where nobody buys
    ask: int  # best, 0 where nobody sells
    fair: int = 0  # what other venues let us believe it is worth, 0 where they do not
    fair_error: int = 0  # one sigma of that, share in 1e-18s
    heard: tuple[Heard, ...] = ()  # what each of them said, and whether it counted


@dataclass(frozen=True, slots=True)
class SpotOpened:
    """Trading began somewhere, with nothing tied to anywhere else: what comes is counted anew.

    Where the last place is only told more exactly, everything is counted on.
    """

    position_id: str
    account: str
    market_id: str
    chain_id: str
    subaccount: int


@dataclass(frozen=True, slots=True)
class SpotOrderPlanned:
    """An order the gate approved. Written before anything is signed for it."""

    position_id: str
    market_id: str
    account: str
    side: str  # buy | sell
    purpose: str  # enter | exit
    price: int  # quote per base, the worst that is taken
    quantity: int  # base
    reason: str
    opens: bool = False  # nothing that could be sold was held before it


@dataclass(frozen=True, slots=True)
class SpotAttemptSigned:
    """A payload for a slot is signed and about to be sent. Written before it is sent."""

    position_id: str
    cid: str
    slot: int  # the account's sequence number
    tx_hash: str
    payload: str  # hex
    dead_after: int  # block height beyond which it cannot be included any more
    purpose: str = "place"  # place | cancel


@dataclass(frozen=True, slots=True)
class SpotAttemptSent:
    """A payload was handed over, once; `said` is "" if it was taken, else what is known of it."""

    position_id: str
    cid: str
    tx_hash: str
    said: str


@dataclass(frozen=True, slots=True)
class SpotOrderSettled:
    """Nothing more can become of an order; `filled` is all of it."""

    position_id: str
    cid: str  # "" if nothing was signed for it
    standing: str  # closed | rejected | never | lost | unsigned
    filled: int  # base
    notional: int  # quote paid or received for it, without fees
    fee: int  # quote; below nothing it was paid to us
    block: int  # that included it, 0 if none did
    reason: str
    exact: bool = True  # False, in older journals: reckoned at the worst price, for want of trades


@dataclass(frozen=True, slots=True)
class SpotWrittenOff:
    """What no order may be made of is counted as lost, the owner having had the rest sold.

    It stays in the account, as the owner's own.
    """

    position_id: str
    base: int
    cost: int  # quote paid for it, fees in it: what is lost
    reason: str


@dataclass(frozen=True, slots=True)
class SpotMarked:
    """What the trading is worth, sold at the best bid, and the most it has been worth."""

    position_id: str
    bid: int
    base: int
    cost: int  # quote paid for that base, fees in it
    realised: int  # quote, of all that was sold
    profit: int  # realised, and what selling the rest would add
    peak: int  # highest profit since the beginning, or since a stop was lifted
    at: int  # chain time, unix seconds


@dataclass(frozen=True, slots=True)
class SpotStopped:
    """Nothing is bought until the owner's resume; after a lost order nothing is sold either."""

    position_id: str
    why: str  # lost | portfolio_stop
    reason: str


SpotEvent: TypeAlias = (
    SpotDecided
    | SpotOpened
    | SpotOrderPlanned
    | SpotAttemptSigned
    | SpotAttemptSent
    | SpotOrderSettled
    | SpotWrittenOff
    | SpotMarked
    | SpotStopped
)
