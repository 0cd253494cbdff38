"""Two daemons, one of which acts: what the settings say of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from leverd.settings.types import Flag, Model, Positive

RENEWALS_MIN: Final = 3
"""Renewals that must fit into a lease: one that is lost must not end it."""


class StandbySection(Model):
    """A lease at `journal.copy_to`: who holds it acts, who does not waits. Wall seconds."""

    enabled: Annotated[
        Flag, Field(description="act only while holding the lease at journal.copy_to")
    ] = False
    ttl_s: Annotated[
        Positive, Field(ge=1, le=60, description="how long a lease lasts unless it is renewed")
    ] = Decimal(5)
    renew_s: Annotated[
        Positive, Field(description="between two renewals, and between two looks of who waits")
    ] = Decimal(1)
