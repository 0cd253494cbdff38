"""What may be said of a second daemon."""

from __future__ import annotations

import pytest
from tests.unit.settings.owner_file import SHIPPED, line_of, load, problems, write
from tests.unit.settings.test_spot_settings import COMMENTED, section

OFF = "  enabled: false                   # true: act only while holding"
ON = OFF.replace("false", "true ")
COPY = "  copy_to:                         # PostgreSQL"
TO = COPY.replace("copy_to:", "copy_to: postgresql://me@host/mine")


def test_nothing_of_it_is_on_unless_it_is_said():
    settings = load(SHIPPED)
    assert not settings.standby.enabled
    assert not settings.shares_its_key


def test_it_is_on_where_the_copy_is_named(tmp_path):
    settings = load(write(tmp_path, (OFF, ON), (COPY, TO)))
    assert settings.shares_its_key
    assert (settings.standby.ttl_s, settings.standby.renew_s) == (5, 1)


@pytest.mark.parametrize("mode", ["fork", "paper"])
def test_what_signs_nothing_real_shares_no_key(tmp_path, mode):
    settings = load(write(tmp_path, (OFF, ON), (COPY, TO)))
    assert not settings.model_copy(update={"mode": mode}).shares_its_key


def test_an_order_book_is_traded_by_one_machine_alone(tmp_path):
    spot = (COMMENTED, section())
    assert load(write(tmp_path, spot, (COPY, TO))).spot is not None
    file = write(tmp_path, spot, (OFF, ON), (COPY, TO))
    (problem,) = problems(file)
    assert problem.path == ("spot",)
    assert "one machine alone" in problem.message
    assert problem.place.line == line_of(file, "spot:")


@pytest.mark.parametrize(("blind", "fits"), [(10, True), ("9.9", False)])
def test_two_answers_of_a_node_fit_into_the_patience_with_a_blind_holder(tmp_path, blind, fits):
    late = ("  blind_s: 20 ", f"  blind_s: {blind} ")
    found = problems(write(tmp_path, late, (OFF, ON), (COPY, TO)))
    assert [each.path for each in found] == ([] if fits else [("standby", "blind_s")])
    assert not problems(write(tmp_path, late)), "where there is no lease it says nothing"


def test_without_a_copy_there_is_no_lease(tmp_path):
    (problem,) = problems(write(tmp_path, (OFF, ON)))
    assert problem.path == ("journal", "copy_to")


@pytest.mark.parametrize(
    ("ttl", "renew", "fits"), [(3, 1, True), ("2.9", 1, False), (60, 20, True), (61, 1, False),
                               ("0.9", "0.1", False), (5, 0, False)]
)  # fmt: skip
def test_several_renewals_fit_into_a_lease(tmp_path, ttl, renew, fits):
    edits = [("  ttl_s: 5 ", f"  ttl_s: {ttl} "), ("  renew_s: 1 ", f"  renew_s: {renew} ")]
    found = problems(write(tmp_path, *edits))
    assert (not found) == fits
    assert {each.path[0] for each in found} <= {"standby"}
