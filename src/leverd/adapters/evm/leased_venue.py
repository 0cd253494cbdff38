"""A venue whose key is used by turns: what is signed without the lease carries its own fence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.config import EvmVenueConfig
from leverd.adapters.evm.leased_signer import LeasedSigner
from leverd.adapters.evm.relay import Relay
from leverd.adapters.evm.venue import LOWERING, EvmVenue
from leverd.domain.plan import Step
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.interfaces.clock import Clock
from leverd.interfaces.lease import Lease
from leverd.interfaces.venue import Attempt, Observation, Order

Trigger: TypeAlias = Callable[[str, State], int]
"""Returns the health (wad) below which a position is deleveraged, given how it stands."""


class LeasedVenue(EvmVenue):
    """A `Venue` that acts freely while it holds the lease, and else as a guardian alone.

    Without the lease, what lowers leverage acts on chain only below the guardian's trigger. So
    it is rehearsed and signed with that condition, whoever wished for it.
    """

    def __init__(
        self,
        config: EvmVenueConfig,
        client: EvmClient,
        signer: LeasedSigner,
        clock: Clock,
        relay: Relay | None,
        lease: Lease,
        trigger: Trigger,
    ) -> None:
        super().__init__(config, client, signer, clock, relay)
        self._leased, self._lease, self._trigger = signer, lease, trigger
        self._triggers: dict[str, int] = {}  # health (wad) by position, as last seen

    async def observe(self, mandates: Sequence[Mandate]) -> Observation:
        """Return every mandate's position from one block; see `Venue`."""
        seen = await super().observe(mandates)
        for name, position in seen.positions.items():
            self._triggers[name] = self._trigger(name, position.state)
        return seen

    async def rehearse(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> int:
        """Return the gas limit `step` needs if sent now; see `Venue`."""
        return await super().rehearse(mandate, self._fenced(mandate, step), sequence, deadline)

    async def sign(self, order: Order) -> Attempt:
        """Return `order` as a signed payload; see `Venue`."""
        fenced = self._fenced(order.mandate, order.step)
        return await super().sign(replace(order, step=fenced))

    async def send(self, payload: bytes, *, private: bool = False) -> None:
        """Hand a signed payload over; see `Venue`.

        Raises:
            RefusedError: also where another daemon may have the lease by now.
        """
        self._leased.check_sending(payload)
        await super().send(payload, private=private)

    def _fenced(self, mandate: Mandate, step: Step) -> Step:
        """Return `step` with the guardian's condition, where nothing else keeps it from harm."""
        if self._lease.holds() or step.kind not in LOWERING or step.health_below:
            return step
        return replace(step, health_below=self._triggers.get(mandate.position_id, 0))
