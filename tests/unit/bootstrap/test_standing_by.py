"""Waiting in line for the lease: who takes it, with what journal, and who leaves it to others."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from tests.journal_events import SteadyClock, decision
from tests.standby import LONG, expire, only_reading, prepared, row_of, taken_over, written

from leverd.adapters.sql_journal import Server, SqlJournal, doors, holder, lock_path
from leverd.adapters.sql_journal.lease import LeaseRow
from leverd.adapters.sql_journal.lease_file import HOLDER, STANDBY, WITHOUT, LeaseFile
from leverd.adapters.sql_journal.tenure import Terms
from leverd.adapters.system_clock import SystemClock, lasting
from leverd.bootstrap import candidate as waiting_line
from leverd.bootstrap import chain_sight, standing_by
from leverd.bootstrap.candidate import Candidate
from leverd.errors import (
    JournalForeignError,
    JournalLockedError,
    JournalRefusedError,
    OwnerError,
    UnreachableError,
)
from leverd.interfaces.supervisor import Alone
from leverd.interfaces.watcher import Turned

PATIENCE_S = 60.0
SHORT = 1.5
"""Wall seconds of a lease that a slow machine can still renew."""


@dataclass(frozen=True)
class Head:
    """The part of a block that says how old it is."""

    at: float


class Chain:
    """A node that answers, or does not, or knows old blocks only."""

    def __init__(self):
        self.silent = False
        self.behind_s = 0
        self.asked = 0

    async def head(self):
        return Head(SystemClock().now().timestamp() - self.behind_s)

    async def connect(self, *, deadline_s):
        self.asked += 1
        if self.silent:
            raise UnreachableError("no node answers")


@pytest.fixture
def url(cluster):
    return prepared(cluster)


@pytest.fixture
def other(url):
    """Return another machine's way to the lease."""
    row = row_of(url)
    yield row
    row.close()


def candidate(url, folder, *, ttl_s=LONG, renew_s=0.05):
    path = folder / "journal.db"
    return Candidate(
        clock=SystemClock(),
        supervisor=Alone(),
        account=None,
        path=path,
        server=Server(url),
        terms=Terms(ttl_s, renew_s),
        name="ours",
        file=LeaseFile(path),
        client=Chain(),
        blind_s=LONG,
        head_age_s_max=120,
    )


async def until(true):
    # what is waited for happens in threads and on a server: no event tells of it
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 -- as said
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def waiting(ours, stop=None):
    """Yield the post that `ours` waits for, as a task."""
    stop = stop or asyncio.Event()
    task = asyncio.create_task(ours.post(stop))
    try:
        yield task
    finally:
        stop.set()
        post = await task
        if post is not None and post.tenure is not None:
            await asyncio.to_thread(post.tenure.close)


async def test_a_free_lease_is_taken_and_the_journal_brought_up_to_the_copy(url, tmp_path):
    written(tmp_path / "theirs.db", url, 1, 2)
    ours = candidate(url, tmp_path)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        post = await task
        assert post.lease.holds()
        assert post.title.epoch == 1
        assert "epoch 1; before it was nobody's" in post.news
        assert ours.file.last()[0].state == HOLDER
        journal = SqlJournal(ours.path, SteadyClock())  # its lock is free for who acts
        assert [each.seq for each in journal.replay()] == [1, 2]
        journal.close()


async def test_while_another_holds_it_we_follow_and_take_it_when_it_runs_out(url, other, tmp_path):
    ours = candidate(url, tmp_path)
    written(tmp_path / "theirs.db", url, 1)
    title = other.take("theirs", LONG)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(ours.path.exists)
        assert ours.file.last()[0].state == STANDBY
        assert holder(lock_path(ours.path)) is not None, "nobody else writes it meanwhile"
        assert not task.done()
        assert ours.client.asked == 0
        expire(url)
        post = await task
        assert post.title.epoch == title.epoch + 1
        assert "before it was theirs's" in post.news


async def test_who_cannot_see_the_chain_leaves_the_lease_to_others(url, other, tmp_path):
    ours = candidate(url, tmp_path)
    ours.client.silent = True
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: ours.client.asked > 1)
        assert not task.done()
        assert not other.look().is_held
        ours.client.silent = False
        assert (await task).lease.holds()


async def test_who_sees_old_blocks_only_leaves_the_lease_to_who_sees_new_ones(url, other, tmp_path):
    ours = candidate(url, tmp_path)
    ours.client.behind_s = 121
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: ours.client.asked > 1)
        assert not task.done()
        assert other.take("theirs", LONG) is not None
        expire(url)
        ours.client.behind_s = 119
        assert (await task).lease.holds()


async def test_where_everybody_sees_old_blocks_one_takes_the_lease_all_the_same(url, tmp_path):
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    ours.client.behind_s = 10_000
    began = lasting()
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        assert (await task).lease.holds()
    assert lasting() - began > 2 * SHORT, "others were let first"


async def test_a_block_without_a_time_to_compare_is_as_good_as_any(url, tmp_path):
    ours = candidate(url, tmp_path)
    ours.client.behind_s, ours.head_age_s_max = 10_000, None
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        assert (await task).lease.holds()


async def test_where_server_and_chain_are_gone_it_waits_for_whichever_answers_first(tmp_path):
    ours = candidate("postgresql://leverd@127.0.0.1:1/x", tmp_path, ttl_s=0.1)
    ours.client.silent = True
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: ours.client.asked > 3)
        assert not task.done(), "there is nothing that it could guard"
        ours.client.silent = False
        assert (await task).tenure is None


async def test_a_server_that_stays_silent_leaves_us_to_guard_alone(tmp_path):
    ours = candidate("postgresql://leverd@127.0.0.1:1/x", tmp_path, ttl_s=0.1)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        post = await task
        assert post.tenure is None
        assert not post.lease.holds()
        assert ours.file.last()[0].state == WITHOUT


async def test_a_server_that_only_reads_leaves_us_to_guard_alone_once_nobody_holds_the_lease(
    url, other, tmp_path
):
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    written(tmp_path / "theirs.db", url, 1)
    other.take("theirs", LONG)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(ours.path.exists)
        with only_reading(url):
            await asyncio.sleep(2 * ours.terms.ttl_s)
            assert not task.done(), "another holds it: that one acts"
        ours.not_before = lasting() + LONG  # so that it runs out before anybody can have it
        expire(url)
        written(tmp_path / "theirs.db", url, 2)
        with only_reading(url):
            ours.not_before = 0.0
            post = await task
            assert post.tenure is None
            assert "read-only" in post.news
            assert ours.file.last()[0].state == WITHOUT
            journal = SqlJournal(ours.path, SteadyClock())
            assert [each.seq for each in journal.replay()] == [1, 2], "all that the holder shipped"
            journal.close()


@pytest.mark.parametrize("right", ["UPDATE", "SELECT", "ALL"])
async def test_a_right_that_was_taken_away_leaves_us_to_guard_alone(
    url, other, tmp_path, cluster, right
):
    role = f"poor_{right.lower()}"
    ours = candidate(url.replace("leverd@", f"{role}@"), tmp_path, ttl_s=SHORT)
    with contextlib.closing(doors.writing(Server(url))) as door, door.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"))
        connection.execute(text(f"REVOKE {right} ON lease FROM {role}"))
    async with asyncio.timeout(PATIENCE_S):
        post = await ours.post(asyncio.Event())
    assert post.tenure is None
    assert "permission denied" in post.news


@pytest.mark.parametrize(
    "refusal",
    [
        UnreachableError("its disk is full"),
        JournalRefusedError("cannot execute UPDATE in a read-only transaction"),
        OwnerError("there is no lease here yet"),
    ],
)
@pytest.mark.parametrize("had_its_time", [False, True])
async def test_that_a_server_answers_is_nothing_where_it_gives_no_lease(
    url, tmp_path, monkeypatch, refusal, had_its_time
):
    def refuse(*_given):
        raise refusal

    for each in ("take", "rehearse"):
        monkeypatch.setattr(LeaseRow, each, refuse)
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    ours.not_before = lasting() + LONG * had_its_time
    async with asyncio.timeout(PATIENCE_S):
        post = await ours.post(asyncio.Event())
    assert post.tenure is None


async def test_a_lease_that_was_left_to_others_is_waited_for_while_the_server_would_give_it(
    url, other, tmp_path
):
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    ours.not_before = lasting() + LONG
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: ours.prepared)
        await asyncio.sleep(2 * ours.terms.ttl_s)
        assert not task.done(), "another may have it any moment: nobody guards beside it"
        ours.not_before = 0.0
        assert (await task).lease.holds()


async def test_who_cannot_read_the_holders_journal_does_not_guard_beside_it(
    url, other, tmp_path, monkeypatch
):
    asked = []

    def refuse(*_given):
        asked.append(1)
        raise JournalRefusedError("permission denied for table events")

    monkeypatch.setattr(waiting_line, "follow", refuse)
    other.take("theirs", LONG)
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(asked) > 1)
        await asyncio.sleep(2 * ours.terms.ttl_s)
        assert not task.done()


async def test_told_to_stop_it_waits_no_longer(url, other, tmp_path):
    other.take("theirs", LONG)
    ours, stop = candidate(url, tmp_path), asyncio.Event()
    async with waiting(ours, stop) as task, asyncio.timeout(PATIENCE_S):
        await until(lambda: ours.file.last() is not None)
        stop.set()
        assert await task is None


async def test_a_journal_that_is_another_story_is_refused_and_the_lease_given_back(
    url, other, tmp_path
):
    written(tmp_path / "theirs.db", url, 1)
    ours = candidate(url, tmp_path)
    journal = SqlJournal(ours.path, SteadyClock())
    journal.append_now(*map(decision, (7, 8, 9)))
    journal.close()
    with pytest.raises(JournalForeignError, match="no entry in common"):
        await ours.post(asyncio.Event())
    assert not other.look().is_held


async def test_what_was_set_aside_is_said_to_who_reads_the_journal(url, other, tmp_path):
    theirs = tmp_path / "theirs.db"
    written(theirs, url, 1)
    ours = candidate(url, tmp_path)
    async with waiting(ours) as task:
        await task
    journal = SqlJournal(ours.path, SteadyClock())
    journal.append_now(decision(7))
    journal.close()
    written(theirs, url, 2)
    async with waiting(ours) as task, asyncio.timeout(PATIENCE_S):
        post = await task
        assert "journal.db.earlier-1" in post.news


async def test_a_second_daemon_on_the_same_journal_does_not_wait_in_line(url, tmp_path):
    journal = SqlJournal(tmp_path / "journal.db", SteadyClock())
    with pytest.raises(JournalLockedError):
        await candidate(url, tmp_path).post(asyncio.Event())
    journal.close()


@pytest.fixture
def line(monkeypatch):
    """Have `run` use the candidate that a test makes."""

    def use(ours):
        @contextlib.asynccontextmanager
        async def candidate_of(*_given):
            yield ours

        monkeypatch.setattr(standing_by, "candidate", candidate_of)

    return use


async def test_it_acts_until_another_takes_over_and_again_when_its_turn_comes(
    url, other, tmp_path, line
):
    ours = candidate(url, tmp_path)
    line(ours)
    stop, epochs = asyncio.Event(), []

    async def act(post, ending):
        epochs.append(post.title.epoch)
        if len(epochs) > 1:
            stop.set()
        else:
            taken_over(url)
            ours.terms = Terms(0.01, 0.05)  # who had its time lets others go first, not for long
        await ending.wait()
        if not stop.is_set():
            assert post.tenure.is_over()
            expire(url)

    async with asyncio.timeout(PATIENCE_S):
        await standing_by.run(None, SystemClock(), Alone(), stop, act)
    assert epochs == [1, 3]
    assert not other.look().is_held, "given back at the end"


async def test_guarding_alone_goes_on_while_the_server_only_reads_and_ends_when_it_writes(
    url, other, tmp_path, line
):
    ours = candidate(url, tmp_path, ttl_s=SHORT)
    line(ours)
    stop, seen = asyncio.Event(), []

    async def act(post, ending):
        seen.append(post.tenure is None)
        if len(seen) == 1:
            await asyncio.sleep(20 * ours.terms.renew_s)
            assert not ending.is_set(), "it answers every look, and would give the lease to nobody"
            healing.close()
            ours.terms = Terms(LONG, 0.05)
        else:
            stop.set()
        await ending.wait()

    with contextlib.ExitStack() as healing:
        healing.enter_context(only_reading(url))
        async with asyncio.timeout(PATIENCE_S):
            await standing_by.run(None, SystemClock(), Alone(), stop, act)
    assert seen == [True, False]
    assert not other.look().is_held, "given back at the end"


async def test_guarding_alone_ends_on_a_server_that_came_back_empty(cluster, tmp_path, line):
    ours = candidate("postgresql://leverd@127.0.0.1:1/x", tmp_path, ttl_s=0.1)
    ours.prepared = True  # it once was
    line(ours)
    stop, seen = asyncio.Event(), []

    async def act(post, ending):
        seen.append(post.tenure is None)
        if len(seen) == 1:
            ours.server, ours.terms = Server(cluster.database()), Terms(LONG, 0.05)
        else:
            stop.set()
        await ending.wait()

    async with asyncio.timeout(PATIENCE_S):
        await standing_by.run(None, SystemClock(), Alone(), stop, act)
    assert seen == [True, False]


async def test_guarding_alone_ends_when_the_server_answers(url, tmp_path, line):
    ours = candidate("postgresql://leverd@127.0.0.1:1/x", tmp_path, ttl_s=0.1)
    line(ours)
    stop, seen = asyncio.Event(), []

    async def act(post, ending):
        seen.append(post.tenure is None)
        if len(seen) == 1:
            ours.server, ours.terms = Server(url), Terms(LONG, 0.05)
        else:
            stop.set()
        await ending.wait()

    async with asyncio.timeout(PATIENCE_S):
        await standing_by.run(None, SystemClock(), Alone(), stop, act)
    assert seen == [True, False]


async def test_who_cannot_begin_gives_the_lease_back(url, other, tmp_path, line):
    line(candidate(url, tmp_path))

    async def act(_post, _ending):
        raise UnreachableError("no node answers after all")

    with pytest.raises(UnreachableError):
        await standing_by.run(None, SystemClock(), Alone(), asyncio.Event(), act)
    assert not other.look().is_held


async def test_a_daemon_that_ended_by_itself_is_not_begun_again_here(url, other, tmp_path, line):
    line(candidate(url, tmp_path))
    acted = []

    async def act(_post, _ending):
        acted.append("memory is at its ceiling")

    async with asyncio.timeout(PATIENCE_S):
        await standing_by.run(None, SystemClock(), Alone(), asyncio.Event(), act)
    assert len(acted) == 1
    assert not other.look().is_held


@pytest.fixture
def machines(url, tmp_path, monkeypatch):
    """Return two machines' candidates, and have `run` take for one what it is given."""

    @contextlib.asynccontextmanager
    async def candidate_of(ours, *_given):
        yield ours

    monkeypatch.setattr(standing_by, "candidate", candidate_of)
    monkeypatch.setattr(chain_sight, "START_S", 0.2)
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        made.append(candidate(url, folder, ttl_s=SHORT))
        made[-1].name, made[-1].blind_s = name, 0.4
    return made


@contextlib.asynccontextmanager
async def running(*machines):
    """Run daemons that do nothing but look; yield who acted, in order, with its post."""
    stop, acted = asyncio.Event(), []

    def act_of(ours):
        async def act(post, ending):
            assert not any(each.lease.holds() for _, each in acted), "one signs at a time"
            acted.append((ours, post))
            while not ending.is_set():
                if not ours.client.silent:
                    fresh = ours.client.behind_s < 120
                    post.watcher.turned(turned(fresh=fresh))
                await asyncio.sleep(0.05)

        return act

    runs = [
        asyncio.create_task(standing_by.run(each, SystemClock(), Alone(), stop, act_of(each)))
        for each in machines
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield acted
    finally:
        stop.set()
        await asyncio.gather(*runs)


def turned(*, fresh):
    return Turned(1, SystemClock().now(), 0.1, {}, 0.1, fresh, {"eth-loop": None})


async def test_a_holder_that_falls_blind_lets_who_sees_the_chain_take_over_and_stays_behind(
    machines, url
):
    one, two = machines
    async with running(one) as first:
        await until(lambda: first)
        async with running(two) as second:
            await asyncio.sleep(3 * SHORT)
            assert not second, "a holder that sees the chain keeps the lease"
            assert len(first) == 1
            one.client.silent = True
            began = lasting()
            await until(lambda: second)
            assert lasting() - began < PATIENCE_S / 4
            assert not first[0][1].lease.holds()
            (_, post), *_ = second
            assert post.title.epoch == 2
            one.client.silent = False
            await asyncio.sleep(3 * SHORT)
            assert len(first) == len(second) == 1, "and it stays where it is"
            assert post.lease.holds()


async def test_a_holder_that_fell_blind_and_is_alone_takes_the_lease_again_once_it_sees(machines):
    one, _ = machines
    async with running(one) as acted:
        await until(lambda: acted)
        one.client.silent = True
        await until(acted[0][1].tenure.is_over)
        await asyncio.sleep(3 * SHORT)
        assert len(acted) == 1, "what for?"
        one.client.silent = False
        await until(lambda: len(acted) == 2)
        assert acted[1][1].lease.holds()
        assert one.in_vain == 0


async def test_where_both_are_blind_the_lease_does_not_go_to_and_fro(machines, other):
    one, two = machines
    async with running(one, two) as acted:
        await until(lambda: acted)
        one.client.silent = two.client.silent = True
        await until(acted[0][1].tenure.is_over)
        asked = one.client.asked, two.client.asked
        await until(lambda: one.client.asked > asked[0] + 3 and two.client.asked > asked[1] + 3)
        await asyncio.sleep(4 * SHORT)
        assert len(acted) == 1
        assert not other.look().is_held
        two.client.silent = False
        await until(lambda: len(acted) == 2)
        assert acted[1][0] is two


async def test_where_both_see_old_blocks_one_holds_the_lease_for_longer_each_time(machines):
    one, two = machines
    one.client.behind_s = two.client.behind_s = 10_000
    async with running(one, two) as acted:
        await until(lambda: len(acted) == 3)
        assert acted[0][1].lease.holds() is acted[1][1].lease.holds() is False
        assert one.in_vain + two.in_vain == 2
        assert acted[2][1].sight._late_s == 0.4 * 2 ** acted[2][0].in_vain
        acted[2][0].client.behind_s = 0
        await asyncio.sleep(2 * SHORT)
        assert acted[2][1].lease.holds()
        assert len(acted) == 3
