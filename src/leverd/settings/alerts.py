"""Whom alerts reach, which, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from leverd.settings.secret_source import SecretSource
from leverd.settings.types import Model, Whole

Severity: TypeAlias = Literal["info", "warning", "critical"]


class Targets(SecretSource):
    """Where the services' URLs are, which hold tokens: exactly one of these."""


class AlertsSection(Model):
    """Alerts to phones and chats, by Apprise."""

    to: Annotated[Targets, Field(description="Apprise URLs, one a line")]
    least: Annotated[Severity, Field(description="what matters less is not sent")] = "warning"
    codes: Annotated[
        Mapping[str, Severity | Literal["never"]],
        Field(description="how much a code matters, or a family of them as LVD-BRK"),
    ] = Field(default_factory=dict)
    group_s: Annotated[
        Whole, Field(ge=0, le=3_600, description="alerts so close together are one message")
    ] = 10
    hour_max: Annotated[
        Whole, Field(ge=1, description="messages an hour; critical ones are sent beyond them")
    ] = 30

    @model_validator(mode="after")
    def _codes_are_codes(self) -> AlertsSection:
        wrong = next((each for each in self.codes if not each.startswith("LVD-")), None)
        if wrong is not None:
            raise ValueError(f"codes: {wrong} is no code; they begin with LVD-")
        return self
