"""States of blocks that are over, for as long as any node keeps them."""

from __future__ import annotations

from leverd.adapters.evm import codes, memory
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.inclusions import Inclusions
from leverd.adapters.evm.watcher import Watcher
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.errors import ForgottenError, NonsenseError, UnreachableError
from leverd.interfaces.chain_client import Head
from leverd.interfaces.venue import Inclusion


class Past:
    """Reads positions around a block that included something."""

    def __init__(self, client: EvmClient, watcher: Watcher, inclusions: Inclusions) -> None:
        self._client, self._watcher, self._inclusions = client, watcher, inclusions

    async def before(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the parent block.

        Raises:
            ForgottenError: no node keeps it any more.
        """
        own = await self._inclusions.block(inclusion.block_hash)
        return await self._state(mandate, await self._inclusions.block(own.parent_hash))

    async def after(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state as of the block itself.

        Raises:
            ForgottenError: no node keeps it any more.
        """
        return await self._state(mandate, await self._inclusions.block(inclusion.block_hash))

    async def _state(self, mandate: Mandate, head: Head) -> State:
        try:
            return await self._watcher.state_at(mandate, head)
        except (UnreachableError, NonsenseError) as error:
            if not await memory.is_gone(self._client, head.number, error):
                raise
            raise ForgottenError(
                f"no node tells the state of block {head.number}: {error.message}",
                number=codes.FORGOTTEN,
                place=error.place,
                remedy="add the RPC of an archive node to chain.rpc",
            ) from error
