"""Whoever is to hear of alerts, by settings."""

from __future__ import annotations

import os
from collections.abc import Sequence

from loguru import logger

from leverd.adapters.apprise_notifier import AppriseNotifier, Policy, Target, targets_of
from leverd.bootstrap.secret_places import secret_of
from leverd.domain.severity import Severity
from leverd.errors import UnreachableError
from leverd.interfaces.clock import Clock
from leverd.settings.alerts import AlertsSection


def services_of(section: AlertsSection) -> Sequence[Target]:
    """Return the services that the owner named.

    Raises:
        OwnerError: Apprise is not installed.
        SecretError: their URLs are missing, readable by others, or name no service.
        UnreachableError: the place they come from does not answer.
    """
    return targets_of(secret_of(section.to, os.environ))


def notifier_of(section: AlertsSection | None, clock: Clock) -> AppriseNotifier | None:
    """Return what sends alerts, not started yet; None where the log is all there is.

    Raises:
        OwnerError: Apprise is not installed.
        SecretError: the services' URLs cannot be used.
    """
    if section is None:
        return None
    targets: Sequence[Target] = ()
    try:
        targets = services_of(section)
    except UnreachableError as error:  # no reason not to guard
        logger.error("alerts reach nobody until a reload: {}", error)
    return AppriseNotifier(targets, policy_of(section), clock)


def policy_of(section: AlertsSection) -> Policy:
    """Return which alerts are sent, and how often."""
    return Policy(
        least=Severity[section.least.upper()],
        codes={
            code: None if said == "never" else Severity[said.upper()]
            for code, said in section.codes.items()
        },
        group_s=float(section.group_s),
        hour_max=section.hour_max,
    )
