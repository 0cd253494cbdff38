"""One batched read a turn, for 1 and for 1,000 levered accounts, on a local chain.

Run: python -m benchmarks.batched_read
Goal: 1,000 accounts in at most 100 ms, one HTTP request whatever their number.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from tests.chain import OPENING, LocalMarket
from tests.evm.worlds import mandate_of, venue_for

from leverd.adapters.evm.scope import CHECKS_MAX
from leverd.adapters.evm.sources import probing
from leverd.devnet.chain import Chain
from leverd.devnet.market import start

COUNTS = (1, 10, 100, 1_000)
ROUNDS = 15
GOAL_MS = 100


def holders(local: LocalMarket, count: int) -> list[str]:
    """Return `count` addresses that each hold 1 WETH of collateral and owe 1,000 USDC."""
    roles, pool = local.deployment.roles, local.deployment.pool
    found: list[str] = [to_checksum_address(keccak(b"holder %d" % i)[:20]) for i in range(count)]
    weth, usdc = local.token("WETH"), local.token("USDC")
    local.chain.send(roles.lender, weth, "deposit()", value=count * 10**18)
    local.chain.send(roles.lender, weth, "approve(address,uint256)", pool, count * 10**18)
    local.chain.mine()
    for holder in found:
        local.chain.send(
            roles.lender,
            pool,
            "supply(address,uint256,address,uint16)",
            weth,
            10**18,
            holder,
            0,
            gas=400_000,
        )
    local.chain.mine()
    for holder in found:
        local.node.rpc.ask("anvil_impersonateAccount", holder)
        local.node.rpc.ask("anvil_setBalance", holder, hex(10**21))
        local.chain.send(
            holder,
            pool,
            "borrow(address,uint256,uint256,uint16,address)",
            usdc,
            1_000 * 10**6,
            2,
            0,
            holder,
            gas=600_000,
        )
    local.chain.mine()
    return found


async def measure(local: LocalMarket, accounts: list[str]) -> tuple[float, float, int]:
    """Return the median of read and whole look, in ms, and the number of calls."""
    venue = venue_for(local, accounts=tuple(accounts))
    mandates = [mandate_of(account, f"p{i}") for i, account in enumerate(accounts)]
    await venue.observe(mandates)
    reader = venue._watcher._reader  # noqa: SLF001 - the read alone is what is measured
    assert reader is not None
    reads, looks = [], []
    seen = await venue.observe(mandates)
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with probing():
            await venue._client.snapshot(reader.reading().calls, venue.signer)  # noqa: SLF001 - as above
        reads.append((time.perf_counter() - begun) * 1e3)
        begun = time.perf_counter()
        seen = await venue.observe(mandates)
        looks.append((time.perf_counter() - begun) * 1e3)
    checked = [one for one in seen.positions.values() if one.health_reported]
    assert 0 < len(checked) <= CHECKS_MAX
    assert all(one.health_reported > 10**18 for one in checked)
    await venue.close()
    count = len(reader.reading().calls)
    return statistics.median(reads), statistics.median(looks), count


async def run(local: LocalMarket) -> float:
    """Print the table and return the read of the most accounts, ms."""
    everyone = holders(local, max(COUNTS))
    print(f"{'accounts':>8} {'reads':>6} {'read ms':>8} {'with decoding ms':>17}")
    read = 0.0
    for count in COUNTS:
        read, look, calls = await measure(local, everyone[:count])
        print(f"{count:>8} {calls:>6} {read:>8.1f} {look:>17.1f}")
    return read


def main() -> int:
    """Return 0 if the goal is met."""
    node, deployment = start(OPENING)
    try:
        read = asyncio.run(run(LocalMarket(node, deployment, Chain(node.rpc))))
    finally:
        node.stop()
    print(f"goal: {max(COUNTS)} accounts in {GOAL_MS} ms: {'met' if read <= GOAL_MS else 'MISSED'}")
    return 0 if read <= GOAL_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
