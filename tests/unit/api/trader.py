"""A house whose owner trades spot, with a purchase, a sale that failed and an order in flight."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from tests.spots import MARKET
from tests.unit.api.house import SHIPPED, House
from tests.unit.settings.test_spot_settings import COMMENTED, section

from leverd.adapters.sight_file import SpotSightFile, spot_sight_path
from leverd.adapters.sql_journal import SqlLedger
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSent,
    SpotAttemptSigned,
    SpotDecided,
    SpotMarked,
    SpotOrderPlanned,
    SpotOrderSettled,
    SpotStopped,
)
from leverd.interfaces.spot_rules import client_id
from leverd.interfaces.watcher import SpotSight

MARKET_ID = "0x" + "ab" * 32
SECRET = "c0ffee" * 30
WITH_SPOT = SHIPPED.read_text(encoding="utf-8").replace(COMMENTED, section())


def planned(side="buy", purpose="enter", quantity=4, price=21):
    return SpotOrderPlanned(
        "spot", MARKET_ID, "inj1me", side, purpose, price * WAD, quantity * WAD, "it rises", True
    )


def signed(cid, slot, purpose="place"):
    return SpotAttemptSigned("spot", cid, slot, f"HASH{slot}", SECRET, 130 + slot, purpose)


class Trader(House):
    """See above; what it does is journaled as the desk does it."""

    def __init__(self, folder, **bounds):
        super().__init__(folder, text=WITH_SPOT, **bounds)
        self.at = int(self.clock.now().timestamp()) - 3_600

    def orders(self, order, **ends):
        """Write an order as far as it came; return its cid."""
        seq = self.write(order, chain_at=self.at)
        with closing(SqlLedger(self.journal)) as ledger:
            (plan,) = ledger.numbered([seq])
        cid = client_id(order.account, plan, 0)
        if ends.get("standing") == "unsigned":
            cid = ""
        else:
            slot = ends.pop("slot", 7)
            self.write(signed(cid, slot), SpotAttemptSent("spot", cid, f"HASH{slot}", ""),
                       chain_at=self.at + 1)  # fmt: skip
        if ends:
            whole = {"standing": "closed", "filled": 0, "notional": 0, "fee": 0, "block": 120,
                     "reason": "", **ends}  # fmt: skip
            self.write(SpotOrderSettled("spot", cid, **whole), chain_at=self.at + 2)
        self.at += 10
        return cid

    def trades(self):
        """Write a purchase, a sale nobody signed, and what was thought of them."""
        self.live()
        self.thinks("enter", "signal", "it rises")
        cid = self.orders(planned(), filled=4 * WAD, notional=80 * WAD, fee=WAD // 10)
        self.write(
            SpotMarked("spot", 20 * WAD, 4 * WAD, 801 * WAD // 10, 0, -WAD // 2, WAD, self.at),
            chain_at=self.at,
        )
        self.thinks("denied", "cooldown trades_day", "enter (signal) is denied")
        self.thinks("exit", "stop_loss", "5 % below what it cost")
        self.orders(planned("sell", "exit"), standing="unsigned", block=0, reason="no answer")
        return cid

    def thinks(self, decision, code, reason):
        said = SpotDecided("spot", "signal_trader", decision, code, reason, 20 * WAD, 21 * WAD)
        self.write(said, chain_at=self.at)
        self.at += 1

    def stops(self):
        self.write(SpotStopped("spot", "portfolio_stop", "61 lost"), chain_at=self.at)

    def looks(self, bid=22, **changes):
        """Say what the trader's last look saw."""
        now = self.clock.now()
        sight = SpotSight(now, int(now.timestamp()), 900, MARKET_ID, "INJ/USDT", bid * WAD,
                          (bid + 1) * WAD, WAD // 1000, 500 * WAD)  # fmt: skip
        SpotSightFile(spot_sight_path(self.journal)).looked(replace(sight, **changes))
        self.later()


assert MARKET.market_id == MARKET_ID
