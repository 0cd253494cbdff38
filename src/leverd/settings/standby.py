"""Two daemons, one of which acts: what the settings say of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from leverd.settings.types import Flag, Model, Positive

RENEWALS_MIN: Final = 3
"""Renewals that must fit into a lease: one that is lost must not end it."""

ANSWERS_MIN: Final = 2
"""Answers of a node that must fit into `blind_s`: one that does not come is a hiccup."""


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
    blind_s: Annotated[
        Positive, Field(description="how late a holder's look at the chain may be")
    ] = Decimal(20)
