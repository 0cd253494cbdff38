"""Each planted defect is found by its seed; without it the same seed finds nothing."""

from __future__ import annotations

import pytest
from loguru import logger
from tests.prove.tally import tell
from tests.simulation.defects.catalogue import CATALOGUE
from tests.simulation.defects.found import SEEDS
from tests.simulation.defects.planting import planted
from tests.simulation.schedule import play


@pytest.fixture(autouse=True)
def quiet():
    logger.disable("leverd")
    yield
    logger.enable("leverd")


def seen_with(defect):
    """Return what the seed of `defect` sees with it, "" for nothing."""
    with planted(defect):
        found = play(SEEDS[defect.name]).violations
    return found[0].strip().splitlines()[-1] if found else ""


def test_there_are_at_least_thirty_and_each_has_its_seed():
    assert len(CATALOGUE) >= 30
    assert len({defect.name for defect in CATALOGUE}) == len(CATALOGUE)
    assert {defect.name for defect in CATALOGUE} == SEEDS.keys()


@pytest.mark.parametrize("defect", CATALOGUE, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(defect):
    assert seen_with(defect), defect.story
    assert not play(SEEDS[defect.name]).violations, "and it is the defect that was found"


@pytest.mark.prove
def test_every_planted_defect_is_found():
    missed = []
    for defect in CATALOGUE:
        seen = seen_with(defect)
        if not seen or play(SEEDS[defect.name]).violations:
            missed.append(defect.name)
        tell("planted", defect=defect.name, seed=SEEDS[defect.name], seen=seen[:100])
    assert not missed
