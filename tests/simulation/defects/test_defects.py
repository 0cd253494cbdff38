"""Each planted defect is found by a seed; without it the same seed finds nothing."""

from __future__ import annotations

import pytest
from loguru import logger
from tests.prove.tally import tell
from tests.simulation.defects.catalogue import CATALOGUE
from tests.simulation.defects.planting import planted
from tests.simulation.schedule import play

BUDGET = 2_000
"""Seeds that a defect may stay hidden from."""

SAMPLE = (
    "journaled after the send",
    "no answer taken for no",
    "a bump on another nonce",
    "lost at first sight",
    "two plans race",
    "recovery skips open slots",
    "a cooldown denies a deleverage",
)
SAMPLE_BUDGET = 40


@pytest.fixture(autouse=True)
def quiet():
    logger.disable("leverd")
    yield
    logger.enable("leverd")


def first_seed(defect, budget):
    """Return the first seed that finds `defect`, and what it saw."""
    with planted(defect):
        for seed in range(budget):
            found = play(seed).violations
            if found:
                return seed, found[0].strip().splitlines()[-1]
    return None


def test_there_are_at_least_thirty_and_each_is_named_once():
    assert len(CATALOGUE) >= 30
    assert len({defect.name for defect in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("defect", CATALOGUE, ids=lambda defect: defect.name)
def test_a_patch_applies_and_comes_out_again(defect):
    with planted(defect):
        pass


@pytest.mark.parametrize("name", SAMPLE)
def test_an_easy_defect_is_found_soon(name):
    defect = next(each for each in CATALOGUE if each.name == name)
    found = first_seed(defect, SAMPLE_BUDGET)
    assert found is not None
    assert not play(found[0]).violations, "and it is the defect that was found"


@pytest.mark.prove
@pytest.mark.parametrize("defect", CATALOGUE, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(defect):
    found = first_seed(defect, BUDGET)
    assert found is not None, defect.story
    seed, seen = found
    assert not play(seed).violations, "and it is the defect that was found"
    tell("planted", defect=defect.name, seed=seed, seen=seen[:100])
