"""What stands at a position's account, what its owner allows, and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leverd.adapters.evm import account as contracts
from leverd.adapters.evm import reads
from leverd.adapters.evm.abi import Function
from leverd.adapters.evm.account import AccountState, Bounds
from leverd.adapters.evm.account_owner import LOST_TODAY
from leverd.adapters.evm.survey import Survey, ask
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.looking import watching
from leverd.bootstrap.places import NOWHERE, resolve
from leverd.domain.money import Amount
from leverd.domain.position import Leg, LegKind, Mandate
from leverd.domain.state import State
from leverd.domain.valuation import leg_amount
from leverd.engine.preview import Stand, stand_of
from leverd.errors import NonsenseError
from leverd.settings import Settings

_PENDING_OWNER = Function("pending_owner()")


@dataclass(frozen=True, slots=True)
class Contract:
    """What an account contract of ours says of itself."""

    state: AccountState
    pending_owner: str  # the zero address: ownership is offered to nobody
    bounds: Bounds
    lost_today: int  # cents
    pinned: bool  # the market's pool and revision are still those the owner knew


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing held or owed."""

    kind: LegKind
    amount: Amount


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Everything about one account, of one moment."""

    mandate: Mandate
    deployed: bool  # False: the settings name no account yet
    code_hash: str  # of the code that runs, "" for a plain address
    ours: bool  # that code is ours, or there is none
    contract: Contract | None  # None for a plain address, and where nothing like ours answers
    signer: str  # the address of the key in the settings
    state: State | None  # None where the account cannot be read
    stand: Stand | None
    holdings: Sequence[Holding]
    names: Mapping[str, str]  # lower-case address -> token or pool name

    @property
    def operated(self) -> bool:
        """Whether our key may act on it."""
        if self.contract is None:
            return self.mandate.account.lower() == self.signer.lower()
        return self.contract.state.operator.lower() == self.signer.lower()


def shown(settings: Settings, position: str = "") -> Sequence[AccountFacts]:
    """Return the facts of `position`'s account, or ("") of every one.

    Raises:
        UnreachableError: no node answers.
    """
    return asyncio.run(_shown(settings, position))


async def _shown(settings: Settings, position: str) -> Sequence[AccountFacts]:
    places = resolve(settings, undeployed=NOWHERE)
    async with watching(settings, places) as chain:
        return [
            await facts(chain, mandate)
            for mandate in places.mandates
            if position in {"", mandate.position_id}
        ]


async def facts(chain: Chain, mandate: Mandate) -> AccountFacts:
    """Return the facts of `mandate`'s account."""
    survey = await chain.evm.survey()
    kind = survey.accounts[mandate.account.lower()]
    contract, state = None, None
    try:
        if kind.state is not None:
            contract = await _contract(chain, mandate, survey)
        state = await _state(chain, mandate)
    except NonsenseError:
        if kind.trusted:
            raise  # a stranger's contract need not answer as ours does
    return AccountFacts(
        mandate=mandate,
        deployed=mandate.account != NOWHERE,
        code_hash=kind.code_hash,
        ours=kind.trusted,
        contract=contract,
        signer=chain.venue.signer,
        state=state,
        stand=None if state is None else stand_of(state, state.at),
        holdings=() if state is None else [_held(state, leg) for leg in state.position.legs()],
        names=_names(chain, survey),
    )


async def _state(chain: Chain, mandate: Mandate) -> State:
    observed = await chain.venue.observe((mandate,))
    return observed.positions[mandate.position_id].state


async def _contract(chain: Chain, mandate: Mandate, survey: Survey) -> Contract:
    account, market = mandate.account, survey.markets[mandate.lending]
    state, pending, bounds, lost = await ask(
        chain.client,
        reads.together(
            [
                contracts.state(account),
                reads.address(account, _PENDING_OWNER),
                contracts.bounds(account),
                reads.number(account, LOST_TODAY),
            ]
        ),
    )
    known = (state.lending_pool, state.lending_revision)
    return Contract(state, pending, bounds, lost, known == (market.pool, market.revision))


def _held(state: State, leg: Leg) -> Holding:
    return Holding(leg.kind, Amount(leg.asset, leg_amount(state, leg)))


async def names_on(chain: Chain) -> Mapping[str, str]:
    """Return what the settings call tokens and pools, by lower-case address."""
    return _names(chain, await chain.evm.survey())


def _names(chain: Chain, survey: Survey) -> dict[str, str]:
    tokens = {at.lower(): asset.symbol for asset, at in chain.config.addresses.items()}
    return tokens | {place.address.lower(): name for name, place in survey.pools.items()}


def contract_of(found: AccountFacts) -> Contract:
    """Return the contract behind `found`.

    Raises:
        NonsenseError: there is none of ours.
    """
    if found.contract is None:
        raise NonsenseError(
            f"{found.mandate.account} is no account contract of ours",
            number=12,
            place=f"positions.{found.mandate.position_id}.account",
            remedy="deploy one with `leverd account deploy`",
        )
    return found.contract
