"""Who uses a secret while a daemon runs, and how a new one is tried."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from leverd.adapters.apprise_notifier import AppriseNotifier
from leverd.adapters.sql_journal import Server
from leverd.bootstrap.alerting import services_of
from leverd.bootstrap.beside import Beside, server_of
from leverd.bootstrap.chain import key_of
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.own_thread import in_own_thread
from leverd.bootstrap.renewal import Fresh, Holder
from leverd.bootstrap.secret_places import secret_of
from leverd.errors import SecretError
from leverd.settings import Settings

_OTHER_WHILE_OPEN: Final = 50
_OTHER: Final = 51


def holders_of(address: str | None, beside: Beside, feeds: OutsideFeeds) -> Sequence[Holder]:
    """Return every user of a secret in a daemon that signs as `address`, None on paper."""
    found: list[Holder] = [FeedHolder(feeds)]
    if address is not None:
        found.append(KeyHolder(address))
    if beside.services is not None:
        found.append(AlertsHolder(beside.services))
    if beside.server is not None:
        found.append(CopyHolder(beside.server))
    return found


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The signer. Its key stays the one it began with; what is read anew must open the same."""

    address: str
    path: ClassVar[tuple[str, ...]] = ("key",)

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:
        """Return that the key opens, and is the same."""
        account = await in_own_thread(partial(key_of, settings.key, os.environ))
        found = str(account.address)
        if found == self.address:
            return Fresh("", _nothing)
        text = f"it is the key of {found}, and this daemon signs as {self.address}"
        if open_:
            raise SecretError(
                f"{text}: refused while {', '.join(open_)} is open",
                number=_OTHER_WHILE_OPEN,
                place="key",
                remedy="name the old key again; to change it, first `leverd unwind`",
            )
        raise SecretError(
            f"{text}: that takes a restart",
            number=_OTHER,
            place="key",
            remedy=f"stop the daemon, `leverd account appoint {found}`, start it",
        )


@dataclass(frozen=True, slots=True)
class AlertsHolder:
    """The services that hear of alerts."""

    services: AppriseNotifier
    path: ClassVar[tuple[str, ...]] = ("alerts", "to")

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:  # noqa: ARG002 -- the Protocol's
        """Return the services that are named now; each line parses."""
        if settings.alerts is None:
            return None
        targets = await in_own_thread(partial(services_of, settings.alerts))
        if self.services.tells(targets):
            return Fresh("", _nothing)
        return Fresh("alerts.to: read anew", partial(self.services.renew, targets))


@dataclass(frozen=True, slots=True)
class CopyHolder:
    """The journal's copy."""

    server: Server
    path: ClassVar[tuple[str, ...]] = ("journal", "copy_password")

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:  # noqa: ARG002 -- the Protocol's
        """Return the password with which the server lets us in."""
        found = await in_own_thread(partial(server_of, settings))
        if found is None:
            return None
        new, old = found.password, self.server.password
        if new is old or (new is not None and old is not None and new.is_same(old)):
            return Fresh("", _nothing)
        await in_own_thread(found.check)
        told = "journal.copy_password: read anew"
        return Fresh(told, partial(self.server.renew, new))


@dataclass(frozen=True, slots=True)
class FeedHolder:
    """Predictors that ask a service with a key."""

    feeds: OutsideFeeds
    path: ClassVar[tuple[str, ...]] = ("predictions", "allora", "access")

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:  # noqa: ARG002 -- the Protocol's
        """Return the key with which the service answers."""
        section = settings.predictions
        if section is None or section.allora is None or not self.feeds.is_asked:
            return None
        found = await in_own_thread(partial(secret_of, section.allora.access, os.environ))
        if self.feeds.knows(found):
            return Fresh("", _nothing)
        await self.feeds.check(found)
        return Fresh("predictions.allora.access: read anew", partial(self.feeds.renew, found))


def _nothing() -> None:
    """Change nothing."""
