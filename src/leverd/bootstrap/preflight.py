"""The chain's part of `leverd doctor`: ask it everything a start would ask, and sign nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leverd.adapters.evm import keystore, preflight
from leverd.adapters.evm.preflight import Severity
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.chain import key_of, open_client, venue_config
from leverd.bootstrap.checks import Check, Status
from leverd.bootstrap.places import Places, resolve
from leverd.settings import Key, Settings

_CONNECT_S: Final = 10.0


def checks(settings: Settings) -> Sequence[Check]:
    """Return what is wrong with the chain the settings name, or that nothing is.

    Raises:
        UnreachableError: no node answers.
        SecretError: the key's address cannot be told.
    """
    return asyncio.run(_asked(settings, resolve(settings)))


def address_of(key: Key) -> str:
    """Return the operator's address; a keystore tells it without its password."""
    if key.keystore is not None:
        return keystore.address_in(Path(key.keystore))
    return str(key_of(key, os.environ).address)


async def _asked(settings: Settings, places: Places) -> Sequence[Check]:
    signer = address_of(settings.key)
    config = venue_config(settings, places, settings.limits.limits())
    client = open_client(config, SystemClock())
    try:
        await client.connect(deadline_s=_CONNECT_S)
        findings = await preflight.check(config, client, signer, places.mandates)
    finally:
        await client.close()
    found = [
        Check(
            finding.code,
            Status.NOTE if finding.severity is Severity.NOTE else Status.BAD,
            finding.error.message,
            finding.error.remedy,
        )
        for finding in findings
    ]
    return found or [
        Check("chain", Status.GOOD, f"chain {places.chain_id} is as the settings say, for {signer}")
    ]
