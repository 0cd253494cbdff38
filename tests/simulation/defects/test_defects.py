"""Each planted defect is found by a seed; without it the same seed finds nothing."""

from __future__ import annotations

import pytest
from loguru import logger
from tests.prove.tally import tell
from tests.simulation.defects.__main__ import search
from tests.simulation.defects.catalogue import CATALOGUE
from tests.simulation.defects.found import SEEDS
from tests.simulation.schedule import play


@pytest.fixture(autouse=True)
def quiet():
    logger.disable("leverd")
    yield
    logger.enable("leverd")


NEAR = range(100)
"""Where a defect is looked for when its own seed leads elsewhere since behaviour changed."""


def seen_with(defect):
    """Return the seed that finds `defect` and what it saw."""
    found = search(defect, (SEEDS[defect.name], *NEAR))
    assert found, f"{defect.story}; python -m tests.simulation.defects looks further"
    return found


def test_there_are_at_least_thirty_and_each_has_its_seed():
    assert len(CATALOGUE) >= 30
    assert len({defect.name for defect in CATALOGUE}) == len(CATALOGUE)
    assert {defect.name for defect in CATALOGUE} == SEEDS.keys()


@pytest.mark.parametrize("defect", CATALOGUE, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(defect):
    seed, _ = seen_with(defect)
    assert not play(seed).violations, "and it is the defect that was found"


@pytest.mark.prove
def test_every_planted_defect_is_found():
    for defect in CATALOGUE:
        seed, seen = seen_with(defect)
        assert not play(seed).violations
        tell("planted", defect=defect.name, seed=seed, seen=seen[:100])
