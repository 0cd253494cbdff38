"""What is traded on an order book, as the API tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from leverd.api.models.amounts import Answer, Digits, Money


class SpotOrderModel(Answer):
    """An order of which not everything is known yet."""

    side: Literal["buy", "sell"]
    purpose: Literal["enter", "exit"]
    standing: Annotated[
        Literal["planned", "signed", "cancelling"],
        Field(description="signed: sent perhaps, and what became of it is not known yet"),
    ]
    cid: Annotated[str, Field(description='our id of it; "" before it is signed')]
    price: Annotated[Money, Field(description="the worst that is taken")]
    quantity: Money
    reason: str
    planned_at: Annotated[int, Field(description="chain time, unix seconds")]
    age_s: Annotated[int, Field(description="since then, by this machine's clock")]


class SpotReference(Answer):
    """What another venue said of the price when it was decided."""

    source: Annotated[str, Field(description="its name in the settings")]
    bid: Annotated[Money, Field(description="what it would pay, fee and depth in it")]
    middle: Money
    ask: Money
    error: Annotated[Digits | None, Field(description="one sigma, a share; null where ignored")]
    ignored: Annotated[str, Field(examples=["stale"], description='why; "" where it counts')]
    at: Annotated[int, Field(description="chain time there, unix seconds")]
    block: int


class SpotThought(Answer):
    """What was last decided where it differed from before, and what the gate said."""

    agent: str
    decision: Annotated[str, Field(examples=["stay"], description="enter, exit, stay or denied")]
    code: Annotated[str, Field(description="one stable word; of a denial, all of the gate's")]
    reason: str
    fair: Annotated[
        Money | None, Field(description="fair value by other venues; null where none was known")
    ]
    fair_error: Annotated[Digits | None, Field(description="one sigma of it, a share")]
    references: Annotated[
        list[SpotReference], Field(description="what it rests on; empty where predictions buy")
    ]


class SpotStop(Answer):
    """Why nothing more is bought until `leverd resume spot`."""

    why: Annotated[str, Field(examples=["portfolio_stop"])]
    reason: str


class SpotModel(Answer):
    """Everything about what is traded on an order book."""

    position: Annotated[Literal["spot"], Field(description="what lists and wishes call it")]
    orders: Annotated[
        Literal["paper", "sent"] | None,
        Field(description="null: the settings name no spot any more, and this is what is left"),
    ]
    account: Annotated[
        str, Field(description='whose all of this is; paper:spot is no money, "" nobody yet')
    ]
    since: Annotated[
        int | None,
        Field(description="chain time from when on it is counted; null: from the beginning"),
    ]
    venue: str | None
    market_id: str | None
    ticker: Annotated[str | None, Field(description="as the last look saw it")]
    agent: Annotated[str | None, Field(examples=["mispricing"], description="who decides")]
    subject: Annotated[str | None, Field(description="whose direction is predicted")]
    state: Annotated[str, Field(examples=["active"], description="trading state, in words")]
    stopped: SpotStop | None
    source: Annotated[
        Literal["turn", "journal"], Field(description="where the price is from: a look, or a mark")
    ]
    seen_at: Annotated[datetime | None, Field(description="wall time of the last look")]
    seen_s_ago: float | None
    chain_at: Annotated[int | None, Field(description="chain time of that block")]
    block: int | None
    bid: Annotated[Money | None, Field(description="best; null where nobody buys, or unknown")]
    ask: Money | None
    held: Money
    entries: Annotated[int, Field(description="purchases that stand")]
    entered_at: Annotated[int | None, Field(description="chain time of the first of them")]
    cost: Annotated[Money, Field(description="of what is held, fees in it")]
    average: Annotated[Money | None, Field(description="per base held, fees in it")]
    worth: Annotated[Money | None, Field(description="of what is held at the bid, before its fee")]
    realised: Annotated[Money, Field(description="by all that was sold, fees in it")]
    unrealised: Annotated[Money | None, Field(description="by selling the rest at the bid")]
    profit: Annotated[Money | None, Field(description="both; gas apart")]
    fees: Annotated[Money, Field(description="paid for all trades; below nothing: to us")]
    peak: Annotated[Money | None, Field(description="highest profit that was marked")]
    free: Annotated[Money | None, Field(description="quote that may be spent, as last seen")]
    trades_today: Annotated[int, Field(description="orders of this UTC day")]
    trades_day_max: int | None
    fruitless: Annotated[int, Field(description="orders in a row that traded nothing")]
    order: SpotOrderModel | None
    last_decision: SpotThought | None
    limits: Annotated[dict[str, Any], Field(description="the owner's; numbers as decimal text")]


class SpotPoint(Answer):
    """What the trading was worth at one moment."""

    at: Annotated[int, Field(description="chain time, unix seconds")]
    profit: Annotated[Digits, Field(description="quote: of all that was sold, and of the rest")]
    realised: Digits
    held: Annotated[Digits, Field(description="base")]
    bid: Digits


class SpotSeries(Answer):
    """Lines to draw, oldest first: the journal's marks, and every look since the API began."""

    position: Literal["spot"]
    unit: Annotated[str, Field(description="of profit and bid")]
    items: list[SpotPoint]
