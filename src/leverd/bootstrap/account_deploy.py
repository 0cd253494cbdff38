"""A new account: where it will stand, what its owner allows, and the errands that make it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from leverd.adapters.evm import account_factory, codes
from leverd.adapters.evm import reads as chain_reads
from leverd.adapters.evm.account import Bounds, behind, kind_of
from leverd.adapters.evm.survey import ask
from leverd.bootstrap.account_bounds import BoundsWishes, bounds_of
from leverd.bootstrap.chain import Chain, account_artifact
from leverd.bootstrap.errands import Errand
from leverd.bootstrap.places import Places
from leverd.domain.position import Mandate
from leverd.errors import NonsenseError, OwnerError
from leverd.risk.limits import Limits


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person says of the new account."""

    owner: str
    operator: str
    salt: str
    factory: str = ""
    bounds: BoundsWishes = field(default_factory=BoundsWishes)


@dataclass(frozen=True, slots=True)
class Deployment:
    """An account to be, and what is still to do for it."""

    account: str
    factory: str
    owner: str
    operator: str
    bounds: Bounds
    errands: Sequence[Errand]  # none: it stands already


async def deployment(
    chain: Chain, places: Places, mandate: Mandate, limits: Limits, wishes: Wishes
) -> Deployment:
    """Return the account that `wishes` lead to; nothing is sent.

    Raises:
        NonsenseError: the factory is not ours.
        OwnerError: there is no factory, and nothing to deploy one with.
    """
    bounds = await bounds_of(chain, mandate, limits, wishes.bounds)
    provider = places.lending[mandate.lending]
    factory, implementation, errands = await _factory(chain, provider, wishes.factory, places)
    salt = account_factory.salt_of(wishes.salt)
    roles = (wishes.owner, wishes.operator)
    account = account_factory.account_at(factory, implementation, *roles, bounds, salt)
    if not await chain.client.code(account):
        call = account_factory.create(factory, *roles, bounds, salt)
        errands.append(Errand(f"make the account {account}", call))
    return Deployment(account, factory, *roles, bounds, errands)


async def check_made(chain: Chain, account: str) -> None:
    """Check that what stands at `account` runs our code.

    Raises:
        NonsenseError: it does not.
    """
    code = await chain.client.code(account)
    implementation = behind(code)
    implemented = await chain.client.code(implementation) if implementation else code
    kind = kind_of(account, code, implemented, chain.config.account_code_hashes)
    if not code or not kind.trusted:
        raise NonsenseError(
            f"what stands at {account} is not our account", number=codes.FOREIGN_CODE
        )


async def _factory(
    chain: Chain, provider: str, named: str, places: Places
) -> tuple[str, str, list[Errand]]:
    """Return the factory, whose clones it makes, and what is left to deploy of the two."""
    if named:
        return named, await _implementation(chain, named), []
    if places.account_factory:
        # A devnet made before our contracts changed carries one of the old ones.
        with suppress(NonsenseError):
            known = places.account_factory
            return known, await _implementation(chain, known), []
    return await _made(chain, provider)


async def _implementation(chain: Chain, factory: str) -> str:
    """Return whose clones a factory makes, having checked the code of both.

    Raises:
        NonsenseError: one of them is not ours.
    """
    code = await chain.client.code(factory)
    try:
        found = await ask(
            chain.client, chain_reads.address(factory, account_factory.IMPLEMENTATION)
        )
    except NonsenseError:
        found = ""
    runtime = account_artifact("AccountFactory")["runtime_bytecode"]
    if not found or code != account_factory.factory_code(runtime, found):
        raise NonsenseError(
            f"{factory} is no account factory of ours",
            number=codes.FOREIGN_FACTORY,
            place="--factory",
            remedy="leave --factory out, and one is found or made",
        )
    await check_made(chain, found)
    return found


async def _made(chain: Chain, provider: str) -> tuple[str, str, list[Errand]]:
    """Return where factory and implementation stand or will, and what is left to deploy."""
    implementing = account_factory.creation(account_artifact("Account")["bytecode"], provider)
    implementation = account_factory.deployed_at(implementing)
    making = account_factory.creation(
        account_artifact("AccountFactory")["bytecode"], implementation
    )
    factory = account_factory.deployed_at(making)
    wanted = (("implementation", implementation, implementing), ("factory", factory, making))
    errands = [
        Errand(f"deploy the {what} at {address}", account_factory.deploy(code))
        for what, address, code in wanted
        if not await chain.client.code(address)
    ]
    if errands and not await chain.client.code(account_factory.DEPLOYER):
        raise OwnerError(
            "this chain carries no keyless deployer to make a factory with",
            number=codes.NO_DEPLOYER,
            place=account_factory.DEPLOYER,
            remedy="deploy contracts/AccountFactory.vy yourself, and name it with --factory",
        )
    return factory, implementation, errands
