"""What is traded on an order book, with what right, and within which bounds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from leverd.domain.spot_limits import SpotLimits
from leverd.settings.mispricing import MispricingSection
from leverd.settings.secret_source import SecretSource
from leverd.settings.types import Flag, Fraction, Model, Number, Positive, Text, Url, Whole

_PORT_MAX: Final = 65_535


def _endpoint(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or "/" in value or not (port.isascii() and port.isdigit()) or int(port) > _PORT_MAX:
        raise ValueError("host:port is needed, without a scheme")
    return value


Endpoint = Annotated[Text, AfterValidator(_endpoint)]
Share = Annotated[Number, Field(gt=0, lt=1)]


class InjectiveSection(Model):
    """Injective's endpoints: gRPC as host:port, and CometBFT's URL."""

    kind: Literal["injective"]
    chain_id: Text = "injective-1"
    chain: Endpoint
    stream: Endpoint
    indexer: Endpoint
    rpc: Annotated[
        Url | None, Field(description="tells what a block traded, before any indexer")
    ] = None
    tls: Flag = True
    subaccount: Annotated[Whole, Field(ge=0, le=1_000, description="0 trades from the bank")] = 0
    fee_inj_max: Annotated[Positive, Field(description="of one transaction, whole INJ")] = Decimal(
        "0.01"
    )


class SpotPaperSection(Model):
    """What trading on paper begins with."""

    quote: Annotated[Positive, Field(description="whole quote tokens in the paper purse")]


class SpotLimitsSection(Model):
    """Hard bounds on every order; no field has a default. Money is whole quote tokens."""

    market_id: Annotated[Text, Field(pattern=r"^0x[0-9a-f]{64}$", description="as the chain says")]
    trade_min: Annotated[Positive, Field(description="quote, least of one purchase")]
    trade_max: Annotated[Positive, Field(description="quote, most of one purchase")]
    position_max: Annotated[Positive, Field(description="quote, of all that is held")]
    slippage_max: Annotated[Share, Field(description="best price to worst fill, either way")]
    stop_loss: Annotated[Share, Field(description="below what it cost that sells it")]
    confidence_min: Annotated[Fraction, Field(description="of a prediction that buys")]
    horizon_h: Annotated[
        Whole, Field(ge=1, le=720, description="of a prediction that buys; kept no longer")
    ]
    update_interval_s: Annotated[
        Whole, Field(ge=1, description="chain seconds between looks for a purchase")
    ]
    profit_min: Annotated[
        Number, Field(ge=0, lt=1, description="share of what is traded, after every cost")
    ]
    active_positions_max: Annotated[Whole, Field(ge=1, description="purchases that stand at once")]
    portfolio_stop: Annotated[
        Number,
        Field(gt=0, le=1, description="drop from the best, as a share of position_max: sells all"),
    ]
    trades_day_max: Annotated[Whole, Field(ge=1, description="orders of a UTC day of chain time")]
    cooldown_s: Annotated[Whole, Field(ge=0, description="chain seconds after a trade")]

    def limits(self) -> SpotLimits:
        """Return the limits as agent and gate read them."""
        return SpotLimits(**self.model_dump())


class SpotSection(Model):
    """The trader, its market, and whether its orders are sent or on paper."""

    orders: Annotated[
        Literal["paper", "sent"], Field(description="sent: signed, with real money in mode live")
    ] = "paper"
    agent: Annotated[
        Literal["signal_trader", "mispricing"],
        Field(description="buys on predictions, or on what other venues say it is worth"),
    ] = "signal_trader"
    subject: Annotated[Text, Field(description="whose direction predictors speak of")]
    venue: InjectiveSection
    access: Annotated[
        SecretSource | None, Field(description="where the signing key is; for orders: sent")
    ] = None
    paper: Annotated[SpotPaperSection | None, Field(description="for orders: paper")] = None
    mispricing: Annotated[
        MispricingSection | None, Field(description="other venues, for agent: mispricing")
    ] = None
    limits: SpotLimitsSection

    def bounds(self) -> SpotLimits:
        """Return the limits, with what buys: predictions, or a fair value on its terms."""
        limits = self.limits.limits()
        if self.agent != "mispricing" or self.mispricing is None:
            return limits
        return replace(limits, fair=self.mispricing.terms())
