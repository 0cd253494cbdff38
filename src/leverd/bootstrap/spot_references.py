"""The venues that are listened to, by settings: each has nodes and breakers of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.pool_reference import Route, UniswapReference
from leverd.adapters.evm.sources import Patience
from leverd.bootstrap.checks import Check, Status
from leverd.domain.atto import atto_down, atto_up, of_atto
from leverd.engine.spot_references import SpotReferences
from leverd.errors import LeverdError
from leverd.interfaces.clock import Clock
from leverd.interfaces.price_reference import PriceReference
from leverd.settings.mispricing import MispricingSection, ReferenceSection
from leverd.settings.spot import SpotSection


def references_of(section: SpotSection, clock: Clock) -> SpotReferences | None:
    """Return who is asked what the asset is worth, None where predictions buy.

    Nothing is asked of anybody yet.
    """
    told = section.mispricing
    if section.agent != "mispricing" or told is None:
        return None
    return SpotReferences(
        _opened(section, told, clock),
        clock,
        look_s=float(told.look_s),
        deadline_s=float(told.deadline_s),
    )


async def reference_checks(section: SpotSection, clock: Clock) -> AsyncIterator[Check]:
    """Yield what each venue answers, asked once as trading would ask it."""
    told = section.mispricing
    if section.agent != "mispricing" or told is None:
        return
    for reference in _opened(section, told, clock):
        place = f"spot.mispricing.references.{reference.source}"
        try:
            quote = await reference.look()
        except LeverdError as error:
            text = f"spot-reference: {error.message}"
            yield Check(error.code, Status.BAD, text, error.remedy, place)
        else:
            sides = f"{of_atto(quote.bid):.6f} to {of_atto(quote.ask):.6f}"
            text = f"it trades {of_atto(quote.size):f} at {sides}, block {quote.block}"
            yield Check("spot-reference", Status.GOOD, text, place=place)
        finally:
            await reference.close()


def _opened(section: SpotSection, told: MispricingSection, clock: Clock) -> list[PriceReference]:
    size = atto_down(section.limits.trade_max)
    return [_reference(name, each, told, size, clock) for name, each in told.references.items()]


def _reference(
    name: str, each: ReferenceSection, told: MispricingSection, size: int, clock: Clock
) -> PriceReference:
    client = EvmClient(
        each.rpc,
        clock=clock,
        chain_id=each.chain_id,
        patience=Patience(deadline_s=float(told.deadline_s)),
    )
    error = atto_up(each.quote_error)
    return UniswapReference(client, Route(name, each.factory, each.tokens, each.fees, size, error))
