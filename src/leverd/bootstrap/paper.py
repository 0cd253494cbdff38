"""Mode paper: the settings' real chain to look at, and a venue in memory to act on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from leverd.adapters.evm.onlooker import Onlooker
from leverd.adapters.evm.venue import EvmVenue
from leverd.adapters.simulated.paper import PaperVenue, Sight, Window
from leverd.bootstrap.chain import Chain, open_client, venue_config
from leverd.bootstrap.paper_memory import beginning
from leverd.bootstrap.places import NOWHERE, Places
from leverd.domain.position import Mandate
from leverd.interfaces.clock import Clock
from leverd.interfaces.venue import Fees
from leverd.settings import Settings

_FINAL_DEPTH: Final = 2
"""Blocks after which a paper block counts as final: no other ever takes its place."""


def open_paper(settings: Settings, places: Places, clock: Clock) -> Chain:
    """Return the chain of `places` with a paper venue on it; nothing is asked of it yet.

    It is looked at from an account that is nobody's, and without any key.
    """
    nowhere = tuple(replace(mandate, account=NOWHERE) for mandate in places.mandates)
    onlooking = replace(places, mandates=nowhere)
    config = venue_config(settings, onlooking, settings.limits.limits())
    client = open_client(config, clock)
    evm = EvmVenue(config, client, Onlooker(NOWHERE), clock)
    assert settings.paper is not None, "the form check wants it in mode paper"
    paper = PaperVenue(
        _window(evm, nowhere),
        lambda: beginning(settings, places),
        places.mandates,
        inclusion_blocks=settings.paper.inclusion_blocks,
        final_depth=_FINAL_DEPTH,
    )
    return Chain(config, client, paper)


def _window(evm: EvmVenue, nowhere: tuple[Mandate, ...]) -> Window:
    async def look() -> Sight:
        seen = await evm.observe(nowhere)
        first = next(iter(seen.positions.values()))
        return Sight(
            stamp=seen.stamp,
            gas=seen.gas,
            lending={  # what is on paper is kept by no pool
                name: replace(market, kept_at="") for name, market in first.state.lending.items()
            },
            pools=first.state.pools,
            trusted={name: each.trusted for name, each in seen.positions.items()},
            sources_agree=seen.sources_agree,
        )

    async def bid(urgency: float) -> Fees:
        return await evm.fees(urgency=urgency)

    return Window(look, bid, evm.close)
