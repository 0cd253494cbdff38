"""Each limit has one safer way; what differs is shown with what it takes to come into force."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.settings.owner_file import KINDS, SHIPPED, load, write

from leverd.interfaces.safer import HIGHER, LOWER, Safer, is_tighter, way_of
from leverd.settings import Needs, changes, schema
from leverd.settings.limits import LimitsSection

DOC = Path(__file__).parents[3] / "docs" / "risk.md"
ROW = re.compile(r"^\| `(\w+)` \| (lower|higher|neither) \|", re.MULTILINE)


def test_every_limit_says_which_way_it_is_safer():
    ways = {name: way_of(field) for name, field in LimitsSection.model_fields.items()}
    assert [name for name, way in ways.items() if way is None] == []


def test_schema_and_page_say_the_same_ways():
    ways = {name: str(way_of(field)) for name, field in LimitsSection.model_fields.items()}
    properties = schema(KINDS)["$defs"]["LimitsSection"]["properties"]
    assert {name: each["safer"] for name, each in properties.items()} == ways
    assert dict(ROW.findall(DOC.read_text(encoding="utf-8"))) == ways


@given(st.decimals(-2, 2, places=3), st.decimals(-2, 2, places=3))
def test_of_two_values_at_most_one_way_is_tighter(one, other):
    assert is_tighter(Safer.LOWER, one, other) == (other < one)
    assert is_tighter(Safer.HIGHER, one, other) == is_tighter(Safer.LOWER, other, one)
    assert not is_tighter(Safer.NEITHER, one, other)
    assert not is_tighter(None, one, other)


@pytest.mark.parametrize("pair", [(None, 1), (1, None), (True, False), ("2", "1"), ([], [1])])
def test_what_is_no_number_is_never_tighter(pair):
    assert not is_tighter(Safer.LOWER, *pair)
    assert not is_tighter(Safer.HIGHER, *pair)


def difference(tmp_path, *edits):
    return changes(load(SHIPPED), load(write(tmp_path, *edits)))


@pytest.mark.parametrize(
    ("edit", "shown"),
    [
        (("slippage_max: 0.005", "slippage_max: 0.004"), "0.005 -> 0.004 (tightens)"),
        (("slippage_max: 0.005", "slippage_max: 0.006"), "0.005 -> 0.006 (loosens)"),
        (("shock: -0.10", "shock: -0.2"), "-0.10 -> -0.2 (tightens)"),
        (("shock: -0.10", "shock: -0.05"), "-0.10 -> -0.05 (loosens)"),
        (("health_step_min: 1.02", "health_step_min: 1.03"), "1.02 -> 1.03 (loosens)"),
        (("health_step_min: 1.02", "health_step_min: 1.01"), "1.02 -> 1.01 (loosens)"),
        (("look_s_min: 12", "look_s_min: 10"), "12 -> 10 (tightens)"),
        (("guardian: {} ", "guardian: {deleverage_below: 1.2} "), "unset -> 1.2 (loosens)"),
        (("change_min: 0.1 ", "change_min: 0.2 "), "0.1 -> 0.2 (loosens)"),
        (("target: 2.5 ", "target: 2.4 "), "2.5 -> 2.4 (tightens)"),
        (("console: true", "console: false"), "true -> false (needs a restart)"),
        (("final_depth: 2", "final_depth: 3"), "2 -> 3 (needs a restart)"),
        (("agents_path: []", "agents_path: [mine.py]"), "[] -> [mine.py] (needs a restart)"),
        (("share_class: USD", "share_class: WETH"), "USD -> WETH (needs a restart)"),
    ],
)
def test_a_difference_is_shown_with_what_it_takes(tmp_path, edit, shown):
    (change,) = difference(tmp_path, edit)
    assert str(change).endswith(f": {shown}")


def test_agents_and_positions_come_and_go_by_restart_only(tmp_path):
    for edit in (
        ("      guardian: {} ", "      # guardian: {} "),
        ("  eth-loop: ", "  other-loop: "),
    ):
        found = difference(tmp_path, edit)
        assert found
        assert {each.needs for each in found} == {Needs.RESTART}


def test_same_settings_do_not_differ(tmp_path):
    assert difference(tmp_path, ("leverage_max: 3  ", "leverage_max: 3.00  ")) == ()


def test_a_node_s_key_is_not_shown():
    base = load(SHIPPED)
    chain = base.chain.model_copy(update={"rpc": ("https://node.example/v2/aaaa",)})
    other = base.chain.model_copy(update={"rpc": ("https://node.example/v2/bbbb",)})
    (change,) = changes(
        base.model_copy(update={"chain": chain}), base.model_copy(update={"chain": other})
    )
    assert "aaaa" not in str(change)
    assert "bbbb" not in str(change)


def test_the_shipped_agents_targets_go_down_only():
    loop, guard = KINDS["leverage_loop"].params, KINDS["guardian"].params
    assert way_of(loop.model_fields["target"]) is Safer.LOWER
    assert way_of(guard.model_fields["deleverage_below"]) is Safer.HIGHER
    assert (LOWER["safer"], HIGHER["safer"]) == ("lower", "higher")
    assert is_tighter(way_of(loop.model_fields["target"]), Decimal("2.5"), Decimal("2.4"))
