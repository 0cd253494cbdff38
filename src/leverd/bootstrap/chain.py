"""The EVM venue as settings and places say: one client, one signer, one venue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

from eth_account.signers.local import LocalAccount

from leverd.adapters.evm import account_calls, keystore
from leverd.adapters.evm.account import code_hash
from leverd.adapters.evm.allow_list import AllowList
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig, LendingVenue, PoolVenue, Token
from leverd.adapters.evm.leased_signer import LeasedSigner
from leverd.adapters.evm.leased_venue import LeasedVenue
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.relay import Relay
from leverd.adapters.evm.signer import GasBudget, LocalSigner
from leverd.adapters.evm.sources import Patience
from leverd.adapters.evm.venue import EvmVenue
from leverd.bootstrap.places import PAPER, Places
from leverd.bootstrap.seating import guardian_trigger
from leverd.bootstrap.secret_places import secret_of
from leverd.bootstrap.undumpable import undumpable
from leverd.errors import SecretError
from leverd.interfaces.clock import Clock
from leverd.interfaces.lease import Lease
from leverd.interfaces.secrets import Secret
from leverd.interfaces.venue import Venue
from leverd.risk.limits import Limits
from leverd.settings import Key, Password, Settings


@dataclass(frozen=True, slots=True)
class Chain:
    """What talks to the one chain of this process."""

    config: EvmVenueConfig
    client: EvmClient
    venue: Venue  # an EvmVenue; in mode paper one in memory that looks through such a venue
    budget: GasBudget | None = None  # what its signer may promise; None where nothing is signed
    relay: Relay | None = None

    @property
    def evm(self) -> EvmVenue:
        """The venue where it acts on the chain itself, as for every command about accounts."""
        assert isinstance(self.venue, EvmVenue), "what is about accounts is refused in mode paper"
        return self.venue

    def hold(self, pools: Mapping[str, str]) -> None:
        """Look for what is ours in `pools`, by market; what is on paper is in none."""
        if isinstance(self.venue, EvmVenue):
            self.venue.hold(pools)

    def circuits(self) -> Mapping[str, str]:
        """Return what each dependency's breaker lets through: closed, open or half_open."""
        found = dict(self.client.circuits())
        if self.relay is not None:
            found["relay"] = self.relay.circuit()
        if self.budget is not None:
            found["gas budget"] = self.budget.circuit()
        return found


def key_of(key: Key, env: Mapping[str, str]) -> LocalAccount:
    """Return the operator's key from the one source the settings name.

    Raises:
        SecretError: it is missing, wrong, or readable by others.
        UnreachableError: the place it comes from does not answer.
    """
    undumpable()
    if key.keystore is not None:
        return keystore.unlock(Path(key.keystore), _password(key.password, env))
    return keystore.account_of(secret_of(key, env))


def open_chain(
    settings: Settings,
    places: Places,
    account: LocalAccount,
    clock: Clock,
    lease: Lease | None = None,
) -> Chain:
    """Return the venue for `places`; nothing is asked of the chain yet.

    With a `lease`, another machine has the key too, and its holder alone uses it freely.
    """
    assert settings.mode != PAPER, "on paper nothing is signed"
    limits = settings.limits.limits()
    config = venue_config(settings, places, limits)
    client = open_client(config, clock)
    allow = AllowList(
        places.chain_id,
        tuple(rule for account_at in config.accounts for rule in account_calls.rules(account_at)),
        max_fee=config.gas_price_wei_max,
    )
    budget = GasBudget(config.gas_day_wei_max, config.gas_day_guardian_wei)
    relay = Relay(config.relay, config.relay_method, clock) if config.relay else None
    venue: EvmVenue
    if lease is None:
        venue = EvmVenue(config, client, LocalSigner(account, allow, budget), clock, relay)
    else:
        signer = LeasedSigner(account, allow, budget, lease)
        trigger = partial(guardian_trigger, settings)
        venue = LeasedVenue(config, client, signer, clock, relay, lease, trigger)
    return Chain(config, client, venue, budget, relay)


def open_client(config: EvmVenueConfig, clock: Clock) -> EvmClient:
    """Return the client of the chain that `config` names."""
    return EvmClient(
        config.rpc,
        clock=clock,
        chain_id=config.chain_id,
        final_tag=config.profile.final_tag,
        final_depth=config.final_depth,
        multicall=config.multicall,
        patience=Patience(deadline_s=config.read_deadline_s),
    )


def venue_config(settings: Settings, places: Places, limits: Limits) -> EvmVenueConfig:
    """Return what the EVM adapter must be told."""
    return EvmVenueConfig(
        name=places.profile,
        chain_id=places.chain_id,
        profile=PROFILES[places.profile],
        rpc=places.rpc,
        tokens=tuple(
            Token(asset, address, staking_rate=places.staking.get(asset, ""))
            for asset, address in places.tokens.items()
        ),
        lending=tuple(LendingVenue(name, at) for name, at in places.lending.items()),
        pools=tuple(
            PoolVenue(name, pool.tokens, pool.fee, pool.factory, pool.quoter, pool.router)
            for name, pool in places.pools.items()
        ),
        native=places.native,
        accounts=tuple(mandate.account for mandate in places.mandates),
        gas_price_wei_max=limits.gas_price_wei_most,
        account_code_hashes=frozenset(_code_hashes(places)),
        final_depth=settings.chain.final_depth if settings.chain.final_depth is not None else 2,
        read_deadline_s=float(settings.chain.read_deadline_s),
        relay=settings.chain.relay or "",
        relay_method=settings.chain.relay_method,
        gas_day_wei_max=limits.gas_day_wei_max,
        gas_day_guardian_wei=int(limits.gas_day_wei_max * limits.guardian_gas_share),
    )


def gas_bounds(limits: Limits) -> tuple[int, int]:
    """Return the gas a key may promise in a day, and the part that is the guardian's; wei."""
    return limits.gas_day_wei_max, int(limits.gas_day_wei_max * limits.guardian_gas_share)


def account_artifact(name: str) -> dict[str, str]:
    """Return the artifact of our contract `name` that set-up compiled."""
    file = resources.files("leverd.adapters.evm") / "artifacts" / f"{name}.json"
    found: dict[str, str] = json.loads(file.read_text("utf-8"))
    return found


def _code_hashes(places: Places) -> list[str]:
    runtime = bytes.fromhex(account_artifact("Account")["runtime_bytecode"].removeprefix("0x"))
    return [code_hash(runtime, provider) for provider in places.lending.values()]


def _password(password: Password | None, env: Mapping[str, str]) -> Secret:
    if password is None:
        raise SecretError(
            "the keystore has no password source",
            number=8,
            place="key.password",
            remedy="name a file, a systemd credential, a variable, an AWS secret or a command",
        )
    return secret_of(password, env)
