"""An account or plain address that holds a position already: may we keep it, and as what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from leverd.adapters.evm import preflight
from leverd.adapters.evm.findings import Severity
from leverd.bootstrap.account_facts import AccountFacts, facts
from leverd.bootstrap.account_money import plain
from leverd.bootstrap.checks import Check, Status
from leverd.bootstrap.looking import watching
from leverd.bootstrap.places import NOWHERE, resolve
from leverd.domain.position import LegKind
from leverd.settings import Settings

STATUS = {Severity.ERROR: Status.BAD, Severity.REDUCING: Status.BAD, Severity.NOTE: Status.NOTE}


@dataclass(frozen=True, slots=True)
class Adoption:
    """What stands in the way of keeping an account, and what it holds."""

    facts: AccountFacts
    checks: Sequence[Check]

    @property
    def fits(self) -> bool:
        """Whether the settings as they are, with this account, would keep it."""
        return all(each.status is not Status.BAD for each in self.checks)


def adoption(settings: Settings, position: str, address: str) -> Adoption:
    """Return whether `position` of the settings could be the one at `address`.

    Nothing is journaled: the next start finds the position and takes it from there.

    Raises:
        UnreachableError: no node answers.
    """
    return asyncio.run(_adoption(settings, position, address))


async def _adoption(settings: Settings, position: str, address: str) -> Adoption:
    places = resolve(settings, undeployed=NOWHERE)
    found = next(each for each in places.mandates if each.position_id == position)
    mandate = replace(found, account=address)
    async with watching(settings, replace(places, mandates=(mandate,))) as chain:
        signer = chain.venue.signer
        findings = await preflight.check(chain.config, chain.client, signer, (mandate,))
        seen = await facts(chain, mandate)
    checks = [
        Check(each.code, STATUS[each.severity], each.error.message, each.error.remedy)
        for each in findings
    ]
    return Adoption(seen, [*checks, *_unfit(seen)])


def _unfit(found: AccountFacts) -> Sequence[Check]:
    """Return what it holds that the mandate does not keep."""
    mandate, state = found.mandate, found.state
    if state is None:
        return ()
    loan, checks = state.position.loan, []
    wanted = {LegKind.SUPPLIED: mandate.collateral, LegKind.OWED: mandate.debt}
    for each in found.holdings:
        if each.kind in wanted and each.amount.asset != wanted[each.kind]:
            verb = "posts" if each.kind is LegKind.SUPPLIED else "owes"
            text = f"it {verb} {plain(each.amount)} too, which counts but is not managed"
            remedy = "repay it yourself" if each.kind is LegKind.OWED else ""
            status = Status.BAD if each.kind is LegKind.OWED else Status.NOTE
            checks.append(Check("holdings", status, text, remedy))
    if any(loan.debts.values()) and loan.emode != mandate.emode:
        text = f"it is in efficiency category {loan.emode}, the settings say {mandate.emode}"
        checks.append(Check("emode", Status.BAD, text, f"set emode: {loan.emode}"))
    return checks
