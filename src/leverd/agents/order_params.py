"""The settings of orders on a position: form, and what of it can never be meant together."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from leverd.domain.orders import Of, Orders, Stop, Target, Trailing


class TakeProfit(BaseModel):
    """One target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Decimal | None = Field(None, gt=0, description="oracle price it fires at")
    equity_gain: Decimal | None = Field(
        None, gt=0, description="gain since opening it fires at, 0.2 is 20 %"
    )
    share: Decimal = Field(
        Decimal(1), gt=0, le=1, description="fraction of the size held to sell; 1 closes"
    )

    @model_validator(mode="after")
    def _one_trigger(self) -> TakeProfit:
        _exactly_one(price=self.price, equity_gain=self.equity_gain)
        return self

    def target(self) -> Target:
        """Return what is meant."""
        if self.price is not None:
            return Target(Of.PRICE, self.price, self.share)
        assert self.equity_gain is not None, "one of the two is set"
        return Target(Of.EQUITY, self.equity_gain, self.share)


class StopLoss(BaseModel):
    """The stop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Decimal | None = Field(None, gt=0, description="oracle price it fires at")
    equity_loss: Decimal | None = Field(
        None, gt=0, lt=1, description="loss since opening it fires at, 0.2 is 20 %"
    )
    health: Decimal | None = Field(None, gt=1, description="health factor it fires at")

    @model_validator(mode="after")
    def _one_trigger(self) -> StopLoss:
        _exactly_one(price=self.price, equity_loss=self.equity_loss, health=self.health)
        return self

    def stop(self) -> Stop:
        """Return what is meant."""
        if self.price is not None:
            return Stop(Of.PRICE, self.price)
        if self.equity_loss is not None:
            return Stop(Of.EQUITY, self.equity_loss)
        assert self.health is not None, "one of the three is set"
        return Stop(Of.HEALTH, self.health)


class TrailingStop(BaseModel):
    """The trailing stop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drop: Decimal = Field(gt=0, lt=1, description="fraction of the best since opening")
    of: Literal["price", "equity", "health"] = Field("price", description="what it follows")
    activation: Decimal = Field(
        Decimal(0), ge=0, description="gain since opening before it trails, as a fraction"
    )

    @model_validator(mode="after")
    def _known_start(self) -> TrailingStop:
        if self.of == "health" and self.activation:
            raise ValueError("activation is for price and equity: health has no gain")
        return self

    def trailing(self) -> Trailing:
        """Return what is meant."""
        return Trailing(Of(self.of), self.drop, self.activation)


class Params(BaseModel):
    """The section of the settings. Prices are oracle prices of the volatile asset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    take_profit: tuple[TakeProfit, ...] = Field((), description="targets, the nearest first")
    stop_loss: StopLoss | None = None
    trailing_stop: TrailingStop | None = None
    deadline: AwareDatetime | None = Field(
        None, description="chain time it closes at, e.g. 2027-01-31T12:00:00Z"
    )
    compound: bool = Field(
        default=False, description="whether profit raises the size that is bought"
    )
    urgency_max: Decimal = Field(
        Decimal("0.5"),
        ge=0,
        le=1,
        description="what a stop may cost in a crash: 0 calm limits, 1 a liquidator's bonus",
    )

    @model_validator(mode="after")
    def _can_be_meant(self) -> Params:
        prices = [each.price for each in self.take_profit if each.price is not None]
        gains = [each.equity_gain for each in self.take_profit if each.equity_gain is not None]
        rises = all(low < high for low, high in pairwise(prices))
        falls = all(low > high for low, high in pairwise(prices))
        if not (rises or falls):
            raise ValueError("take_profit prices must go one way, the nearest first")
        if not all(low < high for low, high in pairwise(gains)):
            raise ValueError("take_profit gains must rise")
        if any(each.share == 1 for each in self.take_profit[:-1]):
            raise ValueError("only the last take_profit may sell a share of 1")
        self._check_stop(prices, rises=rises, falls=falls)
        return self

    def _check_stop(self, prices: list[Decimal], *, rises: bool, falls: bool) -> None:
        stop = self.stop_loss.price if self.stop_loss is not None else None
        if stop is None or not prices:
            return
        below, above = stop < prices[0] and rises, stop > prices[0] and falls
        if not (below or above):
            raise ValueError(
                f"the stop at {stop} lies on the same side as the targets "
                f"({', '.join(str(price) for price in prices)})"
            )

    def orders(self) -> Orders:
        """Return what is meant."""
        return Orders(
            targets=tuple(each.target() for each in self.take_profit),
            stop=self.stop_loss.stop() if self.stop_loss else None,
            trailing=self.trailing_stop.trailing() if self.trailing_stop else None,
            deadline=int(self.deadline.timestamp()) if self.deadline else None,
            compound=self.compound,
            urgency_max=self.urgency_max,
        )


def _exactly_one(**given: Decimal | None) -> None:
    if sum(value is not None for value in given.values()) != 1:
        raise ValueError(f"exactly one of {', '.join(given)} is needed")
