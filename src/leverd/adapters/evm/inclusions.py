"""What a mined transaction came to: when, at what cost, and why it failed if it did."""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm import codes, memory, revert_reasons
from leverd.adapters.evm.client import EvmClient
from leverd.errors import NonsenseError, UnreachableError
from leverd.interfaces.chain_client import Head, Receipt
from leverd.interfaces.venue import Inclusion

_TIMES_KEPT: Final = 256


class Inclusions:
    """Looks blocks and reasons up; a block's time never changes, so it is kept."""

    def __init__(self, client: EvmClient) -> None:
        self._client = client
        self._times: dict[str, int] = {}

    async def of(self, receipt: Receipt) -> Inclusion:
        """Return the inclusion that `receipt` is about."""
        at = await self.time_of(receipt.block_hash)
        return Inclusion(
            tx_hash=receipt.tx_hash,
            block=receipt.block,
            block_hash=receipt.block_hash,
            at=at,
            succeeded=receipt.succeeded,
            reason="" if receipt.succeeded else await self._reason(receipt, at),
            gas_used=receipt.gas_used,
            gas_price=receipt.gas_price,
            l1_fee=receipt.l1_fee,
        )

    async def time_of(self, block_hash: str) -> int:
        """Return a block's chain time, unix seconds."""
        if block_hash not in self._times:
            self._times[block_hash] = (await self.block(block_hash)).at
            while len(self._times) > _TIMES_KEPT:
                del self._times[next(iter(self._times))]
        return self._times[block_hash]

    async def block(self, block_hash: str) -> Head:
        """Return the block of that hash.

        Raises:
            NonsenseError: the node does not know it (any more).
        """
        found = await self._client.block_by_hash(block_hash)
        if found is None:
            raise NonsenseError(
                f"the node does not know block {block_hash}",
                number=codes.MALFORMED,
                remedy="look again: the chain may have reorganised",
            )
        return found

    async def receipt(self, inclusion: Inclusion) -> Receipt:
        """Return the receipt that `inclusion` was told by.

        Raises:
            NonsenseError: there is none, or one of another block: what it did there may differ.
        """
        found = await self._client.receipt(inclusion.tx_hash)
        if found is None or found.block_hash != inclusion.block_hash:
            raise NonsenseError(
                f"no receipt of {inclusion.tx_hash} in block {inclusion.block}, which included it",
                number=codes.NO_FILL,
                remedy="look again: the chain may have reorganised",
            )
        return found

    async def _reason(self, receipt: Receipt, at: int) -> str:
        """Return why a mined transaction reverted, by playing it again on its parent block."""
        found = await self._client.transaction(receipt.tx_hash)
        if found is None:
            return revert_reasons.UNNAMED
        call, sender, gas_limit = found
        try:
            reply = await self._client.replay(call, sender=sender, block=receipt.block - 1, at=at)
        except (UnreachableError, NonsenseError) as error:
            if not await memory.is_gone(self._client, receipt.block - 1, error):
                raise
            return revert_reasons.UNNAMED
        if not reply.succeeded:
            return revert_reasons.name(reply.data)
        # An inner call that runs dry leaves its caller a 64th part, which then reverts.
        ran_dry = receipt.gas_used * 64 >= gas_limit * 62
        return revert_reasons.OUT_OF_GAS if ran_dry else revert_reasons.MOVED
