"""The services that an owner names, one Apprise URL a line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from leverd.adapters.apprise_notifier.outbox import Message
from leverd.domain.severity import Severity
from leverd.errors import OwnerError, SecretError
from leverd.interfaces.secrets import Secret

_KINDS: Final = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "failure",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One service; its name shows nothing secret."""

    name: str
    service: Any  # apprise.NotifyBase

    def send(self, message: Message) -> bool:
        """Return whether the service took `message`; takes seconds, and raises nothing."""
        try:
            taken = self.service.notify(
                body=message.body, title=message.title, notify_type=_KINDS[message.severity]
            )
        except Exception:  # noqa: BLE001 -- plugins of a hundred services raise what they like
            return False
        return bool(taken)

    def is_same(self, other: Target) -> bool:
        """Return whether `other` is the same service, reached with the same secrets."""
        return bool(self.name == other.name and self.service.url() == other.service.url())


def targets_of(urls: Secret) -> Sequence[Target]:
    """Return the services in `urls`: a line for each, `#` begins a remark.

    Raises:
        OwnerError: Apprise is not installed.
        SecretError: a line names no service, or there is none.
    """
    try:
        import apprise  # noqa: PLC0415 -- heavy, and only where alerts are to be sent
    except ImportError as error:
        raise OwnerError(
            "alerts to services need Apprise",
            number=113,
            place="alerts.to",
            remedy="pip install 'leverd[alerts]'",
        ) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs URLs, which hold tokens
    found = []
    for number, line in enumerate(urls.reveal().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        service = apprise.Apprise.instantiate(Secret(text).reveal(), suppress_exceptions=True)
        if service is None:
            raise _wrong(f"line {number} names no service that Apprise knows")
        found.append(Target(f"{service.service_name} (line {number})", service))
    if not found:
        raise _wrong("no service is named there")
    return found


def _wrong(why: str) -> SecretError:
    return SecretError(
        f"the alerts' targets cannot be used: {why}",
        number=91,
        place="alerts.to",
        remedy="one Apprise URL a line, as tgram://TOKEN/CHAT or mailto://...; "
        "see github.com/caronc/apprise/wiki",
    )
