"""Who predicts, and what they may do. Nothing here, and nobody predicts anything."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from leverd.settings.secret_source import SecretSource
from leverd.settings.types import Flag, Fraction, Model, Text, Url, Whole

_TOPIC: Final = ("topic", "says", "interval_s", "spread_max")


class AccessSection(SecretSource):
    """Where an API key comes from: exactly one of these. Never the key itself."""


class AlloraSection(Model):
    """Which of Allora's networks is asked, and with whose key."""

    access: AccessSection
    base_url: Url = "https://api.allora.network/v2"
    chain: Annotated[Text, Field(description="whose topics are counted")] = "allora-mainnet-1"
    signature: Annotated[Text, Field(description="what answers are signed for")] = (
        "ethereum-11155111"
    )


class PredictorSection(Model):
    """One predictor: a model of ours, the simplest forecast there is, or a topic of Allora's."""

    kind: Annotated[
        Literal["model", "simple", "allora"],
        Field(description="model needs the extra predict, allora the extra http"),
    ]
    subject: Annotated[Text, Field(description="a token's symbol")]
    quantity: Literal["volatility", "direction", "borrow_rate", "funding"]
    horizon_h: Annotated[Whole | None, Field(ge=1, le=720, description="hours ahead")] = None
    horizon_min: Annotated[
        Whole | None, Field(ge=1, le=43_200, description="minutes ahead, instead of hours")
    ] = None
    may: Annotated[
        Literal["shadow", "advise"], Field(description="advise: agents listen once it earned it")
    ] = "shadow"
    file: Annotated[Text | None, Field(description="folder made by leverd predict train")] = None
    retrains: Annotated[Flag, Field(description="fits itself anew from what it has seen")] = False
    topic: Annotated[Whole | None, Field(ge=1, description="of Allora's chain")] = None
    says: Annotated[
        Literal["price", "log_return"] | None, Field(description="what the topic's values are")
    ] = None
    interval_s: Annotated[
        Whole | None, Field(ge=60, description="seconds from one answer to the next")
    ] = None
    spread_max: Annotated[
        Fraction | None, Field(description="forecasters' disagreement to the value, at most")
    ] = None

    @property
    def horizon_s(self) -> int:
        """How far ahead it speaks, seconds."""
        return (self.horizon_h or 0) * 3_600 + (self.horizon_min or 0) * 60

    @model_validator(mode="after")
    def _has_one_horizon(self) -> PredictorSection:
        if (self.horizon_h is None) == (self.horizon_min is None):
            raise ValueError("either horizon_h or horizon_min is needed")
        return self

    @model_validator(mode="after")
    def _has_a_topic(self) -> PredictorSection:
        told = [name for name in _TOPIC if getattr(self, name) is not None]
        if self.kind != "allora" and told:
            raise ValueError(f"{' and '.join(told)}: only a topic of Allora's has them")
        if self.kind == "allora" and len(told) < len(_TOPIC):
            raise ValueError(f"a topic of Allora's needs {', '.join(_TOPIC)}")
        if self.kind == "allora" and self.quantity != "direction":
            raise ValueError("a topic of Allora's tells the direction")
        return self

    @model_validator(mode="after")
    def _has_a_model(self) -> PredictorSection:
        if self.kind == "allora" and (self.file is not None or self.retrains):
            raise ValueError("a topic of Allora's has no file and is not trained")
        if self.kind == "simple" and (self.file is not None or self.retrains):
            raise ValueError("a simple forecast has no file and is not trained")
        if self.kind == "model" and self.file is None and not self.retrains:
            raise ValueError("a model needs its file, or retrains: true")
        return self


class PredictionsSection(Model):
    """Predictors by name, and what they have to show before agents listen to one."""

    bar_s: Annotated[Whole, Field(ge=60, description="chain seconds; one prediction each")] = 3_600
    scored_min: Annotated[
        Whole, Field(ge=2, description="forecasts that do not overlap before a record counts")
    ] = 30
    confidence_min: Annotated[Fraction, Field(description="less sure is not heard")] = Decimal(
        "0.5"
    )
    calibration_gap_max: Annotated[
        Fraction, Field(description="between said confidence and outcomes inside")
    ] = Decimal("0.1")
    learn_days: Annotated[Whole, Field(ge=30, description="a model is fitted to, at most")] = 730
    retrain_days: Annotated[Whole, Field(ge=1, description="between two fits")] = 30
    predictors: Annotated[Mapping[Text, PredictorSection], Field(min_length=1)]
    allora: Annotated[AlloraSection | None, Field(description="for predictors of its kind")] = None

    @model_validator(mode="after")
    def _ends_with_a_bar(self) -> PredictionsSection:
        for name, one in self.predictors.items():
            if one.horizon_s % self.bar_s:
                said = f"{name} speaks {one.horizon_s} s ahead, no whole number of bars"
                raise ValueError(f"{said} of {self.bar_s} s; set a shorter bar_s")
        return self

    @model_validator(mode="after")
    def _can_ask(self) -> PredictionsSection:
        if self.allora is None and any(one.kind == "allora" for one in self.predictors.values()):
            raise ValueError("a topic of Allora's needs allora: {access: ...} beside predictors")
        return self
