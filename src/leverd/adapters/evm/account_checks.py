"""What must be true of the account that keeps a position before anything is signed for it."""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm import codes
from leverd.adapters.evm.account import AccountKind, bounds
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.findings import Finding, Severity, placed
from leverd.adapters.evm.survey import ask, pool
from leverd.domain.position import Mandate
from leverd.errors import NonsenseError, OwnerError

_BYTES_SHOWN: Final = 10


async def account_findings(
    kind: AccountKind, client: EvmClient, signer: str, whose: frozenset[str]
) -> list[Finding]:
    """Return what is wrong with an account of the positions `whose`, for the key `signer`."""
    if kind.state is None:
        return _plain(kind, signer, whose)
    findings: list[Finding] = []
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
                whose,
            )
        )
    try:
        state = await ask(client, kind.state)
    except NonsenseError as error:
        return [*findings, Finding(Severity.ERROR, placed(error, kind.address), whose)]
    if state.operator.lower() != signer.lower():
        findings.append(
            Finding(
                Severity.ERROR,
                OwnerError(
                    f"{kind.address} takes calls from {state.operator}, not from our key {signer}",
                    number=codes.NOT_OPERATOR,
                    place="positions",
                    remedy="`leverd account appoint` by the owner, or the right key here",
                ),
                whose,
                watchable=True,
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
                whose,
            )
        )
    return findings


async def bounds_findings(
    config: EvmVenueConfig, client: EvmClient, mandate: Mandate
) -> list[Finding]:
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
            frozenset({mandate.position_id}),
            watchable=what in {"pool", "emode"},  # with other assets all that is read means others
        )
        for what, fine in wanted.items()
        if not fine
    ]


def _plain(kind: AccountKind, signer: str, whose: frozenset[str]) -> list[Finding]:
    if kind.address.lower() == signer.lower():
        return []
    error = OwnerError(
        f"{kind.address} is neither a contract nor the address of our key",
        number=codes.NOT_OPERATOR,
        place="positions",
        remedy="name an account contract, or the key's own address",
    )
    return [Finding(Severity.ERROR, error, whose)]
