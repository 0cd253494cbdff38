"""What a journal says of every position, put together for people. Reads only the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from leverd.domain.events import DaemonStarted, DaemonStopped, Event, PnlRecorded, SettingsChanged
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD, Asset
from leverd.domain.side import Side, side_of_pair
from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.snapshot import Snapshot
from leverd.engine.book import Book, Page
from leverd.engine.state import fold
from leverd.interfaces.journal import Entry
from leverd.interfaces.ledger import Ledger

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the settings say of a position: its asset, and what its equity is counted in."""

    collateral: str
    debt: str
    share_class: str

    @property
    def side(self) -> Side:
        """Which way it bets."""
        return side_of_pair(Asset(self.collateral, 0), Asset(self.debt, 0))

    @property
    def volatile(self) -> str:
        """The symbol of what it bets on."""
        return self.debt if self.side is Side.SHORT else self.collateral


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A nonce that is not final yet."""

    slot: int
    position_id: str
    attempts: int
    state: str  # sent | included
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One leg in whole tokens; `value_usd` is negative for a debt."""

    kind: str  # idle | supplied | owed
    symbol: str
    amount: Decimal
    value_usd: Decimal


@dataclass(frozen=True, slots=True)
class PositionPicture:
    """One position as of its last journaled snapshot."""

    position_id: str
    state: str
    block: int
    chain_at: int
    leverage: Decimal | None  # None without equity
    health: Decimal | None  # None without debt
    side: Side
    bet: Decimal | None  # value of what it bets on over equity; None without equity
    price: Decimal | None  # oracle, USD per token of what it bets on
    liquidation_price: Decimal | None  # None without debt
    equity: Decimal | None  # in the share class
    share_class: str
    pnl: Mapping[str, Decimal]  # since open, by attribution
    decision: str
    reason: str
    decided_block: int
    holdings: tuple[Holding, ...]

    @property
    def pnl_total(self) -> Decimal:
        """All lines of P&L together."""
        return sum(self.pnl.values(), Decimal(0))


@dataclass(slots=True)
class Story:
    """A journal, folded."""

    book: Book = field(default_factory=Book)
    pnl: dict[str, dict[str, int]] = field(default_factory=dict)  # since open, raw
    slots: dict[tuple[str, int], OpenSlot] = field(default_factory=dict)
    started: DaemonStarted | None = None
    settings: str = ""  # fingerprint of those that run, or ran last
    stopped: DaemonStopped | None = None
    last_entry_at: datetime | None = None
    seq: int = 0  # of the newest entry in it


def read(ledger: Ledger) -> Story:
    """Return the whole of `ledger`, folded."""
    story = Story()
    read_on(story, ledger)
    return story


def read_on(story: Story, ledger: Ledger, told: Callable[[Entry], None] | None = None) -> None:
    """Fold into `story` what `ledger` has beyond it; each entry is `told` too."""
    for entry in _all(ledger, story.seq):
        _follow(story, entry)
        if told is not None:
            told(entry)


def position(
    story: Story, position_id: str, meaning: Meaning, seen: Snapshot | None = None
) -> PositionPicture | None:
    """Return the picture of one position, None before anything is known of it.

    It is of the balances `seen`, or of the newest that the journal has.
    """
    page = story.book.page(position_id)
    snapshot = seen or newest(page)
    if snapshot is None:
        return None
    holdings = tuple(_holdings(snapshot))
    equity_decimals = USD.decimals
    if meaning.share_class != USD.symbol:
        equity_decimals = snapshot.decimals.get(meaning.share_class, 0)
    price = snapshot.prices.get(meaning.volatile)
    health = None if snapshot.health >= INFINITE_HEALTH else Decimal(snapshot.health) / WAD
    lines, leverage = story.pnl.get(position_id, {}), _leverage(holdings, meaning.collateral)
    return PositionPicture(
        position_id=position_id,
        state=state_of(page),
        block=snapshot.block,
        chain_at=snapshot.at,
        leverage=leverage,
        health=health,
        side=meaning.side,
        bet=_bet(leverage, meaning.side),
        price=None if price is None else _scaled(price, USD.decimals),
        liquidation_price=_liquidation_price(price, health, meaning.side),
        equity=_scaled(snapshot.equity, equity_decimals),
        share_class=meaning.share_class,
        pnl={line: _scaled(amount, equity_decimals) for line, amount in sorted(lines.items())},
        decision=_decision(page),
        reason=page.decided.reason if page.decided else "",
        decided_block=page.decided.snapshot.block if page.decided else 0,
        holdings=holdings,
    )


def state_of(page: Page) -> str:
    """Return the trading state in words, with what the owner asked for."""
    record = page.record
    if record.unwinding:
        return f"{record.trading_state.value}, unwinding{' at once' if record.unwinds_now else ''}"
    if record.stopped:
        return f"{record.trading_state.value}, stopped by the portfolio stop"
    if record.ended is not None:
        return f"{record.trading_state.value}, closed by {record.ended.order}"
    if record.unexplained:
        return f"{record.trading_state.value}, reducing: an unexplained change"
    return "paused" if record.paused else record.trading_state.value


def _all(ledger: Ledger, after: int) -> Iterator[Entry]:
    while batch := ledger.entries(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].seq


def _follow(story: Story, entry: Entry) -> None:
    event = entry.event
    story.last_entry_at, story.seq = entry.written_at, entry.seq
    _follow_slot(story, event)
    match event:
        case DaemonStarted():
            story.started, story.stopped = event, None
            story.settings = event.settings_hash
        case SettingsChanged(after=after):
            story.settings = after
        case DaemonStopped():
            story.stopped = event
        case PnlRecorded(position_id=position_id, attribution=attribution):
            lines = story.pnl.setdefault(position_id, {})
            for line, amount in attribution.items():
                lines[line] = lines.get(line, 0) + amount
            if story.book.page(position_id).closing:
                story.pnl[position_id] = {}
        case _:
            pass
    story.book = fold(story.book, event, entry.chain_at)


def _follow_slot(story: Story, event: Event) -> None:
    match event:
        case AttemptSigned(slot=slot, signer=signer, position_id=position_id, tx_hash=tx_hash):
            known = story.slots.get((signer, slot))
            attempts = known.attempts + 1 if known else 1
            story.slots[signer, slot] = OpenSlot(slot, position_id, attempts, "sent", tx_hash)
        case SlotIncluded(slot=slot, signer=signer, tx_hash=tx_hash):
            _mark(story, (signer, slot), "included", tx_hash)
        case SlotReorganised(slot=slot, signer=signer):
            _mark(story, (signer, slot), "sent", "")
        case SlotFinal(slot=slot, signer=signer) | SlotLost(slot=slot, signer=signer):
            story.slots.pop((signer, slot), None)
        case _:
            pass


def _mark(story: Story, key: tuple[str, int], state: str, tx_hash: str) -> None:
    known = story.slots.get(key)
    if known is not None:
        tx_hash = tx_hash or known.tx_hash
        story.slots[key] = OpenSlot(known.slot, known.position_id, known.attempts, state, tx_hash)


def newest(page: Page) -> Snapshot | None:
    """Return the newest balances that `page` knows."""
    known = [page.snapshot]
    known.append(page.decided.snapshot if page.decided else None)
    known.append(page.marked.snapshot if page.marked else None)
    return max((each for each in known if each), key=lambda each: each.block, default=None)


def _holdings(snapshot: Snapshot) -> Iterator[Holding]:
    for symbol, raw in sorted(snapshot.idle.items()):
        yield _holding(snapshot, "idle", symbol, raw)
    for symbol, scaled in sorted(snapshot.supplied.items()):
        raw = scaled * snapshot.supply_indexes[symbol] // RAY
        yield _holding(snapshot, "supplied", symbol, raw)
    for symbol, scaled in sorted(snapshot.owed.items()):
        raw = -(-scaled * snapshot.borrow_indexes[symbol] // RAY)
        yield _holding(snapshot, "owed", symbol, -raw)


def _holding(snapshot: Snapshot, kind: str, symbol: str, raw: int) -> Holding:
    decimals = snapshot.decimals.get(symbol, 0)
    value = raw * snapshot.prices.get(symbol, 0) // 10**decimals
    return Holding(kind, symbol, _scaled(abs(raw), decimals), _scaled(value, USD.decimals))


def _leverage(holdings: tuple[Holding, ...], collateral: str) -> Decimal | None:
    equity = sum((each.value_usd for each in holdings), Decimal(0))
    exposure = sum(
        (each.value_usd for each in holdings if each.symbol == collateral and each.value_usd > 0),
        Decimal(0),
    )
    return exposure / equity if equity > 0 else None


def _bet(leverage: Decimal | None, side: Side) -> Decimal | None:
    """Return how many times its equity it bets: a short owes one less than its leverage."""
    return leverage if leverage is None or side is Side.LONG else max(leverage - 1, Decimal(0))


def _liquidation_price(price: int | None, health: Decimal | None, side: Side) -> Decimal | None:
    """Return where health is 1 if that price alone moves; exact for one collateral, one debt."""
    if price is None or not health:
        return None
    now = _scaled(price, USD.decimals)
    return now * health if side is Side.SHORT else now / health


def _decision(page: Page) -> str:
    if page.decided is None:
        return ""
    target = f" {page.decided.target}" if page.decided.target else ""
    return f"{page.decided.agent}: {page.decided.decision}{target}"


def _scaled(raw: int, decimals: int) -> Decimal:
    return Decimal(f"{raw}e-{decimals}")  # exact, whatever the context's precision
