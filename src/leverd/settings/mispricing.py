"""Which other venues say what an asset is worth, and how far they are believed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from leverd.domain.atto import atto_down, atto_up
from leverd.domain.fair_value import FairTerms
from leverd.settings.types import Address, Model, Number, Positive, Url, Whole


class ReferenceSection(Model):
    """Uniswap V3 pools in a row, from the asset to what counts as its quote. Read, never used."""

    kind: Literal["uniswap_v3"]
    chain_id: Annotated[Whole, Field(ge=1)]
    rpc: Annotated[tuple[Url, ...], Field(min_length=1)]
    factory: Address
    tokens: Annotated[
        tuple[Address, ...],
        Field(min_length=2, max_length=4, description="from the asset to its quote"),
    ]
    fees: Annotated[
        tuple[Annotated[Whole, Field(ge=1, lt=1_000_000)], ...],
        Field(min_length=1, description="of the pools between them, parts per million"),
    ]
    quote_error: Annotated[
        Number,
        Field(ge=0, lt=1, description="share its quote may be off the traded one, one sigma"),
    ]


class MispricingSection(Model):
    """What agent mispricing goes by; what bounds a purchase has no default."""

    margin: Annotated[
        Positive, Field(description="errors of the fair value that a purchase stays below it")
    ]
    disagreement_max: Annotated[
        Number, Field(ge=1, description="times their errors that venues may be apart")
    ]
    book_error: Annotated[
        Number, Field(gt=0, lt=1, description="share the traded book may be off, one sigma")
    ]
    drift_h: Annotated[
        Number, Field(ge=0, lt=1, description="share the price moves in an hour, one sigma")
    ]
    age_s_max: Annotated[Whole, Field(ge=1, description="chain seconds; what is older is ignored")]
    references_min: Annotated[
        Whole, Field(ge=1, description="fewer that count let nothing be bought")
    ]
    look_s: Annotated[Positive, Field(description="wall seconds between two looks")] = Decimal(5)
    deadline_s: Annotated[Positive, Field(description="wall seconds for one look")] = Decimal(5)
    references: Annotated[Mapping[str, ReferenceSection], Field(min_length=1)]

    def terms(self) -> FairTerms:
        """Return how far venues are believed, as agent and gate read it."""
        return FairTerms(
            margin=atto_up(self.margin),
            disagreement_max=atto_down(self.disagreement_max),
            drift_h=atto_up(self.drift_h),
            book_error=atto_up(self.book_error),
            age_s_max=self.age_s_max,
            references_min=self.references_min,
        )
