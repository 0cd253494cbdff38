"""What a settings file says, once its form is known to be right."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from leverd.interfaces.safer import HIGHER, LOWER
from leverd.settings.alerts import AlertsSection
from leverd.settings.backtest import BacktestSection
from leverd.settings.limits import LimitsSection
from leverd.settings.predictions import PredictionsSection
from leverd.settings.secret_source import HandedSource, SecretSource
from leverd.settings.spot import SpotSection
from leverd.settings.standby import StandbySection
from leverd.settings.types import (
    FORK,
    PAPER,
    Account,
    Address,
    Database,
    Flag,
    Fraction,
    Getter,
    Model,
    Positive,
    Text,
    Url,
    Whole,
)

MODES: Final = ("devnet", "fork", "paper", "live")


class ChainSection(Model):
    """The one chain this process acts on: a running devnet, or named by id, rpc and profile."""

    devnet: Annotated[Text | None, Field(description="folder of a running devnet")] = None
    id: Annotated[Whole, Field(ge=1)] | None = None
    rpc: tuple[Url, ...] = ()
    profile: Literal["ethereum", "arbitrum", "base", "optimism"] | None = None
    relay: Annotated[
        Url | None, Field(description="shown transactions before everybody else is")
    ] = None
    relay_method: Literal["eth_sendRawTransaction", "eth_sendPrivateTransaction"] = (
        "eth_sendRawTransaction"
    )
    relay_blocks: Annotated[
        Whole, Field(ge=1, description="blocks after which what the relay has goes public")
    ] = 3
    read_deadline_s: Positive
    final_depth: Annotated[Whole, Field(ge=0)] | None = None


class Token(Model):
    """A token by its contract."""

    address: Address
    decimals: Annotated[Whole, Field(ge=0, le=36)]
    staking_rate: Annotated[
        Getter | None, Field(description="function that says what one stands for")
    ] = None


class AaveV3(Model):
    """An Aave V3 market, found through its PoolAddressesProvider."""

    kind: Literal["aave_v3"]
    provider: Address | None = None


class UniswapV3(Model):
    """A Uniswap V3 pool, found through its factory."""

    kind: Literal["uniswap_v3"]
    tokens: tuple[Text, Text]
    fee: Annotated[Whole, Field(ge=1, lt=1_000_000, description="parts per million")]
    factory: Address | None = None
    quoter: Address | None = None
    router: Annotated[
        Address | None, Field(description="SwapRouter, for a position of a plain address")
    ] = None


VenueSection: TypeAlias = Annotated[AaveV3 | UniswapV3, Field(discriminator="kind")]


class Password(SecretSource):
    """Where a password comes from: exactly one of these."""


class Key(HandedSource):
    """Where the operator's key comes from: exactly one of these. Never the key itself."""

    keystore: Annotated[Text | None, Field(description="file in eth-account's format")] = None
    password: Annotated[Password | None, Field(description="of the keystore")] = None


class JournalSection(Model):
    """Where everything that happens is recorded."""

    path: Annotated[Text, Field(description="a file; {mode} is replaced")]
    copy_to: Annotated[
        Database | None, Field(description="PostgreSQL that entries are shipped to")
    ] = None
    copy_password: Annotated[
        Password | None, Field(description="of that server; unset: ~/.pgpass, PGPASSWORD")
    ] = None


class PositionSection(Model):
    """One position the owner wants kept, and the agents that keep it."""

    account: Annotated[Account, Field(description="an address, devnet, or none yet")]
    lending: Annotated[Text, Field(description="a lending venue's name")]
    pool: Annotated[Text, Field(description="a pool venue's name")]
    collateral: Text
    debt: Text
    share_class: Annotated[Text, Field(description="USD, or a token: what equity is counted in")]
    emode: Annotated[Whole, Field(ge=0, le=255)] = 0
    agents: Annotated[Mapping[str, Any], Field(description="parameters, by the agent's name")]


class EngineSection(Model):
    """The pace of the loop. Seconds are of chain time."""

    look_s_max: Annotated[
        Whole, Field(json_schema_extra=LOWER, ge=1, description="between looks when calm")
    ]
    look_s_min: Annotated[
        Whole, Field(json_schema_extra=LOWER, ge=1, description="when health nears 1")
    ]
    inclusion_delay_s: Annotated[
        Whole,
        Field(json_schema_extra=HIGHER, ge=0, description="what feasibility adds to a look"),
    ]
    gap: Annotated[
        Fraction | None,
        Field(json_schema_extra=HIGHER, description="move that must not liquidate"),
    ] = None
    kill_file: Annotated[
        Text | None, Field(description="a file whose verb is done: pause, reduce, unwind")
    ] = None
    heartbeat_url: Annotated[
        Url | None, Field(description="asked after turns with a fresh view: a dead man's switch")
    ] = None
    watch: Annotated[
        Flag, Field(description="take a changed file by itself where it only tightens")
    ] = True


class LogsSection(Model):
    """Text logs; the journal is the record."""

    level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    console: Flag = True
    as_json: Annotated[Flag, Field(alias="json")] = False
    file: Text | None = "logs/leverd.log"
    rotation_mb: Annotated[Whole, Field(ge=1)] = 10
    retention_days: Annotated[Whole, Field(ge=1)] = 30


class MemorySection(Model):
    """When to shrink, and when to stop in order for a fresh start. MB resident."""

    warn_mb: Annotated[Whole, Field(ge=50)] = 1000
    stop_mb: Annotated[Whole, Field(ge=50)] = 2000


class ApiSection(Model):
    """The API, its page and its metrics: `leverd api`, a process of its own."""

    address: Annotated[
        Text, Field(description="to listen at; another than loopback only with a certificate")
    ] = "127.0.0.1"
    port: Annotated[Whole, Field(ge=1, le=65_535)] = 8420
    tokens: Annotated[
        Text | None, Field(description="file of the tokens' hashes; beside the journal if unset")
    ] = None
    certificate: Annotated[Text | None, Field(description="PEM file for TLS")] = None
    certificate_private: Annotated[
        Text | None, Field(description="PEM file of its private key, readable by its owner only")
    ] = None
    requests_s_max: Annotated[
        Positive, Field(description="a token's requests a second, in the long run")
    ] = Decimal(50)
    stale_s: Annotated[
        Positive, Field(description="wall seconds a turn may be overdue before it is missing")
    ] = Decimal(30)


class PaperSection(Model):
    """What a paper position begins with, and how soon its transactions are included."""

    deposit: Annotated[Positive, Field(description="whole tokens of each position's collateral")]
    deposits: Annotated[
        Mapping[str, Positive], Field(description="the same by a position's name, over deposit")
    ] = Field(default_factory=dict)
    gas: Annotated[Positive, Field(description="whole native tokens in the paper purse")]
    inclusion_blocks: Annotated[
        Whole, Field(ge=1, description="blocks from the newest seen to the one that includes")
    ] = 2


class Settings(Model):
    """Everything an owner says to leverd."""

    mode: Literal["devnet", "fork", "paper", "live"]
    journal: JournalSection
    chain: ChainSection
    tokens: Mapping[str, Token] = Field(default_factory=dict)
    venues: Mapping[str, VenueSection]
    key: Key
    positions: Annotated[Mapping[str, PositionSection], Field(min_length=1)]
    limits: LimitsSection
    engine: EngineSection
    paper: Annotated[PaperSection | None, Field(description="for mode paper")] = None
    predictions: Annotated[
        PredictionsSection | None, Field(description="who predicts; unset: nobody")
    ] = None
    spot: Annotated[
        SpotSection | None, Field(description="trade on an order book; unset: nothing is")
    ] = None
    backtest: BacktestSection = Field(default_factory=BacktestSection)
    alerts: Annotated[
        AlertsSection | None, Field(description="whom alerts reach; unset: the log alone")
    ] = None
    api: ApiSection = Field(default_factory=ApiSection)
    standby: StandbySection = Field(default_factory=StandbySection)
    logs: LogsSection = Field(default_factory=LogsSection)
    memory: MemorySection = Field(default_factory=MemorySection)
    agents_path: tuple[Text, ...] = ()
    real_money: Annotated[
        Flag, Field(description="true: mode live may run; --mode live must be said as well")
    ] = False

    @property
    def shares_its_key(self) -> bool:
        """Whether another machine may sign for the same key, by turns."""
        return self.standby.enabled and self.mode not in {FORK, PAPER}  # those sign nothing real

    def fingerprint(self) -> str:
        """Return a hash of everything said to the daemon, the same for the same settings."""
        said = self.model_dump_json(by_alias=True, exclude={"api"})
        return hashlib.sha256(said.encode()).hexdigest()[:16]
