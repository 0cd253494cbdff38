"""What runs beside a daemon, in threads of its own: the journal's copy, and messages to people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loguru import logger

from leverd.adapters.apprise_notifier import AppriseNotifier
from leverd.adapters.log_notifier import LogNotifier
from leverd.adapters.notifiers import Notifiers
from leverd.adapters.sight_file import sight_path, spot_sight_path, told_in
from leverd.adapters.sql_journal import Server
from leverd.adapters.sql_journal.copying import Copying
from leverd.bootstrap.alerting import notifier_of
from leverd.bootstrap.leased import Post
from leverd.bootstrap.secret_places import secret_of
from leverd.errors import UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.settings import Settings


@dataclass(frozen=True, slots=True)
class Beside:
    """None of it makes a turn wait, and none of it ends one."""

    copying: Copying | None
    services: AppriseNotifier | None
    server: Server | None = None  # of the copy

    @property
    def notifier(self) -> Notifier:
        """Tells the log, and whoever else is to hear."""
        return Notifiers(LogNotifier(), *([self.services] if self.services else []))

    def appended(self, seq: int) -> None:
        """Hear that the journal's last entry is `seq` now."""
        if self.copying is not None:
            self.copying.wake(seq)

    def circuits(self) -> Mapping[str, str]:
        """Return whether what is outside can be reached, as breakers say it."""
        return self.copying.circuits() if self.copying else {}

    def start(self) -> None:
        """Begin; the journal is there by now."""
        for each in (self.copying, self.services):
            if each is not None:
                each.start()

    def close(self) -> None:
        """Finish what can be finished in seconds, and end."""
        for each in (self.copying, self.services):
            if each is not None:
                each.close()


def beside_of(settings: Settings, journal: Path, clock: Clock, post: Post | None = None) -> Beside:
    """Return what the settings want beside the daemon; nothing is started.

    Where two daemons share a copy, it is written by who has a title to the lease.

    Raises:
        OwnerError: what it needs is not installed.
        SecretError: a secret of theirs is not there, or not safe there.
    """
    server = server_at_start(settings) if post is None or post.server is None else post.server
    copying = None
    if server is not None and (post is None or post.title is not None):
        title = None if post is None else post.title
        copying = Copying(journal, server, clock, title, partial(_sights, journal))
    return Beside(copying, notifier_of(settings.alerts, clock), server)


def _sights(journal: Path) -> tuple[str, str]:
    """Return what the last turn and the trader saw, as JSON."""
    return told_in(sight_path(journal)), told_in(spot_sight_path(journal))


def server_of(settings: Settings, *, connections: int = 1) -> Server | None:
    """Return the server of the journal's copy, None where there is to be none.

    Raises:
        OwnerError: its driver is not installed.
        SecretError: its password is not where the settings say.
        UnreachableError: the place that it comes from does not answer.
    """
    section = settings.journal
    if section.copy_to is None:
        return None
    source = section.copy_password
    password = None if source is None else secret_of(source, os.environ)
    return Server(section.copy_to, password, connections=connections)


def server_at_start(settings: Settings) -> Server | None:
    """Return the server as `server_of`; a password that is late is no reason not to guard."""
    try:
        return server_of(settings)
    except UnreachableError as error:
        logger.warning("the copy has no password until a reload: {}", error)
        assert settings.journal.copy_to is not None, "without a copy nothing is asked"
        return Server(settings.journal.copy_to)
