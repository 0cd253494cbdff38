"""The page: self-contained, the same for the same run, and deaf to what names and reasons say."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from tests import worlds
from tests.run_records import Replay, curve, played

from leverd.backtest.report import facts_of, tables, write_page
from leverd.backtest.report.acts import End, acts_of
from leverd.backtest.report.figures import MARKS_MAX, marked_acts, plots_of
from leverd.backtest.report.findings import findings_of
from leverd.backtest.report.page import page_of
from leverd.backtest.run_record import Band, Curve
from leverd.domain.events import AlertRaised, ExternalChanged
from leverd.domain.money import Asset
from leverd.errors import DataError, OwnerError

EVIL = "</script><img src=x onerror=alert(1)>&'\"\x1b[31m\u2028"


class Elements(HTMLParser):
    """Collects tags and their attributes, text, and what scripts hold."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.text = [], [], []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1] += data
        else:
            self.text.append(data)


@cache
def page():
    return page_of(played())


@cache
def parsed():
    return Elements(page())


def specs(text):
    return json.loads(Elements(text).scripts[0])


def test_two_identical_runs_give_identical_bytes():
    played.cache_clear()
    again = page_of(played())
    assert again == page()


def test_nothing_on_the_page_is_fetched_from_anywhere():
    for tag, attributes in parsed().tags:
        assert not attributes.keys() & {"src", "href", "action", "srcset"}, tag
    assert "@import" not in page()
    assert "url(" not in Elements(page().partition("</style>")[0]).text[0]


def test_its_policy_names_the_two_scripts_by_hash_and_nothing_else():
    (policy,) = [a["content"] for t, a in parsed().tags if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    digests = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        for each in parsed().scripts[1:]
    ]
    assert allowed == digests
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "unsafe-eval" not in policy


def test_the_page_tells_the_settings_the_data_and_the_models():
    text = " ".join(parsed().text)
    for part in ("5e771465", "da7a" * 16, "in the next block", "leverage 1.0000 is below 2.2"):
        assert part in text


def test_every_plot_has_its_place_and_is_one_that_plotly_knows():
    ids = {attributes.get("id") for _, attributes in parsed().tags}
    found = specs(page())
    assert [plot["name"] for plot in found] == [
        "equity", "leverage", "health", "price", "drawdown", "pnl", "costs",
    ]  # fmt: skip
    for plot in found:
        assert plot["name"] in ids
        text = json.dumps({"data": plot["traces"], "layout": plot["layout"]})
        spec = json.loads(re.sub(r'"\$\w+"', '"red"', text))
        go.Figure(spec)  # raises on what it does not know


def test_numbers_too_small_to_read_are_left_out_and_small_falls_have_ticks_of_their_own():
    plots = {each.name: each.layout for each in plots_of(findings_of(played()))}
    assert plots["pnl"]["uniformtext"] == {"minsize": 9, "mode": "hide"}
    assert plots["drawdown"]["yaxis"]["tickformat"] == ".4~%"


def test_what_others_did_is_not_told_as_carried_out():
    found = findings_of(played())
    assert '"soft small">carried out&nbsp;' in tables.heads(found)
    theirs = replace(found.acts[0], end=End.OTHERS)
    shown = tables.heads(replace(found, acts=(theirs, *found.acts[1:])))
    assert "carried out, 1 by others" in shown


def test_every_action_is_marked_with_its_reason():
    record = played()
    acts = acts_of(record.entries, record.mandate)
    (leverage,) = [plot for plot in specs(page()) if plot["name"] == "leverage"]
    marks = [trace for trace in leverage["traces"] if trace["mode"] == "markers"]
    assert sum(len(trace["x"]) for trace in marks) == len(acts)
    hovers = [text for trace in marks for text in trace["text"]]
    for act in acts:
        assert any(act.reason in text and act.agent in text for text in hovers)


def test_colours_are_the_themes():
    css = page().partition("<style>")[2].partition("</style>")[0]
    for name in set(re.findall(r'"\$(\w+)"', parsed().scripts[0])):
        assert css.count(f"--{name}:") == 3, name  # light, dark by system, dark by hand


def hostile():
    record = played()
    mandate = replace(
        record.mandate,
        collateral=Asset(f"W{EVIL}", 18),
        debt=Asset(f"U{EVIL}", 6),
    )
    replay = Replay()
    replay.entries = list(record.entries)
    last = record.entries[-1].event.snapshot
    replay.write(AlertRaised("loop", EVIL, EVIL), at=1)
    replay.write(ExternalChanged("loop", EVIL, {EVIL: 1}, explained=False, snapshot=last), at=1)
    entries = []
    for entry in replay.entries:
        event = entry.event
        if hasattr(event, "reason"):
            event = replace(event, reason=EVIL)
        if hasattr(event, "agent"):
            event = replace(event, agent=EVIL)
        entries.append(replace(entry, event=event))
    return replace(
        record, mandate=mandate, entries=tuple(entries), mode=EVIL, settings_hash=EVIL,
        data_digest=EVIL, models={EVIL: EVIL},
    )  # fmt: skip


def test_names_and_reasons_from_outside_stay_text():
    text = page_of(hostile())
    bad = Elements(text)
    assert {tag for tag, _ in bad.tags} == {tag for tag, _ in parsed().tags} | {
        "details",
        "summary",
    }
    assert all(not key.startswith("on") for _, attributes in bad.tags for key in attributes)
    assert len(bad.scripts) == 3
    assert bad.scripts[1:] == parsed().scripts[1:]
    assert "\x1b" not in text
    assert "\u2028" not in text
    shown = json.dumps(specs(text))
    assert "<img" not in shown  # Plotly's labels know a few tags of their own


def test_a_curve_of_a_year_of_minutes_is_thinned_and_says_so():
    count = 525_600
    wave = 1.4 + 0.1 * np.sin(np.arange(count) / 9_000)
    low = np.where(np.arange(count) == 200_001, 1.01, wave)
    unit = np.exp(np.sin(np.arange(count) / 40_000))
    long = curve(unit, step=60, health=wave, health_low=low)
    text = page_of(replace(played(), curve=long))
    assert "525,600 rows: the first, lowest" in " ".join(Elements(text).text)
    assert len(text) - len(page()) < 1_500_000
    (health,) = [plot for plot in specs(text) if plot["name"] == "health"]
    assert min(health["traces"][0]["y"]) == 1.01


def test_infinite_health_and_leverage_are_gaps():
    holes = curve([1, 1, 1], health=[np.inf, 1.5, np.inf], health_low=[np.inf, 1.4, np.inf],
                  leverage=[1, 2, np.inf])  # fmt: skip
    found = specs(page_of(replace(played(), curve=holes)))
    assert found[2]["traces"][1]["y"] == [None, 1.5, None]
    assert found[1]["traces"][0]["y"][-1] is None


@pytest.mark.parametrize("rows", [0, 1])
def test_a_run_of_no_length_has_a_page_all_the_same(rows):
    bare = replace(played(), curve=curve([1.0] * rows), band=Band(), models={}, data_digest="")
    assert "Equity against holding" in page_of(bare)


def test_of_too_many_actions_the_gravest_are_marked_and_the_ends_are_listed():
    found = findings_of(played())
    one = found.acts[0]
    acts = [
        replace(one, seq=seq, purpose="deleverage" if seq % 1_000 == 7 else "boost")
        for seq in range(20_000)
    ]
    marked = marked_acts(acts)
    assert len(marked) == MARKS_MAX
    assert sum(act.purpose == "deleverage" for act in marked) == 20
    assert [act.seq for act in marked] == sorted(act.seq for act in marked)
    listed = tables.acts_table(replace(found, acts=tuple(acts)))
    assert listed.count("<tr>") == tables.ROWS_MAX + 1
    assert "19,000 in between are left out" in listed


def test_a_page_takes_the_place_of_another_whole(tmp_path):
    path = tmp_path / "new" / "report.html"
    write_page(played(), path)
    first = path.read_bytes()
    path.write_text("something else")
    write_page(played(), path)
    assert path.read_bytes() == first
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_file_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OwnerError, match="cannot be written") as raised:
        write_page(played(), tmp_path / "taken" / "report.html")
    assert raised.value.code == "LVD-OWN-099"
    folder = tmp_path / "folder.html"
    folder.mkdir()
    with pytest.raises(OwnerError):
        write_page(played(), folder)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder.html", "taken"]


def test_without_plotly_the_page_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(DataError, match="plotly") as raised:
        write_page(played(), tmp_path / "x.html")
    assert "leverd[report]" in raised.value.remedy


def test_facts_are_plain_json_and_exact():
    facts = json.loads(json.dumps(facts_of(played()), allow_nan=False))
    books = findings_of(played()).books
    assert facts["money"]["ended"] == f"{books.equity / 10**8:.8f}"
    assert facts["metrics"]["drawdown"]["since"].endswith("Z")
    assert len(facts["actions"]) == 14
    assert facts["actions"][0]["after"]["leverage"] == pytest.approx(2.5, abs=1e-6)
    assert facts["band"]["leverage_target"] == "2.5"
    assert facts["position"] == "loop"


def test_facts_of_nothing_are_none_and_no_error():
    facts = facts_of(replace(played(), curve=curve([])))
    assert (facts["since"], facts["rows"], facts["metrics"]["sharpe"]) == (None, 0, None)
    assert isinstance(played().curve, Curve)
    assert worlds.mandate() == played().mandate
