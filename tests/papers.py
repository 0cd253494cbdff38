"""Paper venues for tests, which look at a chain in memory as they would at a real one."""

from __future__ import annotations

from datetime import UTC, datetime

from tests import worlds

from leverd.adapters.simulated.chain import SimulatedChain
from leverd.adapters.simulated.ledger import Holder
from leverd.adapters.simulated.paper import Beginning, PaperVenue, Sight, Window
from leverd.domain.lending import LendingAccount
from leverd.domain.position import Mandate
from leverd.domain.view import Gas, Stamp
from leverd.errors import UnreachableError
from leverd.interfaces.venue import Fees

ETHER = 10**18
NATIVE_PRICE = 3_000 * 10**8


class RealChain:
    """A chain that others trade on; looks are counted, and can be made to fail."""

    def __init__(self, chain: SimulatedChain) -> None:
        self.chain, self.looks = chain, 0
        self.dead, self.trusted, self.agree = False, True, 1
        self.shut = False

    def sight(self) -> Sight:
        """Return the newest block as an onlooker sees it."""
        head = self.chain.head
        now = datetime.fromtimestamp(head.ledger.at, UTC)
        return Sight(
            Stamp("a node", head.number, head.block_hash, head.ledger.at, now),
            Gas(self.chain.base_fee, worlds.GWEI, NATIVE_PRICE, 0),
            head.ledger.lending,
            head.ledger.pools,
            trusted={"loop": self.trusted},
            sources_agree=self.agree,
        )

    def window(self) -> Window:
        """Return the window onto this chain."""

        async def look() -> Sight:
            self.looks += 1
            if self.dead:
                raise UnreachableError("no node answers", number=1)
            return self.sight()

        async def bid(urgency: float) -> Fees:
            tip = worlds.GWEI + int(4 * worlds.GWEI * urgency)
            return Fees(2 * self.chain.base_fee + tip, tip)

        async def shut() -> None:
            self.shut = True

        return Window(look, bid, shut)


def holding(mandate: Mandate, idle: int = 10, **changes) -> Beginning:
    """Return the beginning of a paper account with `idle` whole tokens of collateral."""
    holder = Holder(
        {mandate.lending: LendingAccount(emode=mandate.emode)},
        {mandate.collateral: idle * mandate.collateral.unit},
    )
    fields = {"holders": {mandate.account: holder}, "native": 10 * ETHER, **changes}
    return Beginning(**fields)


def paper_on(
    real: RealChain, *, begin: Beginning | None = None, inclusion_blocks: int = 1, more=()
) -> PaperVenue:
    """Return a paper venue that looks at `real`; `begin` is what the journal left."""
    mandate = worlds.mandate()
    return PaperVenue(
        real.window(),
        lambda: holding(mandate) if begin is None else begin,
        (mandate, *more),
        inclusion_blocks=inclusion_blocks,
    )
