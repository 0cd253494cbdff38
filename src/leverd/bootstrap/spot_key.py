"""The key that trades spot: read anew while it trades, and another account's only in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from leverd.bootstrap.own_thread import in_own_thread
from leverd.bootstrap.renewal import Fresh
from leverd.bootstrap.secret_places import secret_of
from leverd.bootstrap.signing_alone import SignerLock, spot_lock
from leverd.bootstrap.spot_home import check_home, home_of
from leverd.domain.spot import Spot
from leverd.domain.spot_home import SpotHome
from leverd.engine.spot_desk import SpotDesk
from leverd.settings import Settings

if TYPE_CHECKING:
    from leverd.adapters.injective.signer import InjectiveSigner
    from leverd.adapters.injective.venue import InjectiveSpot
    from leverd.settings.spot import SpotSection

_INJ: Final = 10**18


@dataclass(frozen=True, slots=True)
class SpotKeyHolder:
    """Who signs spot orders. What is held or in flight ties it to its account."""

    venue: InjectiveSpot
    desk: SpotDesk
    lock: SignerLock
    spot: Callable[[], Spot]
    path: ClassVar[tuple[str, ...]] = ("spot", "access")

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:  # noqa: ARG002 -- the Protocol's
        """Return the key that is there now: of the same account, or of another while flat."""
        section = settings.spot
        if section is None or section.access is None:
            return None
        return self.fresh(section, await signer_tried(section, self.spot()))

    def fresh(self, section: SpotSection, signer: InjectiveSigner) -> Fresh:
        """Return `signer`, which was tried, as the one to go on with."""
        if signer.address == self.venue.account:
            return Fresh("", partial(self.venue.renew, signer))
        told = f"spot.access: trades for {signer.address}"
        change = partial(self._change, home_of(section, signer.address), signer)
        return Fresh(told, partial(self.desk.change_account, change))

    def _change(self, home: SpotHome, signer: InjectiveSigner) -> None:
        """Trade for another account from here on.

        Raises:
            SecretError: something is held or in flight by now.
            JournalLockedError: another process trades for it.
        """
        check_home(self.spot(), home)
        self.lock.become(spot_lock(home.chain_id, home.account))
        self.venue.renew(signer)


async def signer_tried(section: SpotSection, spot: Spot) -> InjectiveSigner:
    """Return who signs with the key that is there now, `spot` being what the journal knows.

    Raises:
        SecretError: it is not there, no key, or another account's than what is held.
        JournalForeignError: what is held is another market's, subaccount's or chain's.
        UnreachableError: its place does not answer.
    """
    signer = await in_own_thread(partial(signer_of, section))
    check_home(spot, home_of(section, signer.address))
    return signer


def signer_of(section: SpotSection) -> InjectiveSigner:
    """Return who signs for the account of the settings' key.

    Raises:
        SecretError: it is not there, or no key.
        UnreachableError: its place does not answer.
    """
    from leverd.adapters.injective.signer import InjectiveSigner  # noqa: PLC0415 -- loads injective-py

    assert section.access is not None, "the form check wants it"
    fee_max = int(section.venue.fee_inj_max * _INJ)
    return InjectiveSigner(secret_of(section.access, os.environ), fee_max=fee_max)
