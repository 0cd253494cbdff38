"""The API's smaller parts: buckets, pools, spans, lines, and how far liquidation is."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal_events import RAY, WAD
from tests.unit.api.house import DAY, at_

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.api.asked import first_since
from leverd.api.courses import rates, thinned
from leverd.api.outlook import distance, outlook
from leverd.api.rates import Buckets
from leverd.api.table import _cell
from leverd.api.trail import Trail
from leverd.cli.api_pool import Pool
from leverd.domain.changed import changed
from leverd.domain.events import AlertRaised
from leverd.interfaces.watcher import Seen, Sight


class Hands:
    """Time moved by hand."""

    at = 0.0

    def __call__(self):
        return self.at


def test_a_bucket_gives_its_burst_and_then_its_rate():
    clock = Hands()
    buckets = Buckets(clock, rate_s=2.0, burst=3.0)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    clock.at = 0.5
    assert buckets.take("a") == 0
    clock.at = 1e9
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_are_forgotten_before_they_fill_the_memory():
    buckets = Buckets(Hands(), rate_s=1.0, burst=1.0)
    for number in range(5000):
        buckets.take(str(number))
    assert len(buckets._left) == 1024


class Thing:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


def test_a_pool_lends_each_to_one_at_a_time_and_again_later(tmp_path):
    path = tmp_path / "f"
    path.write_text("")
    pool = Pool(path, Thing)
    with pool.lend() as one, pool.lend() as other:
        assert one is not other
    with pool.lend() as again:
        assert again in {one, other}
    pool.close()
    assert one.closed
    assert other.closed


def test_what_failed_or_belongs_to_another_file_is_not_lent_again(tmp_path):
    path = tmp_path / "f"
    path.write_text("")
    pool = Pool(path, Thing)
    with pytest.raises(ValueError, match="broken"), pool.lend() as failed:
        raise ValueError("broken")
    assert failed.closed
    with pool.lend() as old:
        pass
    other = tmp_path / "other"
    other.write_text("")
    other.replace(path)
    with pool.lend() as new:
        assert new is not old
    assert old.closed


def test_a_pool_keeps_only_so_many(tmp_path):
    pool, made = Pool(tmp_path / "f", Thing), []
    barrier = threading.Barrier(40)

    def use():
        with pool.lend() as lent:
            made.append(lent)
            barrier.wait()

    threads = [threading.Thread(target=use) for _ in range(40)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(each.closed for each in made) == 8


class ListedClock:
    """Wall time from a list."""

    def __init__(self, times):
        self._times = iter(times)

    def now(self):
        return next(self._times)


@given(st.lists(st.integers(0, 50), max_size=40).map(sorted), st.integers(-1, 51))
def test_halving_finds_the_first_entry_of_a_span(seconds, asked):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    journal = MemoryJournal(ListedClock([began + timedelta(seconds=each) for each in seconds]))
    for _ in seconds:
        journal.append_now(AlertRaised("", "LVD-X", ""))
    found = first_since(journal, began + timedelta(seconds=asked))
    inside = [entry.seq for entry in journal.entries(after=max(found - 1, 0), limit=100)]
    assert inside == [number for number, each in enumerate(seconds, 1) if each >= asked]


@given(st.lists(st.integers(), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_order_and_both_ends(points, most):
    few = thinned(points, most)
    assert len(few) == min(len(points), most)
    assert (few[0], few[-1]) == (points[0], points[-1])


def test_rates_need_time_to_pass_and_indexes_that_grow():
    assert rates([at_(1), at_(2)]) == []
    shrunk = changed(at_(1 + DAY // 12), supply_indexes={"WETH": RAY // 2, "USDC": RAY // 2})
    points = rates([at_(1), shrunk])
    assert {point.supply_apr for point in points} == {"0"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""), (True, "true"), ("-5.0", "-5.0"), ("-cmd", "'-cmd"), ("@x", "'@x"),
        ("+1+1", "'+1+1"), ({"amount": "1", "unit": "ETH"}, "1 ETH"), ([1, 2], "[1,2]"), (7, "7"),
    ],
)  # fmt: skip
def test_a_cell_is_a_number_or_harmless_text(value, cell):
    assert _cell(value) == cell


def test_distance_needs_a_price_and_a_debt():
    assert distance(None, Decimal(1)) is None
    assert distance(Decimal(2), None) is None
    assert distance(Decimal(2000), Decimal(1500)) == Decimal("0.25")
    assert distance(Decimal(2000), Decimal(2500)) == Decimal("0.25")


def test_interest_alone_liquidates_when_the_debts_index_has_outgrown_health():
    looks = [at_(1), at_(1 + DAY // 12)]  # debt grows 2 % a day, collateral 1 %
    found = outlook(looks, "WETH", Decimal(3000), Decimal(2190))
    daily = math.log(1.02 / 1.01)
    assert found.drift_s == pytest.approx(math.log(1.383) / daily * DAY, rel=1e-6)


def test_one_deviation_of_moves_covers_the_distance_in_time_by_its_square():
    looks = [at_(number * 10, price=3000 if number % 2 else 3030) for number in range(20)]
    move = math.log(3030 / 3000)
    for share in ("0.8", "1.5", "2.5"):  # a fall hurts a long position, a rise a short one
        found = outlook(looks, "WETH", Decimal(3000), 3000 * Decimal(share))
        assert found.sigma_s == pytest.approx((math.log(float(share)) / move) ** 2 * 120, rel=1e-6)


@pytest.mark.parametrize("looks", [[], [at_(1)], [at_(n) for n in range(1, 5)]])
def test_too_few_looks_tell_no_time(looks):
    found = outlook(looks, "WETH", Decimal(3000), Decimal(2400))
    assert (found.distance, found.drift_s, found.sigma_s) == ("0.200000", None, None)


def test_a_price_that_stands_still_and_no_debt_tell_no_time():
    looks = [changed(at_(n * 30), owed={}, health=2**256 - 1) for n in range(1, 20)]
    found = outlook(looks, "WETH", Decimal(3000), None)
    assert (found.distance, found.drift_s, found.sigma_s) == (None, None, None)
    still = [at_(n * 30) for n in range(1, 20)]
    assert outlook(still, "WETH", Decimal(3000), Decimal(2400)).sigma_s is None


def test_the_trail_keeps_each_block_once_and_begins_anew_on_another_chain():
    trail = Trail()
    trail.note(None)
    for block in (10, 11, 11, 9):
        trail.note(sight(at_(block)))
    assert [look.block for look in trail.looks("eth-loop")] == [10, 11]
    trail.note(sight(changed(at_(1), at=at_(10).at - 2 * DAY)))
    assert [look.block for look in trail.looks("eth-loop")] == [1]
    assert trail.looks("other") == []


def sight(snapshot):
    seen = Seen(snapshot, 8300, 1, WAD, 1, 1, trusted=True, open_slots=0)
    return Sight(1, 1, datetime(2026, 1, 1, tzinfo=UTC), 0.1, {}, 1.0, True, 1, {"eth-loop": seen})
