"""A search finds the best, goes on where it was killed, and checks a sample."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.unit.sweep.pasts import past_of, walk
from tests.unit.sweep.runs import InMemory, zeros

from leverd.backtest.sweep import search as searching
from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.blocks import ground
from leverd.backtest.sweep.choices import Kind, Objective
from leverd.backtest.sweep.engine import local
from leverd.backtest.sweep.objective import holding, scores
from leverd.backtest.sweep.outcome import COLUMNS
from leverd.backtest.sweep.search import Unkept, Wanted, search
from leverd.backtest.sweep.space import space_of
from leverd.backtest.sweep.store import Store
from leverd.errors import InexactError, SweepError

SAID = {
    "target": "1.5:3:0.25",
    "band_low": "1.25:2.5:0.25",
    "band_high": "2:4:0.5",
    "fee": "0.0005",
    "threshold": "0.9",
    "health_floor": "0,1.05",
}
SPACE = space_of(SAID)
FIELD = {name: index for index, name in enumerate(COLUMNS)}


@pytest.fixture(scope="module")
def over():
    past = walk(2_000, seed=8, spread=0.006, period=24)
    return ground(past, zeros(past))


@pytest.fixture
def small(monkeypatch):
    """Chunks so small that there are some."""
    monkeypatch.setattr(searching, "_WORK", 2_000 * 40)
    monkeypatch.setattr(searching, "_CHUNK_MIN", 1)


def files(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def ended(folder, over, wanted, engine=None):
    """Return what a whole sweep into `folder` finds."""
    store = Store(folder)
    store.begin(wanted.said())
    found = search(wanted, over, engine or local(1), bare, store)
    store.finish(found.chunks)
    return found


@pytest.mark.parametrize("objective", list(Objective))
def test_the_best_is_the_best(over, objective):
    memory = InMemory()
    found = search(Wanted(SPACE, objective=objective), over, local(1), bare, memory)
    table, results = memory.chunk(0)
    assert found.tried == len(table) > 100
    assert found.scores[0] == scores(objective, results, over.past).max()
    assert (np.diff(found.scores) <= 0).all()
    assert len(found.scores) == 10
    assert found.checked.count >= 4
    assert found.checked.apart < 1e-9


def test_a_liquidated_one_is_worse_than_the_worst(over):
    crash = past_of([2_000, 2_500, 1_100, 3_000], period=1)
    space = space_of({**SAID, "target": "1.5,5", "band_low": "1", "band_high": "6,7"})
    found = search(Wanted(space), ground(crash, zeros(crash)), local(1), bare, InMemory())
    assert found.liquidated == 4
    assert np.isneginf(found.scores[-4:]).all()
    assert np.isfinite(found.scores[:-4]).all()


def test_a_killed_sweep_goes_on_and_leaves_the_same_files(over, small, tmp_path):
    wanted = Wanted(SPACE)
    whole = ended(tmp_path / "whole", over, wanted)
    store = Store(tmp_path / "killed")
    store.begin(wanted.said())

    def killed(done, total):
        assert total > 3
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(wanted, over, local(1), bare, store, killed)
    assert store.done(1)
    assert not store.done(2)
    ran, seen = [], []
    again = search(wanted, over, _counting(ran), bare, store, lambda done, _: seen.append(done))
    store.finish(again.chunks)
    assert seen == list(range(1, again.chunks + 1))
    assert len(ran) == again.chunks - 2
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert np.array_equal(again.results, whole.results)
    twice = search(wanted, over, _no_engine, bare, store)
    assert np.array_equal(twice.table, whole.table)


def _counting(ran):
    """Return an engine that notes what it runs."""

    @contextmanager
    def engine(ground, exact):
        with local(1)(ground, exact) as run:
            yield lambda tables: run(ran.append(each) or each for each in tables)

    return engine


def _no_engine(_ground, _exact):
    raise AssertionError("everything is done already")


def test_two_identical_runs_leave_identical_files_however_many_processes(over, small, tmp_path):
    wanted = Wanted(SPACE, kind=Kind.RANDOM, trials=200, seed=5)
    ended(tmp_path / "one", over, wanted)
    ended(tmp_path / "two", over, wanted, local(2))
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert len(one) > 5
    assert one == two


def test_results_are_one_file_in_whole_units(over, small, tmp_path):
    found = ended(tmp_path, over, Wanted(SPACE))
    table = pq.read_table(tmp_path / "results.parquet")
    assert len(table) == found.tried
    assert table.column("fee")[0].as_py() == 0.0005
    assert max(table.column("target").to_pylist()) == 3
    assert table.schema.field("boosts").type == "int64"
    best = max(
        mean / deviation
        for mean, deviation in zip(
            table.column("mean").to_pylist(), table.column("deviation").to_pylist(), strict=True
        )
    )
    assert found.scores[0] == pytest.approx(best * np.sqrt(83 / (1_999 / 8_760)))


def test_a_folder_is_one_sweeps(over, tmp_path):
    ended(tmp_path, over, Wanted(SPACE))
    with pytest.raises(SweepError, match="with another search, seed, trials") as caught:
        Store(tmp_path).begin(Wanted(SPACE, kind=Kind.RANDOM).said())
    assert caught.value.code == "LVD-SWP-008"
    (tmp_path / "sweep.json").write_text("[]")
    with pytest.raises(SweepError, match="is damaged: it does not tell"):
        Store(tmp_path).begin(Wanted(SPACE).said())
    (tmp_path / "sweep.json").unlink()
    with pytest.raises(SweepError, match="without what they are of"):
        Store(tmp_path).begin(Wanted(SPACE).said())


def test_a_damaged_chunk_is_named(over, tmp_path):
    ended(tmp_path, over, Wanted(SPACE))
    file = tmp_path / "chunks" / "00000000.parquet"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(SweepError, match="damaged") as caught:
        search(Wanted(SPACE), over, local(1), bare, Store(tmp_path))
    assert caught.value.place == str(file)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError) as caught:
        Store(tmp_path / "file").begin({})
    assert caught.value.code == "LVD-SWP-009"


def test_an_engine_that_is_not_the_kernels_equal_ends_it_with_a_code(over):
    def planted(configuration, past, against):
        found = bare(configuration, past, against)
        told = replace(found.outcome, equity=found.outcome.equity * (1 + 1e-7))
        return replace(found, outcome=told)

    with pytest.raises(InexactError, match="equity") as caught:
        search(Wanted(SPACE), over, local(1), planted, InMemory())
    assert (caught.value.code, caught.value.exit_code) == ("LVD-SWP-011", 1)
    assert "target=" in caught.value.place
    assert search(Wanted(SPACE), over, local(1), bare, InMemory()).tried > 0


def test_nothing_is_held_against_it_twice(over):
    single = {**SAID, "target": "2", "band_low": "1.5", "band_high": "3", "health_floor": "0"}
    asked = []

    def watching(configuration, *rest):
        asked.append(configuration)
        return bare(configuration, *rest)

    found = search(Wanted(space_of(single)), over, local(1), watching, Unkept())
    assert (found.tried, found.checked.count, len(asked)) == (1, 1, 1)


def test_configurations_on_an_edge_are_run_by_the_exact_engine():
    past = past_of([2_000, 2_400, 2_500], period=1)  # at 3x without a fee, 2.25 at 2,400
    said = {**SAID, "target": "3", "band_low": "2.25,2.3", "fee": "0"}
    asked = []

    def watching(configuration, *rest):
        asked.append(configuration)
        return bare(configuration, *rest)

    memory = InMemory()
    over_ = ground(past, zeros(past))
    found = search(Wanted(space_of(said), sample=1), over_, local(1), watching, memory)
    upon = [each for each in asked if each.band_low == 2_250_000_000]
    assert found.again == len(upon) > 0
    table, results = memory.chunk(0)
    for config, result in zip(table, results, strict=True):
        if config[1] == 2_250_000_000:
            assert result[FIELD["grain"]] == 0
            assert result[FIELD["edge"]] < 1e-9


def test_a_space_without_sense_says_what_must_hold(over):
    with pytest.raises(SweepError, match="no configuration") as caught:
        search(Wanted(space_of({**SAID, "threshold": "0.3"})), over, local(1), bare, InMemory())
    assert caught.value.code == "LVD-SWP-005"


def test_optuna_learns_and_is_the_same_for_the_same_seed(over, tmp_path):
    said = {**SAID, "target": "1.5:3", "band_low": "1:2.5", "gas": "0,1,5", "band_high": "2:4:0.1"}
    wanted = Wanted(space_of(said), kind=Kind.OPTUNA, trials=150, objective=Objective.GROWTH)
    first = ended(tmp_path / "one", over, wanted)
    again = ended(tmp_path / "two", over, wanted)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert 0 < first.tried <= 150
    memory = InMemory()
    random = replace(wanted, kind=Kind.RANDOM, trials=first.tried)
    search(random, over, local(1), bare, memory)
    at_random = scores(Objective.GROWTH, memory.chunk(0)[1], over.past)
    assert again.scores[0] >= np.quantile(at_random, 0.9)


def test_optuna_goes_on_where_it_was_killed(over, tmp_path):
    said = {**SAID, "target": "1.5:3"}
    wanted = Wanted(space_of(said), kind=Kind.OPTUNA, trials=150)
    ended(tmp_path / "whole", over, wanted)
    store = Store(tmp_path / "killed")
    store.begin(wanted.said())

    def killed(done, _total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(wanted, over, local(1), bare, store, killed)
    ended(tmp_path / "killed", over, wanted)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    said = json.loads((tmp_path / "whole" / "sweep.json").read_text())
    assert said["search"] == "optuna"


def test_optuna_that_asks_for_something_else_than_is_kept_says_so(over, tmp_path):
    wanted = Wanted(space_of({**SAID, "target": "1.5:3"}), kind=Kind.OPTUNA, trials=20)
    store = Store(tmp_path)
    store.begin(wanted.said())
    search(wanted, over, local(1), bare, store)
    with pytest.raises(SweepError, match="not what Optuna asks for") as caught:
        search(replace(wanted, seed=2), over, local(1), bare, store)
    assert caught.value.code == "LVD-SWP-008"


def test_against_holding_a_held_collateral_returns_nothing():
    past = walk(200, seed=2, period=10)
    worth = np.array(past.collateral_price[::10], dtype=float) * np.array(
        [(high + low / 1e18) / 1e9 for high, low in past.supply_index[::10].tolist()]
    )
    assert holding(past) == pytest.approx(worth[1:] / worth[:-1] - 1)
