"""An account contract for a position that has none yet, on a copy of its chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_account import Account

from leverd.bootstrap.account_deploy import Wishes, deployment
from leverd.bootstrap.errands import Errand, Wallet
from leverd.bootstrap.looking import address_of
from leverd.bootstrap.places import NOWHERE, Places, resolve
from leverd.bootstrap.running import Manner, run

if TYPE_CHECKING:
    from leverd.bootstrap.chain import Chain
    from leverd.settings import Settings

_WAIT_S = 60.0


def made(
    settings: Settings,
    position: str,
    fund: Callable[[str], None],
    tell: Callable[[str], None],
) -> str:
    """Return the address of an account made for `position`, owned by a key nobody keeps.

    `fund` gives an address money for gas. Bounds are those that `leverd account deploy`
    derives from the settings, so that what the copy allows is what the real one would.
    """
    places = resolve(settings, undeployed=NOWHERE)
    owner = Account.create()
    fund(owner.address)
    work = _Work(
        settings, places, position, Wishes(owner.address, address_of(settings.key), position)
    )
    run(
        settings,
        places,
        Wallet(owner.address, owner),
        work.plan,
        Manner(tell, _never, _quiet, _WAIT_S),
    )
    return work.account


@dataclass(slots=True)
class _Work:
    settings: Settings
    places: Places
    position: str
    wishes: Wishes
    account: str = ""

    async def plan(self, chain: Chain, _sender: str) -> Sequence[Errand]:
        mandate = next(each for each in self.places.mandates if each.position_id == self.position)
        limits = self.settings.limits.limits()
        found = await deployment(chain, self.places, mandate, limits, self.wishes)
        self.account = found.account
        return found.errands


def _never(_lines: Sequence[str]) -> None:
    """Ask nobody: it is a copy."""


def _quiet(_what: str) -> AbstractContextManager[object]:
    return nullcontext()
