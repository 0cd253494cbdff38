"""How leverd itself is: health, version, limits, breakers, requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from leverd.api.models.amounts import Answer, Digits
from leverd.api.models.position import PositionModel
from leverd.api.models.spot import SpotModel


class Pong(Answer):
    """The API answers."""

    pong: Literal[True] = True


class Alive(Answer):
    """Whether this process serves. It says nothing of the daemon."""

    status: Literal["alive"] = "alive"


class Health(Answer):
    """Whether the daemon keeps turning with fresh eyes."""

    status: Literal["ready", "not_ready"]
    reasons: Annotated[list[str], Field(examples=[["last turn 340 s ago"]])]
    daemon_running: bool
    last_turn_at: datetime | None
    last_turn_s_ago: float | None
    due_s: Annotated[float | None, Field(description="seconds between turns, as last said")]
    fresh: Annotated[bool, Field(description="the last turn saw every position as it was then")]
    source: Annotated[
        Literal["journal", "copy"], Field(description="the file, or its copy on a server")
    ] = "journal"
    behind_s: Annotated[
        float | None, Field(description="of a copy: everything up to so many seconds ago is in it")
    ] = None


class Version(Answer):
    """What runs here."""

    version: Annotated[str, Field(examples=["0.1.0"])]
    api: Literal["v1"] = "v1"


class SlotModel(Answer):
    """A nonce that is not final yet."""

    slot: int
    position: str
    state: str
    attempts: int
    tx_hash: str


class Status(Answer):
    """Everything at a glance."""

    mode: Annotated[str, Field(examples=["devnet"])]
    chain_id: int
    seq: Annotated[int, Field(description="newest entry of the journal")]
    settings_hash: str
    health: Health
    last_entry_at: datetime | None
    positions: list[PositionModel]
    spot: Annotated[
        SpotModel | None, Field(description="what is traded on an order book; null: nothing is")
    ]
    unknown_positions: Annotated[
        list[str], Field(description="in the settings, but not in the journal yet")
    ]
    open_slots: list[SlotModel]
    dependencies: Annotated[
        dict[str, str], Field(description="dependency -> open or half_open; closed ones are not")
    ]
    left_unguarded: list[str]
    pending_requests: int


class Positions(Answer):
    """Every position the journal knows."""

    items: list[PositionModel]


class Breakers(Answer):
    """What holds new risk back now."""

    faults: Annotated[dict[str, list[str]], Field(description="open ones, by position")]
    dependencies: dict[str, str]


class LimitsAnswer(Answer):
    """The owner's hard bounds, as they were when the API started."""

    limits: dict[str, Any]
    breakers: Breakers


class SettingsAnswer(Answer):
    """The settings as they were when the API started, without secrets."""

    settings: dict[str, Any]
    settings_hash: Annotated[str, Field(description="of those the daemon runs by")]


class LogTail(Answer):
    """The newest lines of the log, oldest first."""

    lines: list[str]


class PredictionModel(Answer):
    """What a predictor says, and how good it has been. Advisory: no limit reads it."""

    predictor: str
    track: Annotated[str, Field(description="predictor, subject, quantity and horizon")]
    says: Annotated[str, Field(description='in words; "" while it has said nothing')]
    made_at: Annotated[int | None, Field(description="chain time, unix seconds")]
    valid_until: int | None
    confidence: Digits | None
    skill: Annotated[
        Digits | None, Field(description="1 less its loss over the simplest forecast's")
    ]
    scored: Annotated[int, Field(description="forecasts the skill rests on")]
    coverage: Annotated[Digits | None, Field(description="share that fell into its interval")]
    heard: bool
    ignored: Annotated[str, Field(description="why it is not listened to")]


class Predictions(Answer):
    """Every predictor there is."""

    items: list[PredictionModel]


class Wish(BaseModel):
    """What to lower: one position, or all."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"position": "eth-loop"}, {}]}
    )

    position: Annotated[
        str,
        Field(max_length=200, description='a position\'s name; "" is every one'),
    ] = ""


class UnwindWish(Wish):
    """What to close, and how soon."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"position": "eth-loop", "now": False}]}
    )

    now: Annotated[
        bool, Field(strict=True, description="pay what saving it would be worth; do not wait")
    ] = False


class RequestModel(Answer):
    """A wish in the daemon's letter box."""

    request: Annotated[int, Field(examples=[7])]
    order: Literal["pause", "reduce", "unwind", "unwind_now"]
    position: Annotated[str, Field(description='"" is every one')]
    said: str


class PendingModel(Answer):
    """A wish that the daemon has not taken yet."""

    request: int
    order: str
    position: str
    by: str


class Pendings(Answer):
    """Wishes that wait, oldest first."""

    items: list[PendingModel]
