"""From a new block to a signed transaction: look, decide, plan, review, rehearse, bid, sign.

Run: python -m benchmarks.tick_to_signed
Goal: p50 at most 10 ms, p99 at most 30 ms, on a local chain with the real contracts.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time

from eth_account import Account
from tests.chain import OPENING, LocalMarket
from tests.evm.accounts import deploy_account, give
from tests.evm.worlds import KEY, SystemClock, client_for, config_for, mandate_of, signer_for
from tests.limits import TIMING, limits

from leverd.adapters.evm import account_calls
from leverd.adapters.evm.venue import EvmVenue
from leverd.agents.leverage_loop import AGENT
from leverd.devnet.chain import Chain
from leverd.devnet.market import start
from leverd.domain.position import Mandate
from leverd.domain.view import Record, View
from leverd.engine.turn import Seat, turn
from leverd.interfaces.venue import Attempt, Order
from leverd.risk.gate import Approved

ROUNDS = 200
WARM = 20
GOALS_MS = {50: 10, 99: 30}
ME = Account.from_key(KEY).address
PARAMS = {
    "target": "2.5",
    "boost_below": "2.2",
    "repay_above": "2.8",
    "change_min": "0.1",
    "wait_s_min": 0,
}


async def tick(venue: EvmVenue, mandate: Mandate, seat: Seat) -> Attempt:
    """Return the signed opening of the position, all the way from the newest block."""
    seen = await venue.observe([mandate])
    one = seen.positions[mandate.position_id]
    view = View(
        stamp=seen.stamp,
        state=one.state,
        gas=seen.gas,
        sequence=one.sequence,
        atomic=one.atomic,
        record=Record(),
        venue_trusted=one.trusted,
        sources_agree=seen.sources_agree,
    )
    outcome = turn(view, [seat], limits(), TIMING, age_s=0)
    assert isinstance(outcome.verdict, Approved), outcome.verdict
    plan = outcome.verdict.plan
    step = plan.steps[0]
    gas_limit = await venue.rehearse(mandate, step, one.sequence, plan.deadline)
    bid = await venue.fees(urgency=0.0)
    return await venue.sign(
        Order(mandate, step, seen.nonce, one.sequence, plan.deadline, gas_limit, bid)
    )


async def measure(local: LocalMarket) -> list[float]:
    """Return how long each tick took, ms."""
    made = deploy_account(local, ME)
    give(local, "WETH", made.address, 10 * 10**18)
    local.node.rpc.ask("anvil_setBalance", ME, hex(10**20))
    config = config_for(
        local, accounts=(made.address,), account_code_hashes=frozenset({made.code_hash})
    )
    client = client_for(local.url, chain_id=config.chain_id)
    signer = signer_for(local, *account_calls.rules(made.address))
    venue = EvmVenue(config, client, signer, SystemClock())
    mandate = mandate_of(made.address)
    seat = Seat(AGENT.make(AGENT.params(**PARAMS)), guards=False)
    taken = []
    for _ in range(WARM + ROUNDS):
        local.pass_time(12)
        begun = time.perf_counter()
        attempt = await tick(venue, mandate, seat)
        taken.append((time.perf_counter() - begun) * 1e3)
        assert Account.recover_transaction(attempt.payload) == ME
    await venue.close()
    return taken[WARM:]


def main() -> int:
    """Return 0 if the goals are met."""
    node, deployment = start(OPENING)
    try:
        gc.freeze()
        taken = asyncio.run(measure(LocalMarket(node, deployment, Chain(node.rpc))))
    finally:
        node.stop()
    cuts = statistics.quantiles(taken, n=100)
    met = True
    for percent, goal in GOALS_MS.items():
        value = cuts[percent - 1]
        met = met and value <= goal
        print(f"p{percent}: {value:.1f} ms (goal {goal} ms)")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
