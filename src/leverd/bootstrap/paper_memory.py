"""What a paper position holds, out of the journal alone: it is nowhere else. Pure but for reading.

The balances are those of the newest snapshot that the journal knows the reason of, the purse
is the settings' less the gas of everything included, and the next nonce and sequence numbers
are those that open attempts wait for. What was included and not journaled never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from leverd.adapters.simulated.ledger import Holder
from leverd.adapters.simulated.paper import Beginning
from leverd.adapters.simulated.venue import SIGNER
from leverd.adapters.sql_journal import SqlLedger
from leverd.adapters.sql_journal.database import file_of
from leverd.bootstrap.places import Places
from leverd.domain.events import JournalPruned
from leverd.domain.lending import LendingAccount
from leverd.domain.money import Asset
from leverd.domain.position import Mandate
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.domain.snapshot import Snapshot
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.errors import SettingsError
from leverd.execution import recovery, slots
from leverd.execution.recovery import Known
from leverd.execution.slots import CANCEL
from leverd.interfaces.journal import Entry
from leverd.settings import Settings

_BATCH = 1000
_ETHER = 10**18
_GONE = 74


@dataclass(slots=True)
class _Read:
    """A journal, read to its end."""

    book: Book = field(default_factory=Book)
    known: Known = field(default_factory=Known)
    gas: int = 0  # wei
    whole_to: int = 0  # up to this entry none is missing
    sequences: dict[str, int] = field(default_factory=dict)  # by position id
    acts: dict[str, AttemptSigned] = field(default_factory=dict)  # by hash
    newest: tuple[int, str] = (0, "")  # block and hash


def beginning(settings: Settings, places: Places) -> Beginning:
    """Return what the journal of `settings` leaves, or what the settings begin with.

    Raises:
        JournalError: it cannot be read.
    """
    path = file_of(settings.journal.path)
    if not path.exists():
        return begun(settings, places, ())
    ledger = SqlLedger(path)
    try:
        return begun(settings, places, _all(ledger))
    finally:
        ledger.close()


def begun(settings: Settings, places: Places, entries: Iterable[Entry]) -> Beginning:
    """Return what `entries` leave of what the settings begin with."""
    assert settings.paper is not None, "the form check wants it in mode paper"
    read = _Read()
    for entry in entries:
        _follow(read, entry)
    open_slots = slots.open_slots(read.known.slots)
    assets = {asset.symbol: asset for asset in places.tokens}
    block, block_hash = read.newest
    return Beginning(
        holders={
            mandate.account: _holder(settings, mandate, read, assets) for mandate in places.mandates
        },
        native=max(int(settings.paper.gas * _ETHER) - read.gas, 0),
        nonce=open_slots[0].number if open_slots else read.known.floor,
        block=block,
        block_hash=block_hash,
    )


def _follow(read: _Read, entry: Entry) -> None:
    event = entry.event
    if entry.seq == read.whole_to + 1:
        read.whole_to = entry.seq
    read.book = fold(read.book, event, entry.chain_at)
    read.known = recovery.fold(read.known, event, entry.chain_at, SIGNER)
    snapshot = getattr(event, "snapshot", None)
    match event:
        case AttemptSigned(tx_hash=tx_hash):
            read.acts[tx_hash] = event
        case SlotIncluded(tx_hash=tx_hash):
            read.gas += event.paid
            _newer(read, event.block, event.block_hash)
            act = read.acts.get(tx_hash)
            if event.succeeded and act is not None and act.purpose != CANCEL:
                read.sequences[act.position_id] = act.sequence + 1
        case JournalPruned(through=through, gas=gas) if read.whole_to < through:
            read.gas += gas  # else it is brought back from a copy, where the inclusions still are
        case _ if isinstance(snapshot, Snapshot):
            _newer(read, snapshot.block, snapshot.block_hash)
        case _:
            pass


def _newer(read: _Read, block: int, block_hash: str) -> None:
    if block > read.newest[0]:
        read.newest = block, block_hash


def _holder(
    settings: Settings, mandate: Mandate, read: _Read, assets: Mapping[str, Asset]
) -> Holder:
    name = mandate.position_id
    snapshot = read.book.page(name).snapshot
    sequence = _sequence(read, name)
    if snapshot is None:
        assert settings.paper is not None, "the form check wants it in mode paper"
        whole = settings.paper.deposits.get(name, settings.paper.deposit)
        idle = {mandate.collateral: int(whole * mandate.collateral.unit)}
        return Holder({mandate.lending: LendingAccount(emode=mandate.emode)}, idle, sequence)
    supplied, owed, idle = (
        _known(name, held, assets) for held in (snapshot.supplied, snapshot.owed, snapshot.idle)
    )
    loan = LendingAccount(supplied, owed, frozenset(supplied), mandate.emode)
    return Holder({mandate.lending: loan}, idle, sequence)


def _known(name: str, held: Mapping[str, int], assets: Mapping[str, Asset]) -> dict[Asset, int]:
    """Return what is held, by token.

    Raises:
        SettingsError: a token of it is in the settings no more.
    """
    for symbol, raw in held.items():
        if raw and symbol not in assets:
            raise SettingsError(
                f"{name} holds {symbol} on paper, and the settings know it no more",
                number=_GONE,
                place=f"tokens.{symbol}",
                remedy="name it again, or begin anew with another journal.path",
            )
    return {assets[symbol]: raw for symbol, raw in held.items() if raw}


def _sequence(read: _Read, name: str) -> int:
    """Return what the position's next act must carry: what an open one carries counts too."""
    if name in read.sequences:
        return read.sequences[name]
    waiting = (slot.act for slot in slots.open_slots(read.known.slots))
    return min((act.sequence for act in waiting if act.position_id == name), default=0)


def _all(ledger: SqlLedger) -> Iterator[Entry]:
    after = 0
    while batch := ledger.entries(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].seq
