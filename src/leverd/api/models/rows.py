"""What happened, a row each, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from leverd.api.models.amounts import Answer, Digits, Money

RowT = TypeVar("RowT", bound="Row")


class Row(Answer):
    """An entry of the journal, or several that belong together."""

    seq: Annotated[int, Field(description="place in the journal's order", examples=[42])]
    written_at: Annotated[datetime, Field(description="wall time")]
    chain_at: Annotated[int, Field(description="chain time, unix seconds; 0 where unknown")]
    position: Annotated[str, Field(description='"" where it is about no single one')]


class Page(Answer, Generic[RowT]):
    """Some rows, and where the next older ones begin."""

    items: list[RowT]
    next_before: Annotated[
        int | None, Field(description="`before` of the next page; null: there is none")
    ]


class EventRow(Row):
    """One entry, whatever it is about."""

    kind: Annotated[str, Field(examples=["DecisionTaken"])]
    said: Annotated[str, Field(description="what happened and why, in a sentence")]
    event: Annotated[
        dict[str, Any],
        Field(description="all of it; whole numbers beyond 2^53 are text; no signed payload"),
    ]


class SeenBy(Answer):
    """What an agent saw when it decided."""

    block: Annotated[int | None, Field(description="null for an order book")]
    health: Digits | None
    prices: Annotated[dict[str, Digits], Field(description="USD, by token")]
    bid: Annotated[Digits | None, Field(description="best of an order book")] = None
    ask: Digits | None = None


class Verdict(Answer):
    """What the gate said to the plan made of a decision."""

    verdict: Literal["approved", "denied"]
    purpose: str
    plan_id: str
    steps: list[str]
    reasons: list[str]
    cost: Money | None


class DecisionRow(Row):
    """An agent's thought: what it saw, what it wanted, what the gate said, and why."""

    agent: Annotated[str, Field(examples=["leverage_loop"])]
    decision: Annotated[str, Field(examples=["set_leverage"])]
    target: Annotated[Digits | None, Field(description="leverage wanted")]
    reason: str
    saw: SeenBy
    gate: Annotated[list[Verdict], Field(description="none where nothing was to be done")]


class TransactionRow(Row):
    """One signed attempt at a slot, and what became of it."""

    tx_hash: str
    signer: str
    slot: Annotated[int, Field(description="nonce")]
    purpose: Annotated[str, Field(examples=["act"])]
    plan_id: str
    step: int
    way: Annotated[str, Field(examples=["public"])]
    urgent: bool
    status: Annotated[
        Literal["sent", "included", "final", "reverted", "replaced", "lost", "never", "done"],
        Field(
            description="replaced: another attempt took the slot; never: it died at its block;"
            " done: a cancel of an order that ended"
        ),
    ]
    block: int | None
    reason: Annotated[str, Field(description="why it reverted")]
    gas_used: int | None
    fee: Annotated[Money | None, Field(description="native tokens paid")]
    max_fee: Annotated[
        Money | None,
        Field(description="gwei a gas it would have paid at most; null for an order book"),
    ]


class SpotFillModel(Answer):
    """What an order on a book traded; prices and money in quote, quantities in base."""

    account: Annotated[str, Field(description="whose order it was; paper:spot is no money")]
    side: Literal["buy", "sell"]
    standing: Annotated[
        str, Field(description='"" while it is not settled; closed, rejected, never, …')
    ]
    price_worst: Digits
    quantity: Digits
    filled: Digits
    price: Annotated[Digits | None, Field(description="on average; null where nothing traded")]
    notional: Annotated[Digits, Field(description="paid or received, without fees")]
    fee: Annotated[Digits, Field(description="below nothing it was paid to us")]
    exact: Annotated[
        bool, Field(description="false: nobody told its trades, the worst is reckoned")
    ]


class TradeRow(Row):
    """One plan or order: what it was for, what it did, what it cost."""

    plan_id: str
    purpose: Annotated[str, Field(examples=["rebalance"])]
    reason: str
    status: Literal["running", "completed", "aborted"]
    steps: list[str]
    steps_done: int
    cost_expected: Annotated[Money | None, Field(description="null for an order book")]
    attribution: Annotated[
        dict[str, Digits], Field(description="raw units of the share class, since it began")
    ]
    tx_hashes: list[str]
    ended_at: Annotated[int | None, Field(description="chain time, unix seconds")]
    aborted_because: str
    fill: Annotated[SpotFillModel | None, Field(description="of an order on a book")] = None
