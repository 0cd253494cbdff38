"""What must be true before anything is signed: used by `leverd doctor` and at every start.

Nothing is sent. Findings come all at once, each with its code and remedy; only a node that
does not answer, or is on another chain, ends the list early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leverd.adapters.evm import batch, codes, erc20
from leverd.adapters.evm.aave import reserves as aave_reserves
from leverd.adapters.evm.account import AccountKind, bounds
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.reads import each
from leverd.adapters.evm.survey import accounts, ask, market, pool, wrong_decimals
from leverd.domain.position import Mandate
from leverd.errors import (
    LeverdError,
    NonsenseError,
    OwnerError,
    RevertedError,
    UnreachableError,
)


class Severity(StrEnum):
    """What a finding means for a start."""

    ERROR = "error"
    """Nothing may be signed."""

    REDUCING = "reducing"
    """No new risk; open positions may still be lowered."""

    NOTE = "note"
    """For the owner to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    severity: Severity
    error: LeverdError

    @property
    def code(self) -> str:
        """The stable code, e.g. `LVD-CHN-002`."""
        return self.error.code


_BYTES_SHOWN: Final = 10


async def check(
    config: EvmVenueConfig, client: EvmClient, signer: str, mandates: Sequence[Mandate] = ()
) -> list[Finding]:
    """Return everything that is wrong with `config` and `mandates` on the chain it names.

    Raises:
        UnreachableError: no node answers.
    """
    findings, told = await _market(config, client)
    if not told:
        return findings
    kinds = await accounts(client, config)
    findings += await _accounts(kinds, client, signer)
    for mandate in mandates:
        if not findings and kinds[mandate.account.lower()].state is not None:
            findings += await _bounds(config, client, mandate)
    if not findings:
        findings += await _modes(config, client, mandates)
    findings += await _rehearsal(config, client, signer)
    return findings + await _gas(client, signer)


async def check_market(config: EvmVenueConfig, client: EvmClient) -> list[Finding]:
    """Return everything that is wrong with the chain, tokens and venues that `config` names.

    For those who only look: accounts and keys are not asked about.

    Raises:
        UnreachableError: no node answers.
    """
    findings, _ = await _market(config, client)
    return findings


async def _market(config: EvmVenueConfig, client: EvmClient) -> tuple[list[Finding], bool]:
    """Return the findings, and whether it makes sense to look any further."""
    try:
        await client.chain_id()
    except NonsenseError as error:
        return [Finding(Severity.ERROR, error)], False
    findings = await _codes(config, client)
    if findings:
        return findings, False  # what follows would only say the same in other words
    findings += await _tokens(config, client)
    findings += await _venues(config, client)
    return findings, True


async def _codes(config: EvmVenueConfig, client: EvmClient) -> list[Finding]:
    """Return a finding for each configured contract that is no contract."""
    places = {"multicall": config.multicall}
    places |= {f"tokens.{token.asset.symbol}": token.address for token in config.tokens}
    places |= {f"venues.{venue.name}.provider": venue.provider for venue in config.lending}
    for venue in config.pools:
        places[f"venues.{venue.name}.factory"] = venue.factory
        places[f"venues.{venue.name}.quoter"] = venue.quoter
        if venue.router:
            places[f"venues.{venue.name}.router"] = venue.router
    found = await client.codes(list(places.values()))
    return [
        Finding(
            Severity.ERROR,
            NonsenseError(
                f"no contract at {address}",
                number=codes.NO_CODE,
                place=place,
                remedy="check the address, and that chain.rpc is a node of the right chain",
            ),
        )
        for (place, address), code in zip(places.items(), found, strict=True)
        if not code
    ]


async def _tokens(config: EvmVenueConfig, client: EvmClient) -> list[Finding]:
    reads = each({token.asset: erc20.decimals(token.address) for token in config.tokens})
    try:
        found = await ask(client, reads)
    except NonsenseError as error:
        return [Finding(Severity.ERROR, error)]
    return [
        Finding(Severity.ERROR, wrong_decimals(token.asset, found[token.asset]))
        for token in config.tokens
        if found[token.asset] != token.asset.decimals
    ]


async def _venues(config: EvmVenueConfig, client: EvmClient) -> list[Finding]:
    findings = []
    for lending in config.lending:
        try:
            found = await market(client, config, lending)
        except NonsenseError as error:
            findings.append(Finding(Severity.ERROR, _placed(error, lending.name)))
            continue
        if not found.trusted:
            findings.append(
                Finding(
                    Severity.REDUCING,
                    NonsenseError(
                        f"pool revision {found.revision} is none that leverd knows"
                        f" (read as {found.rules.name})",
                        number=codes.UNKNOWN_REVISION,
                        place=lending.name,
                        remedy="update leverd; until then positions are only lowered",
                    ),
                )
            )
    for venue in config.pools:
        try:
            await pool(client, config, venue)
        except NonsenseError as error:
            findings.append(Finding(Severity.ERROR, _placed(error, venue.name)))
    return findings


async def _accounts(
    kinds: Mapping[str, AccountKind], client: EvmClient, signer: str
) -> list[Finding]:
    findings: list[Finding] = []
    for kind in kinds.values():
        if kind.state is None:
            findings += _plain(kind, signer)
            continue
        if not kind.trusted:
            findings.append(
                Finding(
                    Severity.REDUCING,
                    NonsenseError(
                        f"the code behind {kind.address} is not one of ours"
                        f" (hash {kind.code_hash[:_BYTES_SHOWN]}…)",
                        number=codes.FOREIGN_CODE,
                        place="positions",
                        remedy="deploy an account with `leverd account deploy` and move into it",
                    ),
                )
            )
        try:
            state = await ask(client, kind.state)
        except NonsenseError as error:
            findings.append(Finding(Severity.ERROR, _placed(error, kind.address)))
            continue
        if state.operator.lower() != signer.lower():
            findings.append(
                Finding(
                    Severity.ERROR,
                    OwnerError(
                        f"{kind.address} takes calls from {state.operator}, not from our key"
                        f" {signer}",
                        number=codes.NOT_OPERATOR,
                        place="positions",
                        remedy="`leverd account appoint` by the owner, or the right key here",
                    ),
                )
            )
        if state.owner.lower() == signer.lower():
            findings.append(
                Finding(
                    Severity.NOTE,
                    OwnerError(
                        f"our hot key owns {kind.address}, so its bounds protect nobody",
                        number=codes.KEY_IS_OWNER,
                        place="positions",
                        remedy="offer the account to a cold key",
                    ),
                )
            )
    return findings


async def _bounds(config: EvmVenueConfig, client: EvmClient, mandate: Mandate) -> list[Finding]:
    """Return what a mandate wants that its account's owner does not allow."""
    allowed = await ask(client, bounds(mandate.account))
    venue = next(venue for venue in config.pools if venue.name == mandate.pool)
    place = await pool(client, config, venue)
    wanted = {
        "collateral": config.addresses[mandate.collateral] == allowed.collateral,
        "debt": config.addresses[mandate.debt] == allowed.debt,
        "pool": place.address in allowed.swap_pools,
        "emode": mandate.emode in (0, allowed.emode),
    }
    return [
        Finding(
            Severity.ERROR,
            OwnerError(
                f"the account's owner does not allow this {what}",
                number=codes.OUT_OF_BOUNDS,
                place=f"positions.{mandate.position_id}.{what}",
                remedy="change the position, or `leverd account bounds` with the owner's key",
            ),
        )
        for what, fine in wanted.items()
        if not fine
    ]


async def _modes(
    config: EvmVenueConfig, client: EvmClient, mandates: Sequence[Mandate]
) -> list[Finding]:
    """Return a note for each mandate's asset that its market keeps apart from others."""
    findings = []
    for mandate in mandates:
        venue = next(venue for venue in config.lending if venue.name == mandate.lending)
        pool = (await market(client, config, venue)).pool
        both = [mandate.collateral, mandate.debt]
        found = await ask(
            client,
            each({one: aave_reserves.reserve_data(pool, config.addresses[one]) for one in both}),
        )
        isolated, _ = aave_reserves.unmodelled(found[mandate.collateral].configuration)
        _, siloed = aave_reserves.unmodelled(found[mandate.debt].configuration)
        findings += [
            Finding(
                Severity.NOTE,
                NonsenseError(
                    f"{asset.symbol} {said}: what that forbids is not reckoned with",
                    number=codes.APART,
                    place=f"positions.{mandate.position_id}.{part}",
                    remedy="choose an asset without; the pool may refuse to lend, never to repay",
                ),
            )
            for part, asset, said, holds in (
                ("collateral", mandate.collateral, "has a debt ceiling (isolation)", isolated),
                ("debt", mandate.debt, "is borrowed alone (siloed)", siloed),
            )
            if holds
        ]
    return findings


def _plain(kind: AccountKind, signer: str) -> Sequence[Finding]:
    if kind.address.lower() == signer.lower():
        return ()
    error = OwnerError(
        f"{kind.address} is neither a contract nor the address of our key",
        number=codes.NOT_OPERATOR,
        place="positions",
        remedy="name an account contract, or the key's own address",
    )
    return (Finding(Severity.ERROR, error),)


async def _rehearsal(config: EvmVenueConfig, client: EvmClient, signer: str) -> list[Finding]:
    """Return a finding where not even a read can be tried: no step could be, and none is sent."""
    try:
        await client.rehearse(batch.facts(config.multicall)[0], sender=signer)
    except (NonsenseError, RevertedError, UnreachableError) as error:
        refused = NonsenseError(
            f"the node tries no call before it is sent: {error}",
            number=codes.NO_REHEARSAL,
            place="chain.rpc",
            remedy="use an RPC that serves eth_simulateV1, or eth_call and eth_estimateGas",
        )
        return [Finding(Severity.NOTE, refused)]
    return []


async def _gas(client: EvmClient, signer: str) -> list[Finding]:
    if await client.balance(signer):
        return []
    error = OwnerError(
        f"{signer} has nothing to pay gas with",
        number=codes.NO_GAS,
        place="key",
        remedy="send it native tokens for several deleverages at the year's highest base fee",
    )
    return [Finding(Severity.ERROR, error)]


def _placed(error: NonsenseError, place: str) -> NonsenseError:
    error.place = error.place or place
    return error
