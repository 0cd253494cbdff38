"""What every Journal, Ledger and Requests promises, on disk and in memory."""

from __future__ import annotations

import pytest
from tests.journal_events import SteadyClock, decision

from leverd.adapters.simulated.memory_journal import MemoryJournal, MemoryRequests
from leverd.adapters.sql_journal import Server, SqlJournal, SqlLedger, SqlRequests
from leverd.adapters.sql_journal.copier import Copier
from leverd.domain.events import AlertRaised, Resumed
from leverd.errors import JournalForeignError
from leverd.interfaces.journal import Binding
from leverd.interfaces.requests import Request, RequestKind

BINDING = Binding("devnet", 31337, "0xgenesis")


class CopiedJournal(SqlJournal):
    """A journal whose entries are on the server as soon as they are appended."""

    def __init__(self, path, server):
        super().__init__(path, SteadyClock())
        self._copier = Copier(path, server)

    def bind(self, binding):
        super().bind(binding)
        self._copier.ship()

    async def append(self, *events, chain_at=0):
        last = await super().append(*events, chain_at=chain_at)
        assert self._copier.ship().last == last
        return last

    def close(self):
        self._copier.close()
        super().close()


@pytest.fixture(params=["sql", "memory", "postgres"])
def kind(request):
    return request.param


@pytest.fixture
def server(kind, request):
    return Server(request.getfixturevalue("cluster").database()) if kind == "postgres" else None


@pytest.fixture
def journal(kind, server, tmp_path):
    match kind:
        case "sql":
            made = SqlJournal(tmp_path / "j.db", SteadyClock())
        case "memory":
            made = MemoryJournal(SteadyClock())
        case _:
            made = CopiedJournal(tmp_path / "j.db", server)
    yield made
    made.close()


@pytest.fixture
def ledger(kind, server, journal):
    match kind:
        case "sql":
            made = SqlLedger(journal.path)
        case "memory":
            made = journal
        case _:
            shipped_once(journal, server)
            made = SqlLedger(server)
    yield made
    made.close()


@pytest.fixture
def requests(kind, server, journal):
    if kind == "postgres":
        shipped_once(journal, server)
    made = MemoryRequests() if kind == "memory" else None
    made = made or SqlRequests(server or journal.path, SteadyClock())
    yield made
    if kind != "memory":
        made.close()


def shipped_once(journal, server):
    """Let the first start of a copier make the tables."""
    copier = Copier(journal.path, server)
    copier.ship()
    copier.close()


async def test_what_is_appended_is_replayed_in_order_with_its_chain_time(journal):
    await journal.append(decision(1), decision(2), chain_at=7)
    await journal.append(decision(3))
    entries = list(journal.replay())
    assert [entry.event for entry in entries] == [decision(1), decision(2), decision(3)]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert [entry.chain_at for entry in entries] == [7, 7, 0]


async def test_append_returns_the_seq_of_its_last_event(journal):
    assert await journal.append(decision(1)) == 1
    assert await journal.append(decision(2), decision(3)) == 3


async def test_replay_after_a_seq_begins_with_the_next_one(journal):
    await journal.append(*(decision(number) for number in range(1, 6)))
    assert [entry.seq for entry in journal.replay(after=3)] == [4, 5]
    assert list(journal.replay(after=5)) == []


async def test_an_append_of_nothing_is_a_bug_of_the_caller(journal):
    with pytest.raises(ValueError, match="nothing"):
        await journal.append()


async def test_written_times_are_aware_and_never_go_back(journal):
    await journal.append(decision(1))
    await journal.append(decision(2))
    first, second = journal.replay()
    assert first.written_at.tzinfo is not None
    assert first.written_at < second.written_at


def test_a_journal_of_another_chain_is_refused(journal):
    journal.bind(BINDING)
    journal.bind(BINDING)
    with pytest.raises(JournalForeignError):
        journal.bind(Binding("devnet", 31337, "0xother"))


async def test_a_refused_binding_changes_nothing(journal):
    journal.bind(BINDING)
    with pytest.raises(JournalForeignError):
        journal.bind(Binding("live", 1, "0xgenesis"))
    journal.bind(BINDING)
    assert await journal.append(decision(1)) == 1


def test_a_ledger_says_what_the_journal_belongs_to(journal, ledger):
    assert ledger.binding() is None
    journal.bind(BINDING)
    assert ledger.binding() == BINDING


async def test_a_ledger_sees_every_filter_at_once(journal, ledger):
    await journal.append(decision(1), AlertRaised("eth-loop", "X", "a"), Resumed("other", "me"))
    await journal.append(decision(2), AlertRaised("", "X", "b"))
    assert [entry.seq for entry in ledger.entries(kinds=["AlertRaised"])] == [2, 5]
    assert [entry.seq for entry in ledger.entries(position_id="eth-loop")] == [1, 2, 4]
    narrow = ledger.entries(kinds=["DecisionTaken"], position_id="eth-loop", after=1)
    assert [entry.seq for entry in narrow] == [4]
    assert [entry.seq for entry in ledger.entries(newest_first=True, limit=2)] == [5, 4]
    assert ledger.entries(kinds=["PlanDenied"]) == []


async def test_a_ledger_goes_back_page_by_page_from_any_entry(journal, ledger):
    await journal.append(*(decision(number) for number in range(1, 8)))
    seqs = [
        [entry.seq for entry in ledger.entries(before=before, limit=3, newest_first=True)]
        for before in (None, 5, 2, 1, 0)
    ]
    assert seqs == [[7, 6, 5], [4, 3, 2], [1], [], []]
    assert [entry.seq for entry in ledger.entries(after=2, before=6)] == [3, 4, 5]


async def test_a_ledger_merges_kinds_by_number_and_a_kind_said_twice_is_one(journal, ledger):
    await journal.append(decision(1), AlertRaised("eth-loop", "X", "a"), Resumed("eth-loop", "me"))
    await journal.append(AlertRaised("other", "X", "b"), decision(2), decision(3))
    kinds = ["DecisionTaken", "AlertRaised", "DecisionTaken", "PlanDenied"]
    found = ledger.entries(kinds=kinds, limit=4, newest_first=True)
    assert [entry.seq for entry in found] == [6, 5, 4, 2]
    assert [entry.seq for entry in ledger.entries(kinds=kinds, limit=3)] == [1, 2, 4]
    narrow = ledger.entries(kinds=kinds, position_id="eth-loop", after=1, before=6)
    assert [entry.seq for entry in narrow] == [2, 5]


async def test_a_ledger_finds_entries_by_their_numbers(journal, ledger):
    await journal.append(*(decision(number) for number in range(1, 6)))
    assert [entry.seq for entry in ledger.numbered([5, 2, 9, 2])] == [2, 5]
    assert list(ledger.numbered([])) == []


async def test_a_ledger_sees_what_is_appended_while_it_is_open(journal, ledger):
    assert list(ledger.entries()) == []
    await journal.append(decision(1))
    assert [entry.event for entry in ledger.entries()] == [decision(1)]


def test_wishes_wait_in_order_until_they_are_taken(requests):
    first = requests.put(RequestKind.PAUSE, "eth-loop", "cli")
    second = requests.put(RequestKind.UNWIND, "", "signal")
    assert requests.pending() == [
        Request(first, RequestKind.PAUSE, "eth-loop", "cli"),
        Request(second, RequestKind.UNWIND, "", "signal"),
    ]
    requests.taken(first)
    assert [wish.request_id for wish in requests.pending()] == [second]
    requests.taken(first)
    requests.taken(second)
    assert requests.pending() == []


def test_the_same_wish_twice_is_two_wishes(requests):
    assert requests.put(RequestKind.HALT, "", "cli") != requests.put(RequestKind.HALT, "", "cli")
    assert len(requests.pending()) == 2
