"""A journal, tokens, and the API over both, asked without a socket."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
from tests.journal_events import RAY, WAD, SteadyClock, snapshot

from leverd.adapters import sight_file
from leverd.adapters.sight_file import sight_path, told_in
from leverd.adapters.sql_journal import Heartbeat, Server, SqlJournal, SqlLedger, SqlRequests
from leverd.adapters.sql_journal.copier import Copier
from leverd.adapters.token_file import TokenFile, drawn, record
from leverd.api.app import build
from leverd.api.tokens import hashed, spelled
from leverd.cli import api_server
from leverd.cli.given import settings_of
from leverd.domain.changed import changed
from leverd.domain.events import (
    AlertRaised,
    BreakerTurned,
    DaemonStarted,
    DecisionTaken,
    PnlRecorded,
    PositionAdopted,
)
from leverd.domain.plan_events import PlanApproved, PlanCompleted, PlanDenied, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotFinal, SlotIncluded
from leverd.interfaces.journal import Binding
from leverd.interfaces.watcher import Seen, Sight

SHIPPED = Path(__file__).parents[3] / "config" / "settings.yaml"
DAY = 86_400
_LIVED: list[bytes] = []
LINES = {"price": 100 * 10**8, "gas": -12 * 10**8}


class WallClock:
    """Wall time that stands until it is told to move; sleeping takes no time."""

    def __init__(self):
        self.at = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.steps = 0.0

    def now(self):
        return self.at

    def monotonic(self):
        return self.steps

    async def sleep(self, seconds):
        await asyncio.sleep(min(seconds, 0.01))


class House:
    """A folder with settings, a journal and the API over it."""

    def __init__(self, folder, *, text="", copied_to="", **bounds):
        self.folder, self.copied_to = folder, copied_to
        (folder / "config").mkdir()
        self.file = folder / "config" / "settings.yaml"
        text = text or SHIPPED.read_text(encoding="utf-8")
        self.file.write_text(text.replace("  copy_to:  ", f"  copy_to: {copied_to}  "))
        self.journal = folder / "var" / "devnet" / "journal.db"
        self.clock = WallClock()
        self.settings = settings_of([self.file])
        self.tokens = TokenFile(self.journal.with_name("api-tokens.json"))
        desk = api_server.desk_of(self.settings, self.clock, of_copy=bool(copied_to))
        self.desk = changed(desk, bounds=changed(desk.bounds, **bounds)) if bounds else desk
        self.app = build(self.desk)
        self.read = self.token("read")
        self.control = self.token("control")

    def token(self, *scopes):
        token_id, rest = drawn()
        token = spelled(token_id, rest)
        made = record(token_id, "a test", scopes, hashed(token), self.clock.now())
        self.tokens.change(lambda records: [*records, made])
        return token

    def later(self, seconds=1.0):
        """Let time pass, so that what is kept for a moment is looked at anew."""
        self.clock.steps += seconds

    async def ask(self, path, *, token=None, method="GET", **given):
        headers = {**given.pop("headers", {})}
        token = self.read if token is None else token
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://leverd") as client:
            return await client.request(method, path, headers=headers, **given)

    async def get(self, path, **given):
        return await self.ask(f"/api/v1{path}", **given)

    async def pages(self, path):
        """Return the items of `path`, asked with its limit page by page to the end."""
        seen, before = [], ""
        while True:
            page = (await self.get(f"{path}{before}")).json()
            seen += page["items"]
            if page["next_before"] is None:
                return seen
            before = f"&before={page['next_before']}"

    async def post(self, path, **given):
        token = given.pop("token", self.control)
        return await self.ask(f"/api/v1{path}", token=token, method="POST", **given)

    def write(self, *events, chain_at=0):
        """Write `events` in one commit, as a daemon that comes and goes."""
        journal = SqlJournal(self.journal, SteadyClock())
        try:
            return journal.append_now(*events, chain_at=chain_at)
        finally:
            journal.close()
            self.ship()
            self.later()

    def ship(self, *turn):
        """Bring the copy up to date, if the API reads one; tell of a `turn`."""
        if not self.copied_to:
            return
        with closing(Copier(self.journal, Server(self.copied_to))) as copier:
            copier.ship()
            if turn:
                copier.beat(*turn)

    def live(self):
        """Write a short life of the shipped position."""
        if not _LIVED:
            _LIVED.append(self._lived())
        self.journal.write_bytes(_LIVED[0])
        self.ship()
        self.later()
        return self

    def _lived(self):
        """Write that life, once in a process, and return the file it made."""
        journal, at = SqlJournal(self.journal, SteadyClock()), snapshot(1).at
        journal.bind(Binding("devnet", 31337, "0xgenesis"))
        for number, events in enumerate(life()):
            journal.append_now(*events, chain_at=at + 12 * number)
        journal.close()
        return self.journal.read_bytes()

    def turned(self, block=4, *, fresh=True, price=3100, at=None, next_s=12.0):
        """Say what a turn saw, and that it ended now."""
        look = at_(block, price=price) if at is None else at
        seen = Seen(
            look, 8300, 20 * 10**9, 5 * 10**18, price * 10**8, 1, trusted=True, open_slots=0
        )
        sight = Sight(
            block, os.getpid(), self.clock.now(), 0.25, {"look": 0.2}, next_s, fresh, 100,
            {"eth-loop": seen}, {"rpc node": "open"}, {"node": 9}, {"node": 2},
        )  # fmt: skip
        keep(self.journal, sight)
        Heartbeat(self.journal).beat(self.clock.now())
        self.ship(self.clock.now(), told_in(sight_path(self.journal)))
        self.later()

    def pending(self):
        place = Server(self.copied_to) if self.copied_to else self.journal
        box = SqlRequests(place, SteadyClock())
        try:
            return [(each.kind.value, each.position_id, each.by) for each in box.pending()]
        finally:
            box.close()

    def events(self):
        ledger = SqlLedger(self.journal)
        try:
            return ledger.entries(limit=10_000)
        finally:
            ledger.close()


def life():
    """Return the events of a short life, commit by commit."""
    at = snapshot(1).at
    yield (
        DaemonStarted("0.1.0", "devnet", "cafe"),
        PositionAdopted("eth-loop", "0xacc", snapshot(1)),
        mark(1, {}, flow=30_000 * 10**8),
    )
    yield (
        DecisionTaken("eth-loop", "leverage_loop", "set_leverage", "2.5", "too low", at_(2)),
        PlanDenied("p0", "eth-loop", "open", ("LVD-GAS: gas is dear",)),
        PlanApproved("p1", "eth-loop", "open", "too low", ("raise",), 19 * 10**8, at_(2)),
        attempt("act", "0xaa", 10**10),
    )
    yield (
        attempt("bump", "0xbb", 2 * 10**10),
        SlotIncluded(7, "0xme", "0xbb", 3, "0xb", at + 36, True, "", 420_000, 10**10),
        StepVerified("p1", "eth-loop", 0, "0xbb", (), at_(3)),
        PlanCompleted("p1", "eth-loop", at_(3), LINES),
        SlotFinal(7, "0xme", 3, "0xb"),
        mark(3, LINES),
        DecisionTaken("eth-loop", "leverage_loop", "hold", "", "leverage is in its band", at_(3)),
        BreakerTurned("", "rpc node", "open", "no answer"),
        BreakerTurned("eth-loop", "oracle_gap", "open", "3 % apart"),
        AlertRaised("eth-loop", "LVD-GRD-001", "health is low"),
    )


def attempt(purpose, tx_hash, max_fee):
    return AttemptSigned(
        7, "0xme", "p1", "eth-loop", 0, purpose, tx_hash, "0xsigned", 1, max_fee, 1, 1,
        step_text="secret step",
    )  # fmt: skip


def keep(journal, sight):
    """Write what a turn saw beside `journal`."""
    sight_file._replace(sight_path(journal), sight_file._SIGHT.dump_json(sight))


def at_(block, *, price=3000, **changes):
    """Return balances at `block`, with indexes that grow, 1 % and 2 % of them a day."""
    before = snapshot(block)
    days = (before.at - snapshot(1).at) * RAY // DAY
    return changed(
        before,
        prices={"WETH": price * 10**8, "USDC": 10**8},
        supply_indexes={"WETH": RAY + days // 100, "USDC": RAY + days // 100},
        borrow_indexes={"WETH": RAY + days // 50, "USDC": RAY + days // 50},
        **changes,
    )


def mark(block, lines, *, flow=0, unit_price=10**8):
    return PnlRecorded("eth-loop", at_(block), lines, WAD, unit_price, flow)
