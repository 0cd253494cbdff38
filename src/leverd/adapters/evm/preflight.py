"""What must be true before anything is signed: used by `leverd doctor` and at every start.

Nothing is sent. Findings come all at once, each with its code and remedy; only a node that
does not answer, or is on another chain, ends the list early.
"""

from __future__ import annotations

from collections.abc import Sequence

from leverd.adapters.evm import batch, codes, erc20
from leverd.adapters.evm.aave import reserves as aave_reserves
from leverd.adapters.evm.account_checks import account_findings, bounds_findings
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.findings import Finding, Severity, placed
from leverd.adapters.evm.reads import each
from leverd.adapters.evm.survey import accounts, ask, market, pool, wrong_decimals
from leverd.adapters.evm.users import Users
from leverd.domain.position import Mandate
from leverd.errors import (
    NonsenseError,
    OwnerError,
    RevertedError,
    UnreachableError,
)


async def check(
    config: EvmVenueConfig, client: EvmClient, signer: str, mandates: Sequence[Mandate] = ()
) -> list[Finding]:
    """Return everything that is wrong with `config` and `mandates` on the chain it names.

    Raises:
        UnreachableError: no node answers.
    """
    users = Users(config, mandates)
    findings, told = await _market(config, client, users)
    if not told:
        return findings
    kinds, is_market_fine = await accounts(client, config), not findings
    for kind in kinds.values():
        findings += await account_findings(kind, client, signer, users.of_account(kind.address))
    barred = {name for each in findings if each.severity is not Severity.NOTE
              for name in each.positions or ()}  # fmt: skip
    for mandate in mandates if is_market_fine else ():
        if mandate.position_id not in barred:
            contract = kinds[mandate.account.lower()].state is not None
            bounds_found = await bounds_findings(config, client, mandate) if contract else []
            findings += bounds_found or await _modes(config, client, mandate)
    findings += await _rehearsal(config, client, signer)
    return findings + await _gas(client, signer)


async def check_market(
    config: EvmVenueConfig, client: EvmClient, mandates: Sequence[Mandate] = ()
) -> list[Finding]:
    """Return everything that is wrong with the chain, tokens and venues that `config` names.

    For those who only look: accounts and keys are not asked about.

    Raises:
        UnreachableError: no node answers.
    """
    findings, _ = await _market(config, client, Users(config, mandates))
    return findings


async def _market(
    config: EvmVenueConfig, client: EvmClient, users: Users
) -> tuple[list[Finding], bool]:
    """Return the findings, and whether it makes sense to look any further."""
    try:
        await client.chain_id()
    except NonsenseError as error:
        return [Finding(Severity.ERROR, error)], False
    findings = await _codes(config, client, users)
    if findings:
        return findings, False  # what follows would only say the same in other words
    findings += await _tokens(config, client, users)
    findings += await _venues(config, client, users)
    return findings, True


async def _codes(config: EvmVenueConfig, client: EvmClient, users: Users) -> list[Finding]:
    """Return a finding for each configured contract that is no contract."""
    places: dict[str, tuple[str, frozenset[str] | None]] = {"multicall": (config.multicall, None)}
    for token in config.tokens:
        places[f"tokens.{token.asset.symbol}"] = (token.address, users.of_token(token.asset))
    for lending in config.lending:
        places[f"venues.{lending.name}.provider"] = (lending.provider, users.of_venue(lending.name))
    for venue in config.pools:
        whose = users.of_venue(venue.name)
        places[f"venues.{venue.name}.factory"] = (venue.factory, whose)
        places[f"venues.{venue.name}.quoter"] = (venue.quoter, whose)
        if venue.router:
            places[f"venues.{venue.name}.router"] = (venue.router, whose)
    found = await client.codes([address for address, _ in places.values()])
    return [
        Finding(
            Severity.ERROR,
            NonsenseError(
                f"no contract at {address}",
                number=codes.NO_CODE,
                place=place,
                remedy="check the address, and that chain.rpc is a node of the right chain",
            ),
            whose,
        )
        for (place, (address, whose)), code in zip(places.items(), found, strict=True)
        if not code
    ]


async def _tokens(config: EvmVenueConfig, client: EvmClient, users: Users) -> list[Finding]:
    findings = []
    for token in config.tokens:
        whose = users.of_token(token.asset)
        try:
            decimals = await ask(client, erc20.decimals(token.address))
        except NonsenseError as error:
            findings.append(Finding(Severity.ERROR, error, whose))
            continue
        if decimals != token.asset.decimals:
            wrong = wrong_decimals(token.asset, decimals)
            findings.append(Finding(Severity.ERROR, wrong, whose))
    return findings


async def _venues(config: EvmVenueConfig, client: EvmClient, users: Users) -> list[Finding]:
    findings = []
    for lending in config.lending:
        whose = users.of_venue(lending.name)
        try:
            found = await market(client, config, lending)
        except NonsenseError as error:
            if error.number != codes.WRONG_DECIMALS:  # the token's own finding says that
                findings.append(Finding(Severity.ERROR, placed(error, lending.name), whose))
            continue
        if found.moved_to:
            findings.append(
                Finding(
                    Severity.REDUCING,
                    NonsenseError(
                        f"the provider names pool {found.moved_to} now, and pool {found.pool}"
                        " keeps what is ours",
                        number=codes.MOVED,
                        place=lending.name,
                        remedy="close what is there; until then it is only lowered",
                    ),
                    whose,
                )
            )
        elif not found.trusted:
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
                    whose,
                )
            )
    for venue in config.pools:
        try:
            await pool(client, config, venue)
        except NonsenseError as error:
            whose = users.of_venue(venue.name)
            findings.append(Finding(Severity.ERROR, placed(error, venue.name), whose))
    return findings


async def _modes(config: EvmVenueConfig, client: EvmClient, mandate: Mandate) -> list[Finding]:
    """Return a note for each asset of a mandate that its market keeps apart from others."""
    venue = next(venue for venue in config.lending if venue.name == mandate.lending)
    pool = (await market(client, config, venue)).pool
    both = [mandate.collateral, mandate.debt]
    found = await ask(
        client,
        each({one: aave_reserves.reserve_data(pool, config.addresses[one]) for one in both}),
    )
    isolated, _ = aave_reserves.unmodelled(found[mandate.collateral].configuration)
    _, siloed = aave_reserves.unmodelled(found[mandate.debt].configuration)
    return [
        Finding(
            Severity.NOTE,
            NonsenseError(
                f"{asset.symbol} {said}: what that forbids is not reckoned with",
                number=codes.APART,
                place=f"positions.{mandate.position_id}.{part}",
                remedy="choose an asset without; the pool may refuse to lend, never to repay",
            ),
            frozenset({mandate.position_id}),
        )
        for part, asset, said, holds in (
            ("collateral", mandate.collateral, "has a debt ceiling (isolation)", isolated),
            ("debt", mandate.debt, "is borrowed alone (siloed)", siloed),
        )
        if holds
    ]


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
