"""The comparison with peers: what it reads, what it makes of it, and where it writes that."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from benchmarks.peers import environments
from benchmarks.peers.environments import PEERS, installed
from benchmarks.peers.table import BARE, BEGIN, END, OURS, Compared, rows, run_of, written
from benchmarks.peers.task import Run, Series, load, terms, wanted

RUN = Run(OURS, 1_000, 0.5, 7, 2_000.0, 80.0, 50.0)


def cells(line):
    return [each.strip() for each in line.strip("|").split("|")]


def a_round(ours=RUN, bare_s=1.0, peer_s=5.0):
    return {
        OURS: ours,
        BARE: replace(RUN, engine=BARE, seconds=bare_s),
        "peer": replace(RUN, engine="peer", seconds=peer_s, peak_mb=160.0, equity=2_002.0, acts=8),
    }


def test_a_run_is_told_by_the_last_line_whatever_is_said_before():
    assert run_of(f"a bar of progress\n{RUN.line()}\n") == RUN


@pytest.mark.parametrize("said", ["", "nothing of use", '{"engine": "leverd"}', "[1, 2]"])
def test_what_tells_of_no_run_is_refused(said):
    with pytest.raises(ValueError, match=r"said nothing|no run is told"):
        run_of(said)


def test_a_ratio_is_taken_within_its_round_and_the_median_counts():
    slow = a_round(ours=replace(RUN, seconds=5.0), peer_s=20.0)  # 4 times, on a busy machine
    found = rows([Compared("hours", [a_round(), slow, a_round(peer_s=6.0)])])
    assert cells(found[0])[4] == "leverd is faster by"
    ours, bare, peer = (cells(line) for line in found[2:])
    assert ours == ["hours", OURS, "3", "2,000", "", "80 MB, 50 of it imports", "", "7", "0"]
    assert bare[4] == "2.00"
    assert peer[1:5] == ["peer", "3", "167", "10.00"]
    assert peer[6:] == ["0.50", "8", "1e-03"]


def test_a_peer_that_failed_in_a_round_is_counted_in_the_others():
    lone = {each: run for each, run in a_round().items() if each != "peer"}
    found = [cells(line) for line in rows([Compared("hours", [lone, a_round()])])[2:]]
    assert [(line[1], line[2]) for line in found] == [(OURS, "2"), (BARE, "2"), ("peer", "1")]


def test_the_table_replaces_what_stood_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    written(page, ["one", "two"])
    written(page, ["three"])
    assert page.read_text() == f"before\n{BEGIN}\nthree\n{END}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n")
    with pytest.raises(ValueError, match="has no"):
        written(page, ["new"])
    assert page.read_text() == f"before\n{BEGIN}\nold\n"


def test_the_page_has_the_marks():
    text = (environments.ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1


@pytest.mark.parametrize("number", [float, Decimal])
@pytest.mark.parametrize(
    ("owned", "owed"), [("20000", "0"), ("60000", "35000"), ("60000", "43000")]
)
def test_a_purchase_or_a_sale_ends_at_the_target(number, owned, owed):
    kept, own, owe = terms(number), number(owned), number(owed)
    value, keep = wanted(kept, own, owe), 1 - kept.fee
    bought, sold = max(value, 0), -min(value, 0)
    own, owe = own + bought * keep - sold, owe + bought - sold * keep
    assert value
    assert own / (own - owe) == pytest.approx(number(3), rel=number("1e-12"))


@pytest.mark.parametrize("number", [float, Decimal])
def test_inside_the_band_nothing_is_wanted(number):
    assert not wanted(terms(number), number(60_000), number(40_000))


def test_below_the_floor_something_is_sold_though_the_band_would_hold():
    kept = replace(terms(float), high=9.0)
    assert wanted(kept, 60_000.0, 43_000.0) < 0


def test_a_series_comes_back_as_it_was_saved(tmp_path):
    index = np.array([[1, 10**17], [1, 10**17 + 1]], dtype=np.int64)
    ts = np.array([3_600, 7_200], dtype=np.int64)
    series = Series(ts, ts * 10**8, index, index + 1)
    series.save(tmp_path / "series.npz")
    found = load(tmp_path / "series.npz")
    assert found.borrow.tolist() == series.borrow.tolist()
    assert (found.ts.tolist(), found.price.tolist()) == (ts.tolist(), series.price.tolist())


def test_every_version_a_peer_runs_with_is_pinned():
    for peer in PEERS:
        pins = Path(environments.__file__).with_name(peer.pins).read_text("ascii").splitlines()
        assert pins
        assert all("==" in line for line in pins)


def test_a_peer_that_cannot_be_installed_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "HOME", tmp_path)
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no such place' >&2\nexit 2\n")
    uv.chmod(0o755)
    assert installed(PEERS[0], uv) == "no such place"
    assert not (tmp_path / PEERS[0].name / "pins.sha256").exists()


def test_an_environment_that_stands_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "HOME", tmp_path)
    peer = PEERS[1]
    pins = Path(environments.__file__).with_name(peer.pins).read_bytes()
    (tmp_path / peer.name).mkdir()
    (tmp_path / peer.name / "pins.sha256").write_text(hashlib.sha256(pins).hexdigest())
    assert installed(peer, tmp_path / "there is no uv here") is None
